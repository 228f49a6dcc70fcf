"""Calibration of the subject's probabilities, and its confidence without input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import ClassHead, Meaning, Reading, Task
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Calibration(TaskMeasure):
    """Calibration of every learned task with classes: expected calibration error, Brier score, log-loss, mean confidence.

    Formulas and ranges in `lifespan.stats.calibration`: `ece` with `bins` bins of equal width (Guo et al. 2017), `brier`
    summed over classes (Brier 1950), `log_loss` in nats, `confidence`, the mean of the largest probability. Tasks whose
    answer is no class of a text, such as a score or tags of words, have none.
    """

    citation = "guo2017calibration"
    meanings = (
        Meaning(
            "ece", "mean gap between confidence and accuracy", "[0, 1]", "near 0", better="lower", outcome="calibration error"
        ),
        Meaning(
            "brier",
            "squared distance of probabilities from the labels",
            "[0, 2]",
            "below that of chance, 1 - 1/K",
            better="lower",
        ),
        Meaning("log_loss", "negative log-likelihood of the labels", "[0, inf)", "below log K", "nats", "lower"),
        Meaning("confidence", "mean largest probability", "[1/K, 1]", "near the accuracy"),
    )
    cost = "1 forward pass over the split"

    bins: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("bins", at_least=2)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.stats import calibration
        from lifespan.training.evaluation import task_logits

        for title, task, split in self.learned(subject, tasks):
            if not isinstance(task.head, ClassHead):
                continue
            logits, labels = task_logits(subject, task, split, self.length, self.examples)
            p = calibration.softmax(logits)
            found = {
                "ece": calibration.expected_calibration_error(p, labels, bins=self.bins),
                "brier": calibration.brier(p, labels),
                "log_loss": calibration.log_loss(p, labels),
                "confidence": float(p.max(axis=1).mean()),
            }
            for metric, value in found.items():
                yield Reading(metric, value, len(labels), title, split)


@dataclass(frozen=True, kw_only=True)
class NullInput(TaskMeasure):
    """Confidence without input: answers to the task's sentences with every word masked.

    Every token that is not special becomes the mask token; lengths and segments stay. Metrics by task with classes:
    `confidence`, the mean largest probability, and `entropy`, the mean entropy of the answers over log K. A hallucination of
    meaning (Hoffman & McGlashan 1997: spontaneous output after over-pruning) is confidence without input.
    """

    citation = "hoffman1997synaptic"
    meanings = (
        Meaning("confidence", "mean largest probability on masked sentences", "[1/K, 1]", "near 1/K", better="lower"),
        Meaning("entropy", "mean entropy of the answers, over log K", "[0, 1]", "near 1: not sure", better="higher"),
    )
    cost = "1 forward pass over the split"

    examples: int | None = 200

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import numpy as np

        from lifespan.stats.calibration import softmax
        from lifespan.training.evaluation import token_logits, tokenised

        special = np.array(sorted(set(subject.tokenizer.all_special_ids)))
        for title, task, split in self.learned(subject, tasks):
            if not isinstance(task.head, ClassHead):
                continue
            _, tokens = tokenised(task, split, self.length, subject.tokenizer, self.examples)

            def masked(batch: dict, number: int) -> dict:
                ids = batch["input_ids"].clone()
                ids[~np.isin(ids.numpy(), special)] = subject.tokenizer.mask_token_id
                return {**batch, "input_ids": ids}

            p = softmax(token_logits(subject, title, tokens, masked))
            entropy = -(p * np.log(np.clip(p, 1e-12, None))).sum(axis=1).mean() / np.log(p.shape[1])
            yield Reading("confidence", float(p.max(axis=1).mean()), len(p), title, split)
            yield Reading("entropy", float(entropy), len(p), title, split)

"""Dose-response to any disorder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from lifespan.contracts import Course, Disorder, Examples, Plasticity, Task
from lifespan.errors import ScenarioError
from lifespan.probes.robustness._dose_response import DoseResponse, curve

if TYPE_CHECKING:
    import numpy as np

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams
    from lifespan.training.batches import Batch, Tokens


@dataclass(frozen=True, kw_only=True)
class Response(DoseResponse):
    """How every task learned so far does under a disorder at rising severities, each applied and reverted.

    `Response(WeightNoise())` measures robustness against noise on weights, `Response(Quantize())` against fewer bits per
    synapse (severity s is 9 - 8s bits), `Response(HeadLoss())`, `Response(NeuronLoss())` and `Response(LayerLoss())` against
    random lesions, `Response(ActivationNoise())` against noisy states, and `Response(TokenBlur())`,
    `Response(WordOrderShuffle())` and `Response(Typos())` against corrupted input. Of the disorder's hooks act: `strike`,
    which is reverted; `activations`; `examples` and `batch`, on the texts, the right answers staying. The dose is the
    severity. A disorder whose hooks act only on learning
    changes nothing here and is refused; so is one that alters which rows and answers there are to learn from.
    """

    citation = "guest2020levels"
    revision = 2
    meanings = curve("under {about}")

    disorder: Disorder = field(kw_only=False)
    severities: tuple[float, ...] = (0.25, 0.5, 0.75)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("disorder", Disorder, "Response(WeightNoise())")
        rising = isinstance(self.severities, tuple) and all(0 < s <= 1 for s in self.severities) and len(self.severities) > 0
        rising = rising and list(self.severities) == sorted(set(self.severities))
        self.require("severities", rising, "must be a tuple of rising severities in (0, 1].", "For example: (0.25, 0.5).")
        kind = type(self.disorder)
        teaching = kind.aetiology == "data and curriculum"
        hooks = ("strike", "activations", "batch", *(() if teaching else ("examples",)))
        acts = any(getattr(kind, hook) is not getattr(Disorder, hook) for hook in hooks)
        remedy = "Let it act on a learning: Suffer(...) before a Learn."
        self.require("disorder", acts, "acts on learning alone, and an evaluation does not learn.", remedy)

    @property
    def title(self) -> str:
        return f"Response to {self.about}"

    @property
    def about(self) -> str:
        """The disorder, but for its severity."""
        usual: Any = {field.name: field.default for field in fields(self.disorder)}["severity"]
        return replace(self.disorder, severity=usual).describe().removesuffix("()")

    @property
    def doses(self) -> tuple[float, ...]:
        return self.severities

    @contextmanager
    def _struck(self, subject: Subject, disorder: Disorder, streams: Streams) -> Iterator[None]:
        from lifespan.model.history import undone

        with ExitStack() as damage:
            if type(disorder).strike is not Disorder.strike:
                damage.enter_context(undone(subject))
                disorder.strike(subject, streams)
            damage.enter_context(disorder.activations(subject, streams, 0))
            yield

    def damaged(
        self, subject: Subject, dose: float, streams: Streams, tasks: Mapping[str, Task]
    ) -> AbstractContextManager[object]:
        return self._struck(subject, replace(self.disorder, severity=dose), streams)

    def answer(self, subject: Subject, task: Task, split: str, dose: float, streams: Streams) -> np.ndarray:
        from lifespan.training.evaluation import token_logits, tokenised

        disorder = replace(self.disorder, severity=dose)
        rows, tokens = tokenised(task, split, self.length, subject.tokenizer, self.examples)
        altered_tokens = self._altered(disorder, rows, tokens, task, subject, streams)

        tagged = bool(altered_tokens.starts)

        def read(batch: Batch, number: int) -> Batch:
            import torch

            course = Course(subject, Plasticity(), task.title, number, 1, streams, {})
            ids = batch["input_ids"]
            # A word that moves takes its tag along: labels that are places say where it is now.
            labels = torch.arange(ids.shape[1]).repeat(len(ids), 1) if tagged else torch.zeros(len(ids), dtype=torch.int64)
            altered = disorder.batch({**batch, "labels": labels}, course)
            places = {"places": altered["labels"].argsort(dim=1)} if tagged else {}
            return {**{name: value for name, value in altered.items() if name != "labels"}, **places}

        return token_logits(subject, task.title, altered_tokens, read)

    def _altered(
        self, disorder: Disorder, rows: Examples, tokens: Tokens, task: Task, subject: Subject, streams: Streams
    ) -> Tokens:
        """The tokens of the texts as the disorder alters them."""
        from lifespan.training.batches import tokens_of

        altered = disorder.examples(rows, task, streams)
        if altered is rows:
            return tokens
        # Equal labels are not enough: rows that took the places of others of their class have those too.
        if altered.labels is not rows.labels:
            what = f"{type(disorder).__name__} changes which rows or labels there are, not how they read."
            remedy = "Use a disorder that keeps them, such as Typos(): dataclasses.replace(examples, first=...)."
            raise ScenarioError(self.describe(), what, remedy)
        return tokens_of(task, altered, subject.tokenizer, self.length)

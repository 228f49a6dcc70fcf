"""Scores of a task's structure alone, with every surviving synapse at one shared strength."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Meaning, Reading, Task
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class WeightAgnostic(TaskMeasure):
    """Scores of every task learned so far with its surviving weights replaced by sign(W) times one shared constant.

    Gaier & Ha (2019, section 3) judge a structure by its mean performance over several values of one shared weight; theirs
    has one sign for all connections, here each synapse keeps its own. A synapse survives if it is alive and in the task's
    mask. The constant is a factor of `factors` times the mean of abs(W) over the task's surviving synapses in the whole
    encoder. Heads, biases, LayerNorm and embeddings stay.

    Metrics, for each metric of the task: `weight_agnostic_accuracy@0.5` at the factor 0.5; `weight_agnostic_accuracy@mean`
    over the factors, the paper's criterion, undefined where one of them is; `weight_agnostic_accuracy@max`, the best
    defined one. Units and ranges are the metric's own. Cost: one forward pass over the split for every factor.
    """

    citation = "gaier2019weight"

    meanings = (
        Meaning(
            "weight_agnostic_*@mean",
            "mean score over the shared strengths",
            "the metric's own",
            "above a random mask's",
            better="higher",
        ),
        Meaning(
            "weight_agnostic_*@max",
            "best score over the shared strengths",
            "the metric's own",
            "near the trained score",
            better="higher",
        ),
        Meaning("weight_agnostic_*@*", "score at one factor of the mean strength", "the metric's own", "", better="higher"),
    )
    cost = "1 forward pass over the split for every factor"

    factors: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.factors
        fine = isinstance(given, tuple) and len(given) > 0
        fine = fine and all(isinstance(f, int | float) and not isinstance(f, bool) and 0 < f < float("inf") for f in given)
        fine = fine and len({f"{factor:g}" for factor in given}) == len(given)
        self.require("factors", fine, "must be a tuple of different numbers above 0.", "For example: (0.5, 1.0, 2.0).")

    @property
    def passes(self) -> float:
        return float(len(self.factors))

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.training.evaluation import task_logits, task_scores

        for title, task, split in self.learned(subject, tasks):
            strength = mean_strength(subject, title)
            scores = []
            for factor in self.factors:
                with shared_strength(subject, factor * strength):
                    outputs, labels = task_logits(subject, task, split, self.length, self.examples)
                scores.append(task_scores(task, outputs, labels))
            for metric in task.metrics:
                values = [each[metric] for each in scores]
                named = {f"{factor:g}": value for factor, value in zip(self.factors, values, strict=True)}
                named["mean"] = sum(values) / len(values)
                named["max"] = max((value for value in values if value == value), default=float("nan"))
                for name, value in named.items():
                    yield Reading(f"weight_agnostic_{metric}@{name}", value, len(labels), title, split)


def mean_strength(subject: Subject, task: str) -> float:
    """Mean of abs(W) over the synapses that survive in a task's effective weights; 0 where none does."""
    mask = subject.effective(task)
    total, count = 0.0, 0
    for name, weight in subject.synapses.items():
        survivors = weight.data if mask is None else weight.data[mask[name]]
        total += float(survivors.double().abs().sum())
        count += survivors.numel()
    return total / max(1, count)


@contextmanager
def shared_strength(subject: Subject, constant: float) -> Iterator[None]:
    """Inside this block every synapse weighs sign(W) x constant; afterwards W is back, bit for bit."""
    whole = {name: weight.data for name, weight in subject.synapses.items()}
    try:
        for name, weight in subject.synapses.items():
            weight.data = whole[name].sign() * constant
        yield
    finally:
        for name, weight in subject.synapses.items():
            weight.data = whole[name]

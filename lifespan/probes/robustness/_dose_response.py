"""The base of dose-response probes: doses, draws, and summaries of the curve."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Meaning, Reading, Task
from lifespan.errors import OutOfReach
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    import numpy as np

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams

KEPT = 0.9


def curve(outcome: str) -> tuple[Meaning, ...]:
    """What the metrics of a dose-response curve mean, whose area is an outcome of this name."""
    return (
        Meaning(
            "*@area",
            "mean of the curve over its range of doses",
            "the metric's own",
            "near the healthy score",
            better="higher",
            outcome=outcome,
        ),
        Meaning(
            "*@D50",
            "dose at which half of the healthy score above chance is lost",
            "the doses', or none",
            "large",
            better="higher",
        ),
        Meaning("*@critical", "dose up to which 90% of it is kept", "the doses', or none", "large", better="higher"),
        Meaning("*@*/sd", "standard deviation over draws", "[0, inf)", "small: the draw does not matter", better="lower"),
        Meaning(
            "*@*",
            "score at one dose, the mean over draws",
            "the metric's own",
            "near the healthy score, @0",
            better="higher",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class DoseResponse(TaskMeasure):
    """Scores of every task learned so far at rising doses of some damage, which is undone afterwards.

    Each dose is tried `draws` times, with draws of this individual that are the same at every evaluation. Metrics, for each of
    the task's: `<metric>@<dose>`, the mean over draws, `@0` being health; `<metric>@<dose>/sd` (two draws or more); and of the
    curve `@area`, `@D50` and `@critical` (see `lifespan.stats.dose_response`; chance is the best constant answer). Under
    damage a correlation that does not exist, because all answers are equal, counts as chance.
    """

    draws: int = 1

    meanings = curve("")
    cost = "1 forward pass over the split for every dose and draw"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("draws")

    @property
    @abstractmethod
    def doses(self) -> tuple[float, ...]:
        """Rising doses above 0."""

    def reachable(self, subject: Subject) -> tuple[float, ...]:
        """Those doses that can be tried on this subject."""
        return self.doses

    def suffered(self, subject: Subject) -> float:
        """The dose that this subject has had already: up to it, the curve is level."""
        return 0.0

    @abstractmethod
    def answer(self, subject: Subject, task: Task, split: str, dose: float, streams: Streams) -> np.ndarray:
        """Outputs of the task's head, (examples, outputs), inside `damaged` at this dose."""

    @abstractmethod
    def damaged(
        self, subject: Subject, dose: float, streams: Streams, tasks: Mapping[str, Task]
    ) -> AbstractContextManager[object]:
        """Inside this block the subject is damaged; afterwards it is as before."""

    @property
    def passes(self) -> float:
        return 1.0 + len(self.doses) * self.draws

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.stats.metrics import chance
        from lifespan.training.evaluation import task_logits, task_scores

        known = {title: task for title, task, _ in self.learned(subject, tasks)}
        if not known:
            return
        splits = {title: self.split or task.splits[1] for title, task in known.items()}
        seen = (self.length, self.examples)
        healthy = {title: task_logits(subject, task, splits[title], *seen) for title, task in known.items()}
        curves = {title: task_scores(known[title], outputs, labels) for title, (outputs, labels) in healthy.items()}
        found: dict[float, list[dict[str, np.ndarray]]] = {}
        for dose in self.reachable(subject):
            try:
                found[dose] = [self._tried(subject, known, splits, dose, draw, streams) for draw in range(self.draws)]
            except OutOfReach:
                break
        for title, task in known.items():
            labels = healthy[title][1]
            scores = {dose: [task_scores(task, outputs[title], labels) for outputs in each] for dose, each in found.items()}
            for metric in task.metrics:
                drawn = {dose: [score[metric] for score in each] for dose, each in scores.items()}
                place = (len(labels), title, splits[title])
                floor = chance(metric, labels, task.positive_class)
                for name, value in _summaries(metric, curves[title][metric], drawn, floor, self.suffered(subject)):
                    yield Reading(name, value, *place)

    def _tried(
        self, subject: Subject, known: Mapping[str, Task], splits: Mapping[str, str], dose: float, draw: int, streams: Streams
    ) -> dict[str, np.ndarray]:
        """Outputs of every task's head at one dose and draw."""
        own = streams.child(draw)
        with self.damaged(subject, dose, own, known):
            return {title: self.answer(subject, task, splits[title], dose, own) for title, task in known.items()}


def _summaries(
    metric: str, healthy: float, drawn: Mapping[float, list[float]], floor: float, suffered: float
) -> Iterable[tuple[str, float]]:
    import numpy as np

    from lifespan.stats import dose_response as curves

    yield f"{metric}@0", healthy
    doses, scores = [0.0, *([suffered] if suffered else [])], [healthy] * (2 if suffered else 1)
    for dose, each in drawn.items():
        values = np.nan_to_num(each, nan=floor)
        doses.append(dose)
        scores.append(float(np.mean(values)))
        yield f"{metric}@{dose:g}", scores[-1]
        if len(values) > 1:
            yield f"{metric}@{dose:g}/sd", float(np.std(values, ddof=1))
    if drawn:
        yield f"{metric}@area", curves.area(doses, scores)
        yield f"{metric}@D50", curves.d50(doses, scores, floor=floor)
        yield f"{metric}@critical", curves.critical_dose(doses, scores, floor=floor, keep=KEPT)

"""Slices through the loss landscape around a subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Meaning, Moment, Reading, Task
from lifespan.model.history import earlier, require_moment
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class LossSlice(TaskMeasure):
    """The loss of every task learned so far along random directions from the subject's weights (Li et al. 2018).

    A direction is filter-normalised: each row of a matrix is as long as the weights' own row, so that flatness can be
    compared between scales. Dead synapses stay dead. At step t the weights are theta + t d, t from -`reach` to `reach` in
    `points` places (an odd number). With `dimensions=2` a second direction spans a square. theta are the effective weights
    and the task's head. Metrics, the mean over `directions` draws: `loss@<t>`, or `loss@<x>,<y>`. The loss is the task's own,
    on its evaluation split unless `split` says otherwise. Cost: points^dimensions x directions forward passes.
    """

    citation = "li2018visualizing"
    meanings = (Meaning("loss@*", "mean loss at a place of the slice", "[0, inf)", "flat around 0", "nats, or squared error"),)
    cost = "1 forward pass over the examples for every place"

    reach: float = 1.0
    points: int = 11
    dimensions: Literal[1, 2] = 1
    directions: int = 1
    examples: int | None = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("reach")
        self.require_count("points", at_least=3)
        self.require("points", self.points % 2 == 1, "must be odd, so that the subject's own place is one of them.")
        self.require_literal("dimensions")
        self.require_count("directions")

    @property
    def passes(self) -> float:
        return float(self.points**self.dimensions * self.directions)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.probes.landscape._losses import batches_of, filter_normalised, loss_at, moved, point_of

        half = self.points // 2
        steps = [self.reach * (i - half) / half for i in range(self.points)]
        for title, task, split in self.learned(subject, tasks):
            batches = batches_of(subject, task, split, self.length, self.examples)
            centre, loss = point_of(subject, title), loss_at(subject, title, batches)
            alive = {f"encoder/{name}": mask for name, mask in (subject.effective(title) or {}).items()}
            total: dict[tuple[float, ...], float] = {}
            for draw in range(self.directions):
                draws = [streams.torch("evaluation", 2 * draw + axis) for axis in range(self.dimensions)]
                axes = [filter_normalised(centre, generator, alive) for generator in draws]
                for place in _grid(steps, self.dimensions):
                    at = moved(centre, *zip(place, axes, strict=True))
                    total[place] = total.get(place, 0.0) + loss(at) / self.directions
            n = sum(len(batch["labels"]) for batch in batches)
            for place, value in total.items():
                yield Reading(f"loss@{','.join(f'{t:g}' for t in place)}", value, n, title, split)


@dataclass(frozen=True, kw_only=True)
class LossPlane(TaskMeasure):
    """The loss of every learned task on the plane through the subject and two younger selves (Hao et al. 2019).

    Coordinates: the subject now is (0, 0), itself at the moment `first` (1, 0), at `second` (0, 1); the axes need not be
    orthogonal. `points` places a side, from `low` to `high`. The head is the present one everywhere, for it did not exist
    before the task; weights are effective ones (younger selves: W x alive). Metric: `loss@<x>,<y>`, as of `LossSlice`.
    """

    citation = "hao2019visualizing"
    meanings = (Meaning("loss@*", "mean loss at a place of the plane", "[0, inf)", "one basin", "nats, or squared error"),)
    cost = "1 forward pass over the examples for every place"

    first: Moment = field(kw_only=False)
    second: Moment = field(kw_only=False)
    low: float = -0.5
    high: float = 1.5
    points: int = 9
    examples: int | None = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("first", "second"):
            require_moment(self, name)
        self.require("second", self.first != self.second, "is the same moment as `first`: three places span a plane.")
        self.require("low", self.low < self.high, "must be below `high`.")
        self.require_count("points", at_least=2)

    @property
    def moments(self) -> tuple[Moment, ...]:
        return (self.first, self.second)

    @property
    def passes(self) -> float:
        return float(self.points**2)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.probes.landscape._losses import batches_of, loss_at, moved, point_of

        if not any(self.learned(subject, tasks)):
            return
        younger = [earlier(subject, moment, self.describe()) for moment in self.moments]
        steps = [self.low + (self.high - self.low) * i / (self.points - 1) for i in range(self.points)]
        for title, task, split in self.learned(subject, tasks):
            batches = batches_of(subject, task, split, self.length, self.examples)
            centre, loss = point_of(subject, title), loss_at(subject, title, batches)
            axes = []
            for self_then in younger:
                then = _point_of_younger(self_then, centre)
                axes.append({name: then[name] - value for name, value in centre.items()})
            n = sum(len(batch["labels"]) for batch in batches)
            for x, y in _grid(steps, 2):
                value = loss(moved(centre, (x, axes[0]), (y, axes[1])))
                yield Reading(f"loss@{x:g},{y:g}", value, n, title, split)


def _point_of_younger(younger: Subject, now: dict) -> dict:
    """The point of a younger self: its living weights, and the present head (that of `now`)."""
    found = {f"encoder/{name}": parameter.detach().clone() for name, parameter in younger.encoder.named_parameters()}
    for name, mask in younger.alive.items():
        found[f"encoder/{name}"] *= mask
    return {name: found.get(name, value).to(value) for name, value in now.items()}


def _grid(steps: list[float], dimensions: int) -> Iterable[tuple[float, ...]]:
    return [(x,) for x in steps] if dimensions == 1 else [(x, y) for x in steps for y in steps]

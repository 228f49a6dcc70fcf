"""Loss barriers on paths between two subjects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lifespan.contracts import Contrast, Effort, Meaning, Reading, Task
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.probes.landscape._losses import Point
    from lifespan.randomness import Streams
    from lifespan.training.batches import Batch

PATH = (
    Meaning(
        "loss@*", "mean loss at a place of the path, 0 the first and 1 the second subject", "[0, inf)", "low", "nats", "lower"
    ),
    Meaning(
        "barrier", "largest rise of the loss over the line between the ends' losses", "[0, inf)", "0: linked", "nats", "lower"
    ),
    Meaning("distance", "Euclidean distance of the ends", "[0, inf)", "-"),
)


@dataclass(frozen=True, kw_only=True)
class AlongPath(Contrast):
    """Losses along a path between two subjects, for every task that both have learned.

    The ends are effective weights W x alive x skill, with all other parameters of the encoder and the task's head. The loss
    is the task's own on `split` (None: the training split, on which the ends were found), thinned to `examples`.
    """

    points: int = 9
    split: str | None = None
    examples: int | None = 128
    length: int = STANDARD_LENGTH

    meanings: ClassVar[tuple[Meaning, ...]] = PATH
    cost = "1 forward pass over the examples for every place"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("points", at_least=3)
        if self.examples is not None:
            self.require_count("examples")
        self.require_count("length", at_least=8)

    @property
    def steps(self) -> list[float]:
        """Places along the path, from 0 to 1."""
        return [i / (self.points - 1) for i in range(self.points)]

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(task, self.points, self.split or task.splits[0], self.examples, self.length) for task in tasks]

    def common(
        self, first: Subject, second: Subject, tasks: Mapping[str, Task]
    ) -> Iterator[tuple[str, str, list[Batch], Point, Point]]:
        """(task, split, batches, first end, second end) of every task that both have learned."""
        from lifespan.probes.landscape._losses import batches_of, point_of

        for title, task in tasks.items():
            if title in first.skills and title in second.skills:
                split = self.split or task.splits[0]
                batches = batches_of(first, task, split, self.length, self.examples)
                yield title, split, batches, point_of(first, title), point_of(second, title)

    def readings(self, losses: Mapping[float, float], split: str, title: str, n: int) -> Iterator[Reading]:
        """Readings of a path's losses."""
        from lifespan.probes.landscape._losses import barrier

        for t, loss in losses.items():
            yield Reading(f"loss@{t:g}", loss, n, title, split)
        yield Reading("barrier", barrier(losses), n, title, split)


@dataclass(frozen=True, kw_only=True)
class Barrier(AlongPath):
    """The loss on the straight line between two subjects, and its barrier (Frankle et al. 2020, section 2).

    loss(t) is taken at (1 - t) theta_1 + t theta_2; `barrier` is its largest rise over the line between the ends' losses.
    Ages of one life, `Probe(Since("development", Barrier()))`, share a basin where it is near 0. Of individuals, the units
    are not aligned: a barrier between them may vanish under a permutation (Entezari et al. 2022). Also `distance`.
    """

    citation = "frankle2020linear"

    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.probes.landscape._losses import between, distance, loss_at

        for title, split, batches, start, end in self.common(first, second, tasks):
            loss = loss_at(second, title, batches)
            n = sum(len(batch["labels"]) for batch in batches)
            yield from self.readings({t: loss(between(start, end, t)) for t in self.steps}, split, title, n)
            yield Reading("distance", distance(start, end), n, title, split)


@dataclass(frozen=True, kw_only=True)
class Bend(AlongPath):
    """The loss on a curve with one bend between two subjects, the bend learned to be low (Garipov et al. 2018, section 3).

    The curve is the quadratic Bezier curve (1 - t)^2 theta_1 + 2 t (1 - t) theta_b + t^2 theta_2. Its middle theta_b starts
    half way and takes `steps_learned` steps of Adam at `rate`, each at a drawn t and on a drawn batch of the same examples.
    Metrics as of `Barrier`, and `gain`, the straight line's barrier minus this one. A barrier that a bend removes was no
    wall. Synapses dead at both ends stay dead on the curve. Both subjects stay as they are.
    """

    citation = "garipov2018loss"
    meanings = (*PATH, Meaning("gain", "what the bend takes off the straight line's barrier", "(-inf, inf)", "-", "nats"))
    cost = "1 forward pass for every place, twice, and a forward and a backward pass of 16 examples for every step"

    steps_learned: int = 60
    rate: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("steps_learned")
        self.require_positive("rate")

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        for each in super().effort(tasks):
            yield each
            yield each
            assert isinstance(each.source, Task)
            yield Effort(each.source, 3.0 * self.steps_learned, each.split, 16, self.length)

    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.probes.landscape._bend import bezier, learned_bend
        from lifespan.probes.landscape._losses import barrier, between, distance, loss_at

        for title, split, batches, start, end in self.common(first, second, tasks):
            loss = loss_at(second, title, batches)
            n = sum(len(batch["labels"]) for batch in batches)
            middle = learned_bend(second, title, start, end, batches, self.steps_learned, self.rate, streams)
            losses = {t: loss(bezier(start, middle, end, t)) for t in self.steps}
            yield from self.readings(losses, split, title, n)
            straight = {t: loss(between(start, end, t)) for t in self.steps}
            yield Reading("gain", barrier(straight) - barrier(losses), n, title, split)
            yield Reading("distance", distance(start, end), n, title, split)

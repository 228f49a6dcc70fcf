"""Scores with heads, neurons or layers silenced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Effort, Meaning, Reading, Task
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams

BATCH = 32
"""Training examples in each of the batches of which importance is taken."""
Lost = Mapping[int, "torch.Tensor"]
"""Boolean (number,) by position of the units among all of their kind: True where a unit is silenced."""


@dataclass(frozen=True, kw_only=True)
class LesionMap(TaskMeasure):
    """Scores with one head, or one layer, silenced at a time (Michel et al. 2019, section 3.2).

    `kind` is "heads" or "layers". A silenced unit puts out zeros; a silenced layer passes its input on through the residual
    stream and its biases. Metrics, for the task's primary one: `<metric>@none`, and `<metric>@<layer>/head <h>` or
    `<metric>@<layer>`, layers as their path in the encoder, heads from 0. Cost: one forward pass for every unit.
    """

    citation = "michel2019sixteen"
    meanings = (
        Meaning("*@none", "score without a lesion", "the metric's own", "high", better="higher"),
        Meaning(
            "*@*",
            "score with one unit silenced",
            "the metric's own",
            "near @none: no single unit carries the task",
            better="higher",
        ),
    )
    cost = "1 forward pass over the split for every head or layer"

    kind: Literal["heads", "layers"] = "heads"
    examples: int | None = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("kind")

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        # Twelve layers of twelve heads, as BERT-base has: the subject is not known here.
        units = 144.0 if self.kind == "heads" else 12.0
        return [Effort(task, units, self.split, self.examples, self.length) for task in tasks]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        for title, task, split in self.learned(subject, tasks):
            metric = task.metrics[0]
            for name, lost in _single(subject, self.kind):
                value, n = _score(subject, task, split, self, self.kind, lost)
                yield Reading(f"{metric}@{name}", value, n, title, split)


@dataclass(frozen=True, kw_only=True)
class TargetedLesions(TaskMeasure):
    """Lesions of units chosen by their importance, against random lesions of equal size.

    At each share of `shares`, that many of the heads (or feed-forward neurons: `kind="neurons"`) that still live in the task,
    and at least one, are silenced: those that matter most to the task's loss (`/targeted`), those that matter least
    (`/harmless`), or drawn ones (`/random`, the mean over `draws`, and `/random sd`). Importance is E abs(dL/dxi) of Michel
    et al. (2019, equation 2), of the task's own training batches, normalised by layer as there. Metrics:
    `<metric>@<share>/targeted` and so on, for the task's primary metric, and `<metric>@0`. Where targeted is no worse than
    random, importance means nothing here.
    """

    citation = "michel2019sixteen"
    meanings = (
        Meaning("*@0", "score without a lesion", "the metric's own", "high", better="higher"),
        Meaning(
            "*@*/targeted",
            "score without the share of units that matters most",
            "the metric's own",
            "near @0",
            better="higher",
        ),
        Meaning(
            "*@*/random",
            "score without as many drawn units, the mean over draws",
            "the metric's own",
            "near @0",
            better="higher",
        ),
        Meaning("*@*/random sd", "standard deviation over draws", "[0, inf)", "small", better="lower"),
        Meaning("*@*/harmless", "score without the share that matters least", "the metric's own", "near @0", better="higher"),
    )
    cost = "1 forward pass over the split for every share and kind of lesion, and the importance"

    kind: Literal["heads", "neurons"] = "heads"
    shares: tuple[float, ...] = (0.1, 0.25, 0.5)
    draws: int = 3
    batches: int = 4
    examples: int | None = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("kind")
        self.require_count("draws", at_least=2)
        self.require_count("batches")
        fine = isinstance(self.shares, tuple) and len(self.shares) > 0 and all(0 < share <= 1 for share in self.shares)
        fine = fine and list(self.shares) == sorted(set(self.shares))
        self.require("shares", fine, "must be a tuple of rising shares in (0, 1].", "For example: (0.1, 0.5).")

    @property
    def passes(self) -> float:
        return 1.0 + len(self.shares) * (2 + self.draws)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        batches = (Effort(task, 3.0, task.splits[0], self.batches * BATCH, self.length) for task in tasks)
        return [*super().effort(tasks), *batches]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import numpy as np

        for title, task, split in self.learned(subject, tasks):
            scored = partial(_score, subject, task, split, self, self.kind)
            weakest = partial(_weakest, alive=_alive(subject, title, self.kind), subject=subject, kind=self.kind)
            metric, (healthy, n) = task.metrics[0], scored({})
            found = {"0": healthy}
            importance = self._importance(subject, task, streams)
            orders = [self._order(len(importance), streams, draw) for draw in range(self.draws)]
            for share in self.shares:
                drawn = [scored(weakest(order, share))[0] for order in orders]
                found[f"{share:g}/targeted"] = scored(weakest(-importance, share))[0]
                found[f"{share:g}/harmless"] = scored(weakest(importance, share))[0]
                found[f"{share:g}/random"] = float(np.mean(drawn))
                found[f"{share:g}/random sd"] = float(np.std(drawn, ddof=1))
            for name, value in found.items():
                yield Reading(f"{metric}@{name}", value, n, title, split)

    def _importance(self, subject: Subject, task: Task, streams: Streams) -> torch.Tensor:
        """Importance of all units in their order, (units,)."""
        import torch

        from lifespan.pruning._task_batches import task_batches
        from lifespan.pruning.gates import gate_importance, units_of

        pairs = task_batches(
            subject, [task], batches=self.batches, batch_size=BATCH, streams=streams, who=self.describe(), length=self.length
        )
        found = gate_importance(subject, units_of(subject, self.kind), pairs, per="example", normalize=True)
        return torch.cat(found).cpu()

    def _order(self, count: int, streams: Streams, draw: int) -> torch.Tensor:
        import torch

        return torch.rand(count, generator=streams.torch("evaluation", draw))


def _alive(subject: Subject, title: str, kind: str) -> torch.Tensor:
    """Which of all units live in the task's effective mask, boolean (units,)."""
    import torch

    from lifespan.pruning.gates import units_of

    masks = subject.effective(title) or subject.alive
    return torch.cat([units.heard(masks) for units in units_of(subject, kind)]).cpu()


def _weakest(values: torch.Tensor, share: float, alive: torch.Tensor, subject: Subject, kind: str) -> Lost:
    """The share of the living units, at least one, with the smallest values, ties by position."""
    import torch

    from lifespan.pruning.gates import units_of

    lost = torch.zeros(len(values), dtype=torch.bool)
    count = max(1, round(share * int(alive.sum())))
    lost[values.where(alive, torch.inf).argsort(stable=True)[:count]] = True
    sizes = [units.number for units in units_of(subject, kind)]
    return dict(enumerate(lost.split(sizes)))


def _single(subject: Subject, kind: str) -> Iterator[tuple[str, Lost]]:
    """No lesion, then every lesion of one unit, by name."""
    import torch

    from lifespan.model.anatomy import anatomy_of

    yield "none", {}
    for position, layer in enumerate(anatomy_of(subject.encoder)):
        if kind == "layers":
            yield layer.path, {position: torch.ones(layer.heads.number, dtype=torch.bool)}
            continue
        for head in range(layer.heads.number):
            lost = torch.zeros(layer.heads.number, dtype=torch.bool)
            lost[head] = True
            yield f"{layer.path}/head {head}", {position: lost}


@contextmanager
def _silenced(subject: Subject, kind: str, lost: Lost) -> Iterator[None]:
    """Inside this block the lost units put out zeros. A lost layer is all its heads, and all its neurons with them."""
    import torch

    from lifespan.model.anatomy import anatomy_of
    from lifespan.pruning.gates import gated

    layers, gates = anatomy_of(subject.encoder), []
    for position, silenced in lost.items():
        layer = layers[position]
        units = layer.neurons if kind == "neurons" else layer.heads
        gates.append((units, (~silenced).float().to(subject.device)))
        if kind == "layers":
            gates.append((layer.neurons, torch.zeros(layer.neurons.number, device=subject.device)))
    with gated(subject, gates):
        yield


def _score(subject: Subject, task: Task, split: str, measure: TaskMeasure, kind: str, lost: Lost) -> tuple[float, int]:
    from lifespan.training.evaluation import task_logits, task_scores

    with _silenced(subject, kind, lost):
        outputs, labels = task_logits(subject, task, split, measure.length, measure.examples)
    return task_scores(task, outputs, labels, task.metrics[:1])[task.metrics[0]], len(labels)

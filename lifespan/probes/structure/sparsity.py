"""Sparsity of the anatomy, of layers and of tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Sparsity(Measure):
    """Fraction of prunable synapses that are dead, in [0, 1): of the anatomy, by layer, and in each task's effective weights.

    Metrics: `sparsity` (task empty: anatomy; else alive x skill of the task), `sparsity/<layer>`, and `alive`, a count.
    """

    meanings = (
        Meaning("sparsity", "fraction of synapses that are dead, or outside a task's mask", "[0, 1)", ""),
        Meaning("sparsity/*", "the same inside one layer", "[0, 1]", "no layer at 1: nothing passes there"),
        Meaning("alive", "synapses that live", "[0, number of synapses]", "", "synapses"),
    )
    cost = "negligible"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.model.subject import true_entries

        yield Reading("sparsity", subject.sparsity, subject.count)
        yield Reading("alive", float(subject.living), subject.count)
        yield from _by_layer(subject)
        for title in tasks:
            if title in subject.skills:
                mask = subject.effective(title)
                alive = subject.count if mask is None else true_entries(mask.values())
                yield Reading("sparsity", 1 - alive / subject.count, subject.count, title)


def _by_layer(subject: Subject) -> Iterable[Reading]:
    from lifespan.model.subject import layer_of

    dead: dict[str, int] = {}
    size: dict[str, int] = {}
    for name, mask in subject.alive.items():
        layer = layer_of(name)
        dead[layer] = dead.get(layer, 0) + int((~mask).sum())
        size[layer] = size.get(layer, 0) + mask.numel()
    for layer, count in size.items():
        yield Reading(f"sparsity/{layer}", dead[layer] / count, count)

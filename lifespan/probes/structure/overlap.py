"""Overlap and turnover of living synapses between tasks, ages and individuals."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Contrast, Effort, Meaning, Measure, Reading, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Masks, Subject
    from lifespan.randomness import Streams
    from lifespan.stats.masks import MaskArrays

JACCARD = (
    Meaning("jaccard*", "synapses alive in both over those alive in either", "[0, 1]", "-"),
    Meaning("chance*", "the same for independent masks of these densities", "[0, 1]", "-"),
    Meaning("corrected*", "(jaccard - chance) / (1 - chance)", "(-inf, 1], 0 at chance", "1: the same subnetwork"),
)


@dataclass(frozen=True, kw_only=True)
class MaskOverlap(Contrast):
    """Overlap of the living synapses of two subjects: Jaccard index, its level by chance, and the index corrected for it.

    Of the anatomy (task empty), and for each task that both have learned, of its effective mask, alive x skill. Where both are
    whole `corrected` is undefined. See `lifespan.stats.masks.overlap` for the formulas.
    """

    meanings = JACCARD
    cost = "negligible"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        yield from _overlap(arrays(first.alive), arrays(second.alive), "")
        for title in tasks:
            if title in first.skills and title in second.skills:
                masks = [arrays(subject.effective(title) or subject.alive) for subject in (first, second)]
                yield from _overlap(masks[0], masks[1], title)


@dataclass(frozen=True, kw_only=True)
class TaskOverlap(Measure):
    """Overlap of the tasks' own masks inside one subject, for every two tasks learned by structure.

    Metrics as of `MaskOverlap`, with the other task's name: `corrected/<other task>`, in the rows of the task that was
    learned first.
    """

    meanings = JACCARD
    cost = "negligible"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        masks = {t: arrays(s.mask) for t in tasks if (s := subject.skills.get(t)) is not None and s.mask is not None}
        for (one, first), (other, second) in itertools.combinations(masks.items(), 2):
            yield from _overlap(first, second, one, f"/{other}")


@dataclass(frozen=True, kw_only=True)
class Turnover(Contrast):
    """Synapses that died and came to life from the younger to the older subject: `Probe(Since("development", Turnover()))`.

    `died` is a share of those alive before, `born` of those alive after; of the anatomy, and of each task's effective mask
    that both have. Ageing alone only kills; a recovery that rewires shows as both.
    """

    citation = "holtmaat2009experience"
    meanings = (
        Meaning("died", "synapses lost, of those alive before", "[0, 1]", "-"),
        Meaning("born", "synapses new, of those alive after", "[0, 1]", "-"),
    )
    cost = "negligible"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.stats.masks import turnover

        known = [title for title in tasks if title in first.skills and title in second.skills]
        for title in ("", *known):
            masks = [arrays((s.effective(title) if title else None) or s.alive) for s in (first, second)]
            died, born = turnover(*masks)
            yield Reading("died", died, first.count, title)
            yield Reading("born", born, first.count, title)


def arrays(masks: Masks) -> MaskArrays:
    """Masks as NumPy arrays."""
    return {name: mask.cpu().numpy() for name, mask in masks.items()}


def _overlap(first: MaskArrays, second: MaskArrays, task: str, other: str = "") -> Iterator[Reading]:
    from lifespan.stats.masks import overlap

    found = overlap(first, second)
    for metric in ("jaccard", "chance", "corrected"):
        yield Reading(f"{metric}{other}", getattr(found, metric), found.count, task)

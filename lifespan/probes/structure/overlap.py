"""Overlap and turnover of living synapses between tasks, ages and individuals."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lifespan.contracts import Contrast, Effort, Meaning, Measure, Reading, Task
from lifespan.contracts.sources import Source
from lifespan.model.mask_files import files_of_masks, masks_for, require_mask_file

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
class PublishedOverlap(Measure):
    """Overlap of the subject's living synapses with masks from a file, such as published ones; metrics as of `MaskOverlap`.

    Of the anatomy (task empty), and of the effective mask, alive x skill, of every task that has one of its own. `masks` is a
    .npz or .safetensors file, or a folder of .npy files, with an entry for every synapse matrix under its name (of booleans, 0
    and 1, or 0 and 255; True lives). Its content is part of what the look is known by.
    """

    meanings = JACCARD
    cost = "none worth telling"

    masks: str | Path = field(kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_mask_file(self, "masks")

    @property
    def title(self) -> str:
        return f"{type(self).__name__} {Path(self.masks).stem}"

    def sources(self) -> tuple[Source, ...]:
        """The file, or the files of the folder."""
        return (files_of_masks(self.masks),)

    def check_matrices(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise `DataError` where the masks are not those of such a body."""
        masks_for(self.masks, shapes)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        theirs = masks_for(self.masks, {name: tuple(mask.shape) for name, mask in subject.alive.items()})
        yield from _overlap(arrays(subject.alive), theirs, "")
        for title in tasks:
            skill = subject.skills.get(title)
            if skill is not None and skill.mask is not None:
                yield from _overlap(arrays(subject.effective(title) or subject.alive), theirs, title)


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

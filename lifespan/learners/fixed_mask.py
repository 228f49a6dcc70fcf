"""The controls of every structural claim: a mask that the task did not learn, or one that others published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Pruner, Task
from lifespan.contracts.sources import Source
from lifespan.model.mask_files import files_of_masks, masks_for, require_mask_file
from lifespan.pruning.random import Random

if TYPE_CHECKING:
    from lifespan.contracts.subject import Masks, Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class FixedMask(Learner):
    """The task's mask is chosen before learning, by any pruner, and stays; then the head learns, or weights inside it.

    `by=Random()` is the random mask at equal sparsity, `by=Magnitude()` one-shot magnitude without learning,
    `by=GradientSaliency()` pruning at initialisation (Lee et al. 2019), `by=LanguageMask()` a mask learned on masked-language
    modelling and transferred (Liu et al. 2022, TAMT). `sparsity` is the fraction of living synapses off.

    `masks` is a published mask instead, as it stands: a .npz or .safetensors file, or a folder of .npy files, with an entry
    for every synapse matrix under its name (of booleans, 0 and 1, or 0 and 255; True lives). The dead stay dead. Its content
    is part of what the event is known by.

    With `weights=False` only the head learns, at `head_rate`, and W is frozen bit for bit; with `weights=True` the weights
    inside the mask learn as well, at `rate`, and those outside keep their value.
    """

    citation = "chen2020lottery"

    by: Pruner = field(default_factory=Random)
    sparsity: float = 0.5
    weights: bool = False
    head_rate: float | None = 5e-4
    masks: str | Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("by", Pruner, "Random()")
        self.require_fraction("sparsity", below_one=True)
        if self.masks is not None:
            require_mask_file(self, "masks")
            plain = self.by == Random() and self.sparsity == type(self).sparsity
            self.require("masks", plain, "is the whole choice.", "Leave out by= and sparsity=.")

    def sources(self) -> tuple[Source, ...]:
        """The file of `masks`, or the files of its folder."""
        return super().sources() if self.masks is None else (files_of_masks(self.masks),)

    def check_matrices(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise `DataError` where `masks` are not those of such a body."""
        if self.masks is not None:
            masks_for(self.masks, shapes)

    @property
    def plasticity(self) -> str:
        return "both" if self.weights else "head"

    @property
    def leaves_mask(self) -> bool:
        return True

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._weights import WeightChange
        from lifespan.learners.head_only import Frozen

        mask = self._chosen(subject, tasks, streams) if self.masks is None else published(self.masks, subject)
        if self.weights:
            return WeightChange(subject, tasks, self, inside=mask)
        for task in tasks:
            subject.skills[task.title].mask = mask
        if not tasks:
            subject.language_mask = mask
        return Frozen(subject, tasks, self, self.rate_of_heads)

    def _chosen(self, subject: Subject, tasks: Sequence[Task], streams: Streams) -> Masks:
        overall = 1 - (1 - self.sparsity) * (1 - subject.sparsity)
        if not self.by.copies:
            # What the task had learned before must not advise the choice.
            for task in tasks:
                subject.skills[task.title].mask = None
        return self.by.choose(subject, overall, streams, tasks)


def published(path: str | Path, subject: Subject) -> Masks:
    """The masks of a file for this subject, on its device, without synapses that are dead."""
    import torch

    found = masks_for(path, {name: tuple(weight.shape) for name, weight in subject.synapses.items()})
    return {name: torch.from_numpy(mask).to(subject.device) & subject.alive[name] for name, mask in found.items()}

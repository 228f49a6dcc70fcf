"""Ageing along the mask that an earlier task's learning left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task
from lifespan.errors import ScenarioError, did_you_mean

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class SkillMask(Pruner):
    """The mask that a task's learning left behind, for another task or other weights (Chen et al. 2020, section 4).

    Synapses off in the mask of `task` die first, then the smallest abs(W) of the rest; where fewer are wanted, the largest
    abs(W) of its dead are spared. Needs `task` learned before by a learner that leaves a mask: `Masks`, `Lottery`, ....
    """

    citation = "chen2020lottery"
    copies = True

    task: Task = field(kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("task", Task, 'SkillMask(Glue("mrpc"))')

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead. Raises `ScenarioError` where the task left no mask."""
        from lifespan.pruning.selection import off_first

        skill = subject.skills.get(self.task.title)
        if skill is None or skill.mask is None:
            masked = [title for title, known in subject.skills.items() if known.mask is not None]
            raise ScenarioError(
                f"SkillMask({self.task.title})",
                "this task left no mask behind.",
                did_you_mean(self.task.title, masked) if masked else "Put a Learn(..., by=Masks(...)) of it before.",
            )
        return off_first(subject, skill.mask, sparsity)

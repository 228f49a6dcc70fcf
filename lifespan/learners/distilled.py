"""Learning from the answers of the younger self: distillation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Moment, Plasticity, Task
from lifespan.errors import ScenarioError
from lifespan.learners._wrapping import Wrapper
from lifespan.model.history import earlier, require_moment

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Distilled(Wrapper):
    """Learn by `by`, from the labels and from the answers that the subject gave at an earlier moment, `teacher`.

    Hinton et al. (2015), section 2; the teacher is the same body when younger, as the born-again networks of Furlanello et
    al. (2018) are one architecture. For classes, with logits z, `temperature` T and `share` s in [0, 1]:

        loss = (1 - s) * cross-entropy(z, label) + s * T**2 * KL(softmax(z_teacher / T) || softmax(z / T))

    For a score, the divergence is the squared distance to the teacher's answer. The teacher answers without dropout, with
    its own head and its own effective weights. It must have learned the task by then: `teacher` is "development" or the
    number of events lived (see `Moment`). Recipe and kind of plasticity are those of `by`. Costs a second forward pass.
    """

    citation = "hinton2015distilling"

    teacher: Moment
    temperature: float = 2.0
    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_moment(self, "teacher")
        remedy = "Name a moment after the task was learned: 2 is after two events."
        self.require("teacher", self.teacher not in ("birth", 0), "knows no task yet.", remedy)
        self.require_positive("temperature")
        self.require_fraction("share")

    @property
    def moments(self) -> tuple[Moment, ...]:
        return (self.teacher, *self.by.moments)

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._distillation import Distillation, Teacher

        if not tasks:
            raise ScenarioError(self.describe(), "teaches tasks, but development has none.", "Use it in Learn or Recover.")
        then = earlier(subject, self.teacher, self.describe())
        for task in tasks:
            if task.title not in then.skills:
                what = f"the teacher cannot teach {task.title!r}, which was not learned yet by then."
                raise ScenarioError(self.describe(), what, "Name a later moment, or learn the task before this one.")
        inner = self.by.attach(subject, tasks, steps, streams)
        return Distillation(inner, subject, Teacher(then), share=self.share, temperature=self.temperature)

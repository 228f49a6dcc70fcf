"""A treatment that rehearses earlier tasks while the next one is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder, Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Replay(Disorder):
    """Rehearse earlier tasks at each step of the learning that follows; write `Treat(Replay(tasks=(...), severity=0.5))`.

    Native parameter: `severity` is the weight of the rehearsed loss, which is added to the step's own. It is the mean loss
    of one batch of `batch_size` training examples, the `tasks` taken in turn (rehearsal: Robins 1995). A task is rehearsed
    once it has a skill, and not while it is learned itself; its head stays as it is, and what learns is the body that it
    reads. Rehearsed rows are read as they are: other disorders' hooks on the data do not see them.

    Both tasks must have the same effective weights, or the rehearsal would hold weights that the earlier task does not
    use. So this is for tasks learned by weights, as `Weights()` does: with any learner that puts masks over W there is a
    `ScenarioError`. Let it end in time: `Treat(Replay(...), lasting=1)`. Cost: as much again as a training step.
    """

    aetiology = "treatment"
    citation = "robins1995catastrophic"

    tasks: tuple[Task, ...]
    batch_size: int = 32
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        fine = isinstance(self.tasks, tuple) and self.tasks and all(isinstance(task, Task) for task in self.tasks)
        self.require("tasks", bool(fine), "must be a tuple of at least one task.", 'For example: (Glue("rte"),).')
        self.require_count("batch_size")
        self.require_count("length", at_least=8)

    def penalty(self, course: Course) -> torch.Tensor | None:
        """The rehearsed loss; None before a task is learned."""
        from lifespan.disorders._rehearsal import source
        from lifespan.model.forward import batch_loss

        known = [task for task in self.tasks if task.title in course.subject.skills and task.title != course.task]
        if self.severity == 0 or not known:
            return None
        number, position = divmod(course.step, len(known))
        task = known[position]
        self._require_whole_weights(course, task)
        batch = source(task, course.subject.tokenizer, self.length, self.batch_size, course.streams).batch(number)
        return self.severity * batch_loss(course.subject, task.title, batch)

    def _require_whole_weights(self, course: Course, task: Task) -> None:
        """Raise `ScenarioError` where the encoder's weights of this step are not those of the rehearsed task."""
        skills, synapses = course.subject.skills, course.subject.synapses.values()
        remedy = "Learn both by Weights(), or let it end before: Treat(Replay(...), lasting=1)."
        if skills[task.title].mask is not None:
            raise ScenarioError(self.describe(), f"{task.title} has a mask of its own, so it does not share W.", remedy)
        moving = {id(p) for group in course.plasticity.groups() for p in group["params"]}
        present = skills.get(course.task) if course.task is not None else None
        masked = present is not None and present.mask is not None
        if masked or not any(id(weight) in moving for weight in synapses):
            what = f"{task.title} cannot be rehearsed while {course.task or 'language'} is learned through masks over W."
            raise ScenarioError(self.describe(), what, remedy)

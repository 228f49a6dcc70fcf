"""How well the subject can still learn something new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lifespan.contracts import Effort, Learner, Meaning, Measure, Reading, Task
from lifespan.contracts.learning import counting_of_epochs
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class FreshTask(Measure):
    """Plasticity: the learning curve of a copy of the subject on a fresh task (Dohare et al. 2024).

    The copy learns `task` by `by`, with batches, head and dropout that are the same at every evaluation, so that evaluations
    along a life differ only in the subject. It is scored on the second split every `every` steps. Metrics, for the task's
    primary metric: `<metric>@<step>`, from step 0 on; `learning_curve_area`, their mean (LCA of Chaudhry et al. 2019);
    `steps_to_criterion`, the step at which `criterion` is first reached, undefined where it is not. A copy whose loss
    diverges has no scores from there on, nor an area; the subject lives on. A task that the life has learned already is not
    fresh: then the copy forgets its head and mask first, and relearns with the weights that learning left (savings).
    """

    citation = "dohare2024plasticity"
    meanings = (
        Meaning("*@*", "score after so many steps", "the metric's own", "rises fast", better="higher"),
        Meaning(
            "learning_curve_area",
            "mean of the curve",
            "the metric's own",
            "high, and as high late in life as early",
            better="higher",
            outcome="learning {task} afresh",
        ),
        Meaning(
            "steps_to_criterion",
            "steps until the criterion is reached",
            "[0, steps], or none",
            "few",
            "optimizer steps",
            better="lower",
        ),
    )
    cost = "a whole learning of the task, and a forward pass over the split at each evaluation"

    task: Task = field(kw_only=False)
    by: Learner
    criterion: float = 0.7
    every: int = 10
    examples: int | None = 200
    length: int = STANDARD_LENGTH

    stated = ("epochs_counted",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("task", Task, 'FreshTask(Glue("rte"), by=Weights(steps=60))')
        self.require_a("by", Learner, 'FreshTask(Glue("rte"), by=Weights(steps=60))')
        self.require("by", not self.by.moves_anatomy, "moves the shared anatomy, which only Recover may do.", "Use Weights().")
        needs = "needs an earlier state of the life, which a copy has not."
        self.require("by", not self.by.moments, needs, "Use Weights() or Masks().")
        self.require_count("every")
        if self.examples is not None:
            self.require_count("examples")
        self.require_count("length", at_least=8)

    def to_data(self) -> dict[str, Any]:
        return super().to_data() | counting_of_epochs(self.by)

    @property
    def title(self) -> str:
        return f"FreshTask {self.task.title}"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        steps = self.by.steps_for(self.task.train_examples or 2_000)
        yield Effort(self.task, 3.0 * steps, self.task.splits[0], self.by.batch_size, self.length)
        yield Effort(self.task, 1.0 + steps / self.every, None, self.examples, self.length)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.stats.continual import learning_curve_area, steps_to_criterion

        curve = self._learned(subject, streams)
        metric, split = self.task.metrics[0], self.task.splits[1]
        n = min(len(self.task.examples(split)), self.examples or 10**9)
        for step, value in curve.items():
            yield Reading(f"{metric}@{step}", value, n, self.task.title, split)
        steps, scores = list(curve), list(curve.values())
        yield Reading("learning_curve_area", learning_curve_area(scores), n, self.task.title, split)
        value = steps_to_criterion(steps, scores, self.criterion)
        yield Reading("steps_to_criterion", value, n, self.task.title, split)

    def _learned(self, subject: Subject, streams: Streams) -> dict[int, float]:
        """Primary score by optimizer step of a copy that learns; NaN once it diverged."""
        from lifespan.errors import Diverged
        from lifespan.model.forward import copy_of
        from lifespan.training.batches import task_source
        from lifespan.training.evaluation import task_logits, task_scores
        from lifespan.training.loop import Recipe, train

        pupil, learner, task = copy_of(subject), self.by, self.task
        pupil.skills.pop(task.title, None)
        steps = learner.steps_for(len(task.examples(task.splits[0])))
        own = streams.child("fresh")
        source = task_source(pupil, task, length=self.length, batch_size=learner.batch_size, streams=own)
        pupil.skill_for(task, learner.plasticity, own)
        curve: dict[int, float] = {}

        def evaluate(subject: Subject, done: int) -> None:
            outputs, labels = task_logits(subject, task, task.splits[1], self.length, self.examples)
            curve[done] = task_scores(task, outputs, labels, task.metrics[:1])[task.metrics[0]]

        evaluate(pupil, 0)
        plasticity = learner.attach(pupil, (task,), steps, own)
        evaluator = _Every(self.every, steps, evaluate)
        try:
            train(pupil, plasticity, source, Recipe(steps, learner.warmup, learner.clip), own, evaluator=evaluator)
        except Diverged:
            # Only the copy diverged, not the life.
            curve |= {step: float("nan") for step in range(1, steps + 1) if evaluator.due(step) and step not in curve}
        return curve


@dataclass
class _Every:
    """Evaluates every so many steps, and at the end."""

    every: int
    steps: int
    evaluate: Callable[[Subject, int], None]

    def due(self, done: int) -> bool:
        return done % self.every == 0 or done == self.steps

    def state(self) -> dict:
        return {}

    def resume(self, state: Mapping) -> None: ...

"""Elastic weight consolidation: a penalty on changes of weights that matter to earlier tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Guard, Lesson, Strategy
from lifespan.strategies.estimators import Estimator

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class EWC(Strategy):
    """The loss has the further term strength / 2 sum_k F_k (theta - theta_k)^2 (Kirkpatrick et al. 2017, equation 3).

    theta_k are the encoder's weights once task k was learned, F_k the diagonal of its Fisher information there, by
    `fisher`: "sampled" (default), "exact" or "batch" (see `lifespan.strategies.fisher`; they differ in size, so that a
    `strength` fits one of them), from `examples` training rows. Heads are the tasks' own and free.

    With `decay` it is online EWC (Schwarz et al. 2018, section 3.1): one anchor, that of the latest task, and one F, decay x F
    + F_k, whatever the number of tasks. Without, each task keeps its own pair, 8 bytes a weight.

    A synapse that died pulls no more. One that ageing left alive keeps its anchor, although its neighbours died: the anchor
    says where the weight served its task, not where it would now. A task learned again replaces its pair.
    """

    citation = "kirkpatrick2017overcoming"

    strength: float = 100.0
    fisher: Estimator = "sampled"
    examples: int = 200
    decay: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("strength", or_zero=True)
        self.require_literal("fisher")
        self.require_count("examples")
        if self.decay is not None:
            self.require_fraction("decay")

    def guard(self, subject: Subject, lesson: Lesson) -> Guard:
        return _Elastic(self, subject, lesson)


class _Elastic(Guard):
    def __init__(self, strategy: EWC, subject: Subject, lesson: Lesson) -> None:
        from lifespan.strategies.shared import filed

        self.strategy, self.lesson = strategy, lesson
        names = ["online"] if strategy.decay is not None else [task.title for task in lesson.earlier]
        self.pulls = []
        for name in names:
            anchor, found = (filed(subject, f"{strategy.name}/{kind}/{name}/") for kind in ("anchor", "fisher"))
            if anchor:
                self.pulls.append((anchor, {each: value * strategy.strength for each, value in found.items()}))

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        from lifespan.strategies.shared import moving_parameters, pull

        if not self.pulls:
            return
        moving = moving_parameters(course.subject, parameters, self.strategy.describe())
        for anchor, stiffness in self.pulls:
            pull(moving, anchor, stiffness, course)

    def settle(self, subject: Subject, memory: dict[str, torch.Tensor]) -> None:
        from lifespan.strategies.fisher import fisher_diagonal
        from lifespan.strategies.shared import file, filed, worn_values

        name, decay = self.strategy.name, self.strategy.decay
        for task in self.lesson.tasks:
            estimator, examples = self.strategy.fisher, self.strategy.examples
            found = fisher_diagonal(subject, task, self.lesson, estimator=estimator, examples=examples)
            key = task.title
            if decay is not None:
                key, old = "online", filed(subject, f"{name}/fisher/online/")
                found = {each: value + decay * old[each] if each in old else value for each, value in found.items()}
            file(subject, f"{name}/fisher/{key}/", found)
            file(subject, f"{name}/anchor/{key}/", dict(worn_values(subject)))

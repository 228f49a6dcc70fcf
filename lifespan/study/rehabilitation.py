"""Rehabilitation: relearning a task from some of its items."""

from __future__ import annotations

from lifespan.contracts import Learner
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.disorders.data.withheld_items import WithheldItems
from lifespan.errors import ScenarioError
from lifespan.study.events import Event, Learn, Treat
from lifespan.tasks.items import Items


def rehabilitate(task: Items, *, by: Learner, length: int = STANDARD_LENGTH) -> tuple[Event, ...]:
    """Events that retrain a task on its treated items alone (Plaut 1996). Probe before and after by `Generalisation()`.

    The retraining goes on with the skill's head. It takes the steps that `by` would take on all training items, unless it
    says `steps`. Let a chronic disorder that should not hamper it end before.

    >>> from lifespan import MicroTask, Weights
    >>> for event in rehabilitate(Items(MicroTask("sentiment"), share=0.25), by=Weights(steps=100)):
    ...     print(event.label)
    treat WithheldItems
    learn micro-sentiment
    """
    if not isinstance(task, Items):
        remedy = "Write Items(task, share=0.5), and learn that from the start."
        raise ScenarioError(f"rehabilitate({task!r})", "must be an Items task, whose items are told apart.", remedy)
    return Treat(WithheldItems(severity=task.withheld), lasting=1), Learn(task, by=by, length=length)

"""Checks for authors of methods: each raises AssertionError with one sentence that says what is broken and what to do.

>>> from lifespan import Magnitude
>>> check_pruner(Magnitude())
"""

from lifespan.testing.disorders import check_disorder
from lifespan.testing.learners import check_learner
from lifespan.testing.measures import check_contrast, check_measure
from lifespan.testing.pruners import check_pruner
from lifespan.testing.strategies import check_strategy
from lifespan.testing.tasks import check_task

__all__ = [
    "check_contrast",
    "check_disorder",
    "check_learner",
    "check_measure",
    "check_pruner",
    "check_strategy",
    "check_task",
]

"""What a study predicts, as data: quantities of a record, hypotheses about their differences, and claims that rest on them.

Nothing here reads a record: `lifespan.analysis.hypotheses` does, and gives the verdicts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from lifespan.errors import ScenarioError, did_you_mean

SHARE_RETAINED = "share of functions retained"
"""A metric made from scores: the share, 0 to 1, of the functions learned above chance that were never lost."""

STEPS_RETAINED = "steps that functions were retained"
"""A metric made from scores: optimizer steps from learning until a function was lost, or until its last evaluation."""

LEAST_EFFECT = 0.02
"""The smallest difference of scores that counts, where a hypothesis does not name another."""

Reading = Literal["first", "last", "mean", "min", "max"]
"""Which of several readings over a life is meant, or how they become one."""

Prediction = Literal["greater", "non-inferior", "below", "equivalent"]
"""What is predicted of a difference: superiority, non-inferiority, less than a threshold, or equivalence."""


@dataclass(frozen=True)
class Quantity:
    """One number for each individual: the mean over `groups` and `tasks` (none named: all) of one reading of a metric.

    Args:
        groups: study groups; more than one where a study has a group for each task.
        metric: a metric of `probe`; "" is each task's primary one, a `*` inside stands for its name ("*@0.5/random"), and
            "/last" at the end for the last layer that was measured. `SHARE_RETAINED` and `STEPS_RETAINED` need no probe.
        probe: name of a probe, with shell wildcards ("Barrier since *").
        stage: stages that count, with shell wildcards.
        reading: which reading of a life.
        tasks: titles of tasks.
        minus: a quantity to subtract.
        share_of: a quantity to divide by; of both, what lies above chance.

    Raises:
        ScenarioError: no group, or a reading that there is not.
    """

    groups: tuple[str, ...]
    metric: str = ""
    probe: str = "Score"
    stage: str = "*"
    reading: Reading = "last"
    tasks: tuple[str, ...] = ()
    minus: Quantity | None = None
    share_of: Quantity | None = None

    def __post_init__(self) -> None:
        if isinstance(self.groups, str) or not self.groups:
            remedy = "Write a tuple of names, for example groups=('control',)."
            raise ScenarioError("Quantity", f"groups={self.groups!r} is no tuple of group names.", remedy)
        if self.reading not in get_args(Reading):
            known = did_you_mean(self.reading, get_args(Reading))
            raise ScenarioError("Quantity", f"reading={self.reading!r} is not known.", known)


@dataclass(frozen=True)
class Hypothesis:
    """A predicted difference `first` - `second`, paired by individual. Without `second`, `first` itself is the difference.

    Args:
        description: the difference in words.
        first: the quantity that is predicted to be greater, not inferior, below or equivalent.
        second: the quantity that it is compared with.
        prediction: what is predicted; `lifespan.analysis.hypotheses.interval_verdict` has the rule of each.
        margin: the smallest difference that counts ("greater"), the loss that is allowed ("non-inferior"), the threshold
            ("below"), or half the width of what counts as equal ("equivalent"); in the unit of the quantities.
        positive_control: whether it shows that the study could have seen an effect at all.
        of_scores: whether the difference is one of scores, so that it can share an axis with others.
        post_hoc: whether it was written when its rows had been seen; such a hypothesis decides nothing.

    Raises:
        ScenarioError: a prediction that there is not, or a margin that is no finite number.
    """

    description: str
    first: Quantity
    second: Quantity | None
    prediction: Prediction = "greater"
    margin: float = LEAST_EFFECT
    positive_control: bool = False
    of_scores: bool = True
    post_hoc: bool = False

    def __post_init__(self) -> None:
        where = f"Hypothesis {self.description!r}"
        if self.prediction not in get_args(Prediction):
            known = did_you_mean(self.prediction, get_args(Prediction))
            raise ScenarioError(where, f"prediction={self.prediction!r} is not known.", known)
        if not math.isfinite(self.margin):
            raise ScenarioError(where, f"margin={self.margin!r} is no finite number.", "Give it in the quantities' unit.")


@dataclass(frozen=True)
class Claim:
    """A statement and the hypotheses that decide it; those that are positive controls must be supported first."""

    title: str
    statement: str
    hypotheses: tuple[Hypothesis, ...]

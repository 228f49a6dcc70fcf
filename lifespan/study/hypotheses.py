"""What a study predicts, as data: quantities of a record, hypotheses about their differences, and claims that rest on them.

Nothing here reads a record: `lifespan.analysis.hypotheses` does; `lifespan.analysis.verdicts` has the rule of those that a
`Study` declares. `lifespan.study.predictions` has short ways to write them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError, did_you_mean

SHARE_RETAINED = "share of functions retained"
"""A metric made from scores: the share, 0 to 1, of the functions learned above chance that were never lost."""

STEPS_RETAINED = "steps that functions were retained"
"""A metric made from scores: optimizer steps from learning until a function was lost, or until its last evaluation."""

LEAST_EFFECT = 0.02
"""The smallest difference of scores that counts, where a hypothesis does not name another."""

Reading = Literal["first", "last", "mean", "min", "max"]
"""Which of several readings over a life is meant, or how they become one."""

Prediction = Literal["greater", "non-inferior", "below", "equivalent", "ordered", "rising", "falling"]
"""What is predicted of a difference: superiority, non-inferiority, less than a threshold, or equivalence; of several groups:
that each lies above the one before, or that values rise or fall with the groups' doses."""

SEVERAL = ("ordered", "rising", "falling")
"""Predictions about the groups of one quantity, in their order."""

Scale = Literal["raw", "normalised"]
"""A task's own unit, or (score - chance) / (1 - chance): 0 is the best constant answer, 1 a perfect score."""


@dataclass(frozen=True)
class Quantity(Spec):
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
        scale: "normalised" puts each task's score between chance (0) and the best possible (1) before tasks are averaged,
            "raw" leaves the tasks' own units. None: raw, but normalised in a study's hypotheses where they average over the
            scores of several tasks.

    Raises:
        ScenarioError: no group, or a reading or scale that there is not.
    """

    groups: tuple[str, ...]
    metric: str = ""
    probe: str = "Score"
    stage: str = "*"
    reading: Reading = "last"
    tasks: tuple[str, ...] = ()
    minus: Quantity | None = None
    share_of: Quantity | None = None
    scale: Scale | None = None

    def __post_init__(self) -> None:
        if isinstance(self.groups, str) or not self.groups:
            remedy = "Write a tuple of names, for example groups=('control',)."
            raise ScenarioError("Quantity", f"groups={self.groups!r} is no tuple of group names.", remedy)
        if self.reading not in get_args(Reading):
            known = did_you_mean(self.reading, get_args(Reading))
            raise ScenarioError("Quantity", f"reading={self.reading!r} is not known.", known)
        if self.scale is not None and self.scale not in get_args(Scale):
            raise ScenarioError("Quantity", f"scale={self.scale!r} is not known.", did_you_mean(self.scale, get_args(Scale)))


@dataclass(frozen=True)
class Hypothesis(Spec):
    """A predicted difference `first` - `second`, paired by individual. Without `second`, `first` itself is the difference.

    "ordered", "rising" and "falling" are about the groups of `first`, each by itself and in their order, without a `second`.

    Args:
        description: the difference in words.
        first: the quantity that is predicted to be greater, not inferior, below or equivalent.
        second: the quantity that it is compared with.
        prediction: what is predicted; `lifespan.analysis.hypotheses.interval_verdict` has the rule of each.
        margin: the smallest difference that counts ("greater", "ordered" at each step, "rising" and "falling" over the whole
            range of doses), the loss that is allowed ("non-inferior"), the threshold ("below"), or half the width of what
            counts as equal ("equivalent"); in the unit of the quantities.
        positive_control: whether it shows that the study could have seen an effect at all (of a `Claim`).
        of_scores: whether the difference is one of scores, so that it can share an axis with others.
        post_hoc: whether it was written when its rows had been seen; such a hypothesis decides nothing (of a `Claim`; of a
            study's hypotheses the record tells).
        secondary: whether it stands outside the family over which the error is controlled.
        assay: a hypothesis of superiority that is the positive control of each task (ICH E10 calls it assay sensitivity): a
            task on which it is not supported does not count.
        doses: a number for each group of `first`, for "rising" and "falling".

    Raises:
        ScenarioError: a prediction that there is not, a margin that is no finite number, or parts that do not fit it.
    """

    description: str
    first: Quantity
    second: Quantity | None
    prediction: Prediction = "greater"
    margin: float = LEAST_EFFECT
    positive_control: bool = False
    of_scores: bool = True
    post_hoc: bool = False
    secondary: bool = False
    assay: Hypothesis | None = None
    doses: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        where = f"Hypothesis {self.description!r}"
        if self.prediction not in get_args(Prediction):
            known = did_you_mean(self.prediction, get_args(Prediction))
            raise ScenarioError(where, f"prediction={self.prediction!r} is not known.", known)
        if not math.isfinite(self.margin):
            raise ScenarioError(where, f"margin={self.margin!r} is no finite number.", "Give it in the quantities' unit.")
        if self.assay is not None and (not isinstance(self.assay, Hypothesis) or self.assay.prediction != "greater"):
            remedy = 'For example: assay=superior("weights", over="head").'
            raise ScenarioError(where, "assay must be a hypothesis of superiority.", remedy)
        if self.prediction in SEVERAL:
            self._check_several(where)

    def _check_several(self, where: str) -> None:
        groups = self.first.groups
        if self.second is not None or len(set(groups)) < max(2, len(groups)):
            rule = f'"{self.prediction}" is about two or more groups of one quantity, each named once, without a second.'
            raise ScenarioError(where, rule, 'For example: ordered("old", "middle", "young").')
        wanted = 0 if self.prediction == "ordered" else len(groups)
        if len(self.doses) != wanted or len(set(self.doses)) < wanted or not all(map(math.isfinite, self.doses)):
            rule = f"has {len(groups)} groups and doses={self.doses!r}."
            raise ScenarioError(where, rule, "Give each group a number of its own where values rise or fall with it.")


@dataclass(frozen=True)
class Claim:
    """A statement and the hypotheses that decide it; those that are positive controls must be supported first."""

    title: str
    statement: str
    hypotheses: tuple[Hypothesis, ...]

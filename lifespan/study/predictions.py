"""Short ways to write a study's hypotheses: `superior("masks", over="head")`.

Each says what is predicted of twins, task by task on the way to one number for each individual. Names of groups stand for
the last `Score`; `metric`, `probe`, `stage`, `reading`, `tasks` and `scale` choose another `Quantity`, on both sides alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from lifespan.errors import ScenarioError
from lifespan.study.hypotheses import LEAST_EFFECT, Hypothesis, Quantity, Reading, Scale

Side = str | tuple[str, ...] | Quantity
"""A group, several whose mean is meant, or a quantity."""


class Chosen(TypedDict, total=False):
    """What of the groups' lives is compared, as the arguments of a `Quantity`, and what the hypothesis is to the study."""

    metric: str
    probe: str
    stage: str
    reading: Reading
    tasks: tuple[str, ...]
    scale: Scale | None
    description: str
    secondary: bool
    assay: Hypothesis | None


def superior(first: Side, over: Side, *, margin: float = LEAST_EFFECT, **chosen: Unpack[Chosen]) -> Hypothesis:
    """The hypothesis that `first` ends above `over`; `margin` is the smallest difference that counts.

    Supported where the difference is above 0; "too small to matter" where it is below `margin`; refuted where it is below 0.

    >>> superior("masks", over="head", margin=0.05).description
    'masks above head'
    """
    return _pair(first, over, "{} above {}", "greater", margin, chosen)


def non_inferior(first: Side, to: Side, *, margin: float, **chosen: Unpack[Chosen]) -> Hypothesis:
    """The hypothesis that `first` is at most `margin` worse than `to`; supported above -margin, refuted below it.

    >>> non_inferior("masks", to="weights", margin=0.03).description
    'masks no worse than weights'
    """
    return _pair(first, to, "{} no worse than {}", "non-inferior", margin, chosen)


def equivalent(first: Side, to: Side, *, margin: float, **chosen: Unpack[Chosen]) -> Hypothesis:
    """The hypothesis that `first` and `to` differ by less than `margin`: two one-sided tests (Schuirmann 1987).

    >>> equivalent("masks", to="weights", margin=0.03).prediction
    'equivalent'
    """
    return _pair(first, to, "{} equal to {}", "equivalent", margin, chosen)


def ordered(*groups: str, margin: float = LEAST_EFFECT, **chosen: Unpack[Chosen]) -> Hypothesis:
    """The hypothesis that each of these groups ends above the one before: every step is tested, and the weakest decides.

    >>> ordered("old", "middle", "young").description
    'old < middle < young'
    """
    quantity, rest = _quantity(groups, chosen)
    description = rest.pop("description", "") or " < ".join(groups)
    return Hypothesis(str(description), quantity, None, "ordered", margin, **rest)


def rising(doses: Mapping[str, float], *, margin: float = LEAST_EFFECT, **chosen: Unpack[Chosen]) -> Hypothesis:
    """The hypothesis that values rise with the dose of each group; `margin` is the least rise over their range that counts.

    Tested by each individual's least-squares slope over the doses. It is not supported where any step reliably falls.

    >>> rising({"none": 0, "half": 0.5, "full": 1}).doses
    (0.0, 0.5, 1.0)
    """
    return _dosed(doses, "rising", "rises", margin, chosen)


def falling(doses: Mapping[str, float], *, margin: float = LEAST_EFFECT, **chosen: Unpack[Chosen]) -> Hypothesis:
    """The hypothesis that values fall with the dose of each group, as `rising` the other way round.

    >>> falling({"none": 0, "full": 1}).prediction
    'falling'
    """
    return _dosed(doses, "falling", "falls", margin, chosen)


def _pair(first: Side, second: Side, words: str, prediction: str, margin: float, chosen: Chosen) -> Hypothesis:
    (one, rest), (other, _) = _quantity(first, chosen), _quantity(second, chosen)
    description = rest.pop("description", "") or words.format(" and ".join(one.groups), " and ".join(other.groups))
    return Hypothesis(str(description), one, other, prediction, margin, **rest)  # type: ignore[arg-type]


def _dosed(doses: Mapping[str, float], prediction: str, verb: str, margin: float, chosen: Chosen) -> Hypothesis:
    if not isinstance(doses, Mapping):
        remedy = f'For example: {prediction}({{"none": 0, "half": 0.5, "full": 1}}).'
        raise ScenarioError(f"{prediction}({doses!r})", "takes the dose of each group.", remedy)
    order = sorted(doses, key=lambda group: doses[group])
    quantity, rest = _quantity(tuple(order), chosen)
    description = rest.pop("description", "") or f"{verb} from {order[0]} to {order[-1]}"
    numbers = tuple(float(doses[group]) for group in order)
    return Hypothesis(str(description), quantity, None, prediction, margin, doses=numbers, **rest)  # type: ignore[arg-type]


def _quantity(side: Side, chosen: Chosen) -> tuple[Quantity, dict[str, Any]]:
    """The quantity of a side, and those arguments that are the hypothesis's own."""
    own = {name: value for name, value in chosen.items() if name in ("description", "secondary", "assay")}
    which: dict[str, Any] = {name: value for name, value in chosen.items() if name not in own}
    if isinstance(side, Quantity):
        if which:
            rule = f"{', '.join(which)} cannot be given beside a Quantity."
            raise ScenarioError(side.describe(), rule, "Give them to the Quantity itself.")
        return side, own
    return Quantity((side,) if isinstance(side, str) else tuple(side), **which), own

"""Courses of ageing: functions that write the events of a whole course, one sparsity after the other.

Sparsity is the fraction of prunable synapses that are dead. Every function takes `each`, which writes the events for one
sparsity, such as `lambda s: (Age(to=s, by=Magnitude()), Recover(steps=100))`, and returns the events in order. `slowly` is
the course of an injury: there `each` writes what happens between two strikes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from lifespan.contracts import Disorder, Pruner
from lifespan.errors import ScenarioError
from lifespan.study.events import Age, Event, Suffer, Treat, flattened

Each = Callable[[float], Event | Sequence[Event]]


MOST_STEPS = 10_000
"""Steps of one schedule."""


def at_once(*, to: float, each: Each) -> tuple[Event, ...]:
    """Events of one single loss, with no schedule: the one-shot control of gradual pruning.

    >>> from lifespan import Magnitude
    >>> [event.to for event in at_once(to=0.6, each=lambda s: Age(to=s, by=Magnitude()))]
    [0.6]
    """
    if not 0 <= to < 1:
        raise ScenarioError(f"at_once(to={to:g})", "the sparsity must satisfy 0 <= to < 1.")
    return _written([to], each)


def steadily(*, to: float, in_steps: int, each: Each, start: float = 0.0) -> tuple[Event, ...]:
    """Events at a constant rate: every step takes equally many living synapses.

    The sparsity after step k of n is `start + (to - start) * k/n`.

    >>> from lifespan import Magnitude
    >>> [round(event.to, 3) for event in steadily(to=0.6, in_steps=3, each=lambda s: Age(to=s, by=Magnitude()))]
    [0.2, 0.4, 0.6]
    """
    _require_course("steadily", start, to, in_steps)
    return _written(_sparsities(start, to, in_steps, lambda left: left), each)


def gradually(*, to: float, in_steps: int, each: Each, start: float = 0.0) -> tuple[Event, ...]:
    """Events along the cubic schedule of Zhu & Gupta (2017), equation 1: fast at first, ever slower.

    The sparsity after step k of n is `to + (start - to) * (1 - k/n)**3`.

    >>> from lifespan import Magnitude
    >>> [round(event.to, 3) for event in gradually(to=0.6, in_steps=3, each=lambda s: Age(to=s, by=Magnitude()))]
    [0.422, 0.578, 0.6]
    """
    _require_course("gradually", start, to, in_steps)
    return _written(_sparsities(start, to, in_steps, lambda left: left**3), each)


def accelerating(*, to: float, in_steps: int, each: Each, start: float = 0.0, power: float = 3) -> tuple[Event, ...]:
    """Events of a loss that is slow at first and ever faster: `gradually` seen in a mirror.

    The sparsity after step k of n is `start + (to - start) * (k/n)**power`; `power` is at least 1, which is `steadily`. With
    the same ends and power 3, the losses are those of the cubic schedule (Zhu & Gupta 2017, equation 1) in reverse order.

    >>> from lifespan import Magnitude
    >>> [round(event.to, 3) for event in accelerating(to=0.6, in_steps=3, each=lambda s: Age(to=s, by=Magnitude()))]
    [0.022, 0.178, 0.6]
    """
    _require_course("accelerating", start, to, in_steps)
    if isinstance(power, bool) or not isinstance(power, int | float) or not 1 <= power < float("inf"):
        raise ScenarioError(f"accelerating(power={power!r})", "must be a number, at least 1.")
    return _written(_sparsities(start, to, in_steps, lambda left: 1 - (1 - left) ** power), each)


def normative(
    *,
    each: Each,
    by: Pruner,
    grow: Callable[[float], Disorder | Event | Sequence[Event]],
    start: float = 0.5,
    peak: float = 0.1,
    to: float = 0.6,
    growing: int = 2,
    in_steps: int = 5,
) -> tuple[Event, ...]:
    """Events of the human course: born sparse, synapses over-grow, and then decline, fast in childhood and ever slower.

    Huttenlocher (1979) counts synapses in human frontal cortex: many at birth, half as many again as in adults at the age of
    one to two years, fewer until sixteen, nearly constant in adults, slightly fewer in the aged. Here three sparsities stand
    for the course: `start` at birth, which `Age` by the pruner `by` sets first; `peak`, where synapses are densest; and `to`
    at the end, `0 <= peak < start < 1` and `peak < to < 1`. The shape is an analogy; the numbers are not the paper's.

    `growing` treatments bring the sparsity from `start` down to `peak` in equal steps, to within the rounding of whole
    synapses. `grow` writes the treatment that revives a share of the dead, such as `lambda share: Regrow(severity=share)`,
    or events around it. From there `gradually` declines to `to` in `in_steps` steps (Zhu & Gupta 2017, equation 1).
    """
    if not (0 <= peak < start < 1 and peak < to < 1):
        where = f"normative(start={start:g}, peak={peak:g}, to={to:g})"
        raise ScenarioError(where, "sparsities must satisfy 0 <= peak < start < 1 and peak < to < 1.")
    _require_steps("normative", "growing", growing)
    _require_steps("normative", "in_steps", in_steps)
    course = [start, *(peak + (start - peak) * (1 - k / growing) for k in range(1, growing + 1))]
    shares = [1 - after / before for before, after in itertools.pairwise(course)]
    growth = [Treat(made) if isinstance(made, Disorder) else made for made in map(grow, shares)]
    return flattened((Age(to=start, by=by), *growth, gradually(start=peak, to=to, in_steps=in_steps, each=each)))


def slowly(disorder: Disorder, *, in_steps: int = 5, each: Each | None = None) -> tuple[Event, ...]:
    """Events of a slow injury: many small strikes that take in all what one acute strike takes.

    Each of n strikes takes the share `1 - (1 - severity)**(1/n)` of what is left, so that `1 - severity` is left at the end.
    That is the acute dose for disorders that take a share of what lives, and for no others: `SynapseLoss` (to within one
    synapse a strike), `HeadLoss`, `NeuronLoss` and `LayerLoss` (to within half a unit a strike, and until only those are left
    that must stay; a strike of less than half a unit takes none, so let there be few strikes where there are few units), and
    `ScatteredLoss` in the place of one of them (on the average over draws). Every strike draws anew.

    `each` writes the events between two strikes, such as `lambda lost: Recover(steps=100)`, and is given the share that is
    lost so far; nothing follows the last strike, as nothing is part of an acute one. A slow lesion of the brain disables
    less than an acute one of its size (Desmurget et al. 2007): put the acute twin, `Suffer(disorder)`, beside it.

    >>> from lifespan import SynapseLoss
    >>> [round(event.disorder.severity, 3) for event in slowly(SynapseLoss(severity=0.488), in_steps=3)]
    [0.2, 0.2, 0.2]
    """
    if not isinstance(disorder, Disorder):
        raise ScenarioError(f"slowly({disorder!r})", "must be a Disorder.", "For example: slowly(SynapseLoss(severity=0.5)).")
    _require_steps("slowly", "in_steps", in_steps)
    where = f"slowly({disorder.describe()})"
    if not getattr(disorder, "compounds", False):
        rule = "does not take a share of what lives, so many small strikes do not add up to one."
        raise ScenarioError(where, rule, "Use SynapseLoss, HeadLoss, NeuronLoss or LayerLoss.")
    if disorder.severity == 1:
        raise ScenarioError(where, "shares of what is left never take all of it.", "Use a severity below 1.")
    left = 1 - disorder.severity
    strike = Suffer(replace(disorder, severity=1 - left ** (1 / in_steps)) if in_steps > 1 else disorder)
    between = [each(1 - left ** (k / in_steps)) if each is not None else () for k in range(1, in_steps)]
    return flattened(tuple((strike, events) for events in (*between, ())))


def _sparsities(start: float, to: float, steps: int, shape: Callable[[float], float]) -> list[float]:
    """Sparsities after steps 1 to `steps`. `shape` says what part of the way is left, given the part of the steps left.

    Written from the end, so that the last is `to` to the bit: a later `Age` to the same sparsity must not seem a return.
    """
    return [max(start, to + (start - to) * shape(1 - k / steps)) for k in range(1, steps + 1)]


def _written(sparsities: Sequence[float], each: Each) -> tuple[Event, ...]:
    return flattened(tuple(each(sparsity) for sparsity in sparsities))


def _require_course(who: str, start: float, to: float, in_steps: int) -> None:
    if not 0 <= start <= to < 1:
        raise ScenarioError(f"{who}(start={start:g}, to={to:g})", "sparsities must satisfy 0 <= start <= to < 1.")
    _require_steps(who, "in_steps", in_steps)


def _require_steps(who: str, name: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ScenarioError(f"{who}({name}={value!r})", "must be a whole number, at least 1.")
    if value > MOST_STEPS:
        raise ScenarioError(f"{who}({name}=...)", f"must be at most {MOST_STEPS:,}.")

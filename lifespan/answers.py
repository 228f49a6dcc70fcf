"""What saved answers tell: errors that individuals share, and bits that a task needs. Tables of a record, without torch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from lifespan import stats
from lifespan.record import Record
from lifespan.similarity import error_consistency

if TYPE_CHECKING:
    import pandas

WHOLE = 32
"""Bits of an untouched weight."""


def error_overlap(record: Record, *, within: bool = True) -> pandas.DataFrame:
    """Error consistency (Geirhos et al. 2020) of every two individuals, from the `Outputs` of a record.

    Columns: step, task, group, individual, other_group, other_individual, agreement, chance, kappa, n. Individuals are
    compared at equal steps; `within` keeps pairs of one group, otherwise all pairs are there. Tasks with scores have no
    rows. Raises `RecordError` where the record keeps no outputs.
    """
    import pandas

    from lifespan.errors import RecordError

    table = record.examples("Outputs")
    if table.empty:
        raise RecordError(str(record.directory), "keeps no answers one by one.", "Add Probe(Outputs()) to the scenario.")
    rows = []
    for (step, task, _), part in table.dropna(subset=["right"]).groupby(["step", "task", "split"], sort=False):
        right = part.pivot_table(index="example", columns=["group", "individual"], values="right", aggfunc="first", sort=False)
        for one, other in itertools.combinations(right.columns, 2):
            if within and one[0] != other[0]:
                continue
            both = right[[one, other]].dropna()
            found = error_consistency(both[one].to_numpy() == 1, both[other].to_numpy() == 1)
            rows.append([step, task, *one, *other, *found, len(both)])
    named = ["step", "task", "group", "individual", "other_group", "other_individual", "agreement", "chance", "kappa", "n"]
    return pandas.DataFrame(rows, columns=named)


def bits_needed(bits: Sequence[float], scores: ArrayLike, *, floor: float = 0.0, keep: float = 0.95) -> float:
    """Bits per synapse that a task needs: the fewest at which the share `keep` of the whole score above `floor` is left.

    `scores` are those at `bits`, in any order, the most bits being the whole score (32: untouched). From the whole score
    down, the first crossing of the level floor + keep x (whole - floor), on a straight line between neighbouring numbers of
    bits (below 32, from the largest tested). A task that keeps its score at the fewest bits tested needs at most those,
    which are returned; NaN where the whole score is not above the floor.

    >>> bits_needed([32, 8, 4, 2], [0.9, 0.9, 0.9, 0.5], floor=0.5, keep=0.5)
    3.0
    """
    order = np.argsort(bits)[::-1]
    at, found = np.asarray(bits, dtype=float)[order], np.asarray(scores, dtype=float)[order]
    level = floor + keep * (found[0] - floor)
    if not found[0] > floor:
        return float("nan")
    for place in range(1, len(at)):
        if found[place] < level:
            above = at[place - 1] if place > 1 else at[place] + 1
            part = (found[place - 1] - level) / (found[place - 1] - found[place])
            return float(above - part * (above - at[place]))
    return float(at[-1])


def bits_per_synapse(record: Record, *, keep: float = 0.95) -> pandas.DataFrame:
    """Bits per synapse that each task needs, by group, step and task, with the interval over individuals.

    From the rows of `Response(Quantize(), severities=...)` (severity s is 9 - 8 s bits), of the task's primary metric, above
    the best constant answer. Columns: group, step, task, mean, low, high, n, note, fewest (the fewest bits tested): an
    estimate equal to `fewest` is an upper bound. BCa bootstrap interval over individuals (see `stats.mean_interval`).
    """
    import pandas

    rows = record.measurements()
    rows = rows[rows["probe"].str.startswith("Response to Quantize") & ~rows["metric"].str.contains("/")]
    found = []
    for (group, step, task, seed), part in rows.groupby(["group", "step", "task", "seed"], sort=False):
        told = record.study["tasks"][task]
        metric = told["metrics"][0]
        curve = {
            name.partition("@")[2]: value
            for name, value in zip(part["metric"], part["value"], strict=True)
            if name.startswith(f"{metric}@")
        }
        doses = {float(dose): value for dose, value in curve.items() if dose.replace(".", "", 1).isdigit()}
        bits = [WHOLE if dose == 0 else 9 - 8 * dose for dose in doses]
        floor = float(told.get("chance", {}).get(metric, 0.0))
        found.append((group, step, task, seed, bits_needed(bits, list(doses.values()), floor=floor, keep=keep), min(bits)))
    table = pandas.DataFrame(found, columns=["group", "step", "task", "seed", "bits", "fewest"])
    told_rows = []
    for (group, step, task), part in table.groupby(["group", "step", "task"], sort=False):
        interval = stats.mean_interval(part["bits"].to_numpy())
        place = {"group": group, "step": step, "task": task}
        values = {
            "mean": interval.estimate,
            "low": interval.low,
            "high": interval.high,
            "n": interval.n,
            "note": interval.note,
        }
        told_rows.append({**place, **values, "fewest": part["fewest"].min()})
    return pandas.DataFrame(told_rows, columns=["group", "step", "task", "mean", "low", "high", "n", "note", "fewest"])

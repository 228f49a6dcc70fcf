"""Tables from answers to single examples: errors that individuals share, and bits that a task needs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lifespan.errors import RecordError
from lifespan.record.record import Record
from lifespan.stats import inference
from lifespan.stats.similarity import error_consistency

WHOLE = 32
"""Bits of an untouched weight."""


def error_overlap(record: Record, *, within: bool = True) -> pd.DataFrame:
    """Error consistency (Geirhos et al. 2020) of every two individuals, from the `Outputs` of a record.

    Columns: step, task, group, individual, other_group, other_individual, agreement, chance, kappa, n. Individuals are
    compared at equal steps; `within` keeps pairs of one group, otherwise all pairs are there. Tasks with scores have no
    rows. Raises `RecordError` where the record keeps no outputs.
    """
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
            consistency = error_consistency(both[one].to_numpy() == 1, both[other].to_numpy() == 1)
            rows.append([step, task, *one, *other, *consistency, len(both)])
    named = ["step", "task", "group", "individual", "other_group", "other_individual", "agreement", "chance", "kappa", "n"]
    return pd.DataFrame(rows, columns=named)


def bits_needed(bits: Sequence[float], scores: ArrayLike, *, floor: float = 0.0, keep: float = 0.95) -> float:
    """Bits per synapse that a task needs: the fewest at which the share `keep` of the whole score above `floor` is left.

    `scores` are those at `bits`, in any order, the most bits being the whole score (32: untouched). From the whole score
    down, the first crossing of the level floor + keep x (whole - floor), on a straight line between neighbouring numbers of
    bits. Two ends are open. A task that keeps its score at the fewest bits tested needs at most those, which are returned.
    One that loses it at the most bits tested below 32 needs more than those; after 32, what is returned lies less than 1 above
    them.
    A score that does not exist (NaN) is at the floor; NaN where the whole score is not above it.

    >>> bits_needed([32, 8, 4, 2], [0.9, 0.9, 0.9, 0.5], floor=0.5, keep=0.5)
    3.0
    """
    order = np.argsort(bits)[::-1]
    at, curve = np.asarray(bits, dtype=float)[order], np.asarray(scores, dtype=float)[order]
    level = floor + keep * (curve[0] - floor)
    if not curve[0] > floor:
        return float("nan")
    curve = np.nan_to_num(curve, nan=floor)
    for place in range(1, len(at)):
        if curve[place] < level:
            above = at[place] + 1 if at[place - 1] == WHOLE else at[place - 1]
            part = (curve[place - 1] - level) / (curve[place - 1] - curve[place])
            return float(above - part * (above - at[place]))
    return float(at[-1])


def bits_per_synapse(record: Record, *, keep: float = 0.95) -> pd.DataFrame:
    """Bits per synapse that each task needs, by group, step, task, split and probe, with the interval over individuals.

    From the rows of `Response(Quantize())`, one probe for each of its grids, of the task's primary metric, above the best
    constant answer. Evaluations inside an event have no rows here. Columns: group, step, task, split, probe, mean, low, high,
    n, note, and `fewest` and `most`, the bits tested: an estimate of `fewest` is an upper bound, one above `most` a lower
    bound (see `bits_needed`). Interval over individuals as of `inference.mean_interval`. Raises `RecordError`
    where the record has no such rows.
    """
    rows = record.measurements()
    rows = rows[rows["probe"].str.match(r"Response to Quantize(\(.*\))?$")]
    place = ["group", "step", "task", "split", "probe"]
    needs = []
    for (*where, _), part in rows.groupby([*place, "individual"], sort=False):
        task = record.study["tasks"][where[2]]
        metric = task["metrics"][0]
        curve = part[part["metric"].str.startswith(f"{metric}@")]
        doses = pd.to_numeric(curve["metric"].str.removeprefix(f"{metric}@"), errors="coerce")
        bits = [_bits(dose) for dose in doses.dropna()]
        floor = float(task.get("chance", {}).get(metric, 0.0))
        needed = bits_needed(bits, curve["value"][doses.notna()], floor=floor, keep=keep)
        tested = [number for number in bits if number < WHOLE]
        needs.append([*where, needed, min(tested), max(tested)])
    if not needs:
        raise RecordError(str(record.directory), "has no scores at few bits.", "Add Probe(Response(Quantize())).")
    table = pd.DataFrame(needs, columns=[*place, "bits", "fewest", "most"])
    summaries = []
    for group, part in table.groupby(place, sort=False):
        mean = inference.mean_interval(part["bits"].to_numpy())
        interval = [mean.estimate, mean.low, mean.high, mean.n, mean.note]
        summaries.append([*group, *interval, part["fewest"].min(), part["most"].max()])
    return pd.DataFrame(summaries, columns=[*place, "mean", "low", "high", "n", "note", "fewest", "most"])


def _bits(severity: float) -> int:
    """Bits at a severity of `Quantize`, `WHOLE` at 0: a severity between two eighths counts as the larger one.

    >>> _bits(0), _bits(0.2), _bits(0.625)
    (32, 7, 4)
    """
    return 9 - math.ceil(8 * severity - 1e-9) if severity > 0 else WHOLE

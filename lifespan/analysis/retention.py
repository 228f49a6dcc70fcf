"""How long functions are kept: each task's score against half of what was learned. No torch here."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import WHO, Evidence
from lifespan.stats import survival
from lifespan.stats.mixed_models import growth

SHARE = 0.5
"""A function counts as lost below this share of what was learned, above chance."""

IN_A_ROW = 2
"""Looks below the level that make a loss."""

LOOKS = 4
"""Looks since learning that a study must offer, or survival says nothing."""


@lru_cache(maxsize=4)
def kept(evidence: Evidence) -> pd.DataFrame:
    """Share of what was learned that is left at each look since: kept = (score - chance) / (score once learned - chance).

    Columns: group, individual, seed, task, step, since (optimizer steps since it was learned), value, level (the score at
    which half is left), kept, status. Lives in which a task was not looked at right after it was learned, or was not above
    chance then, have no rows.
    """
    scores = outcomes.primary_scores(evidence)
    moments = {group: outcomes.first_learned_at(evidence, group) for group in evidence.groups}
    rows = []
    for (group, _, _, task), life in scores.groupby([*WHO, "task"], sort=False):
        start = moments[str(group)].get(str(task))
        life = life[life["step"] >= start] if start is not None else life.iloc[:0]
        chance = outcomes.chance_of(evidence, str(task))
        if life.empty or life["step"].iloc[0] != start or not life["value"].iloc[0] > chance:
            continue
        learned = life["value"].iloc[0] - chance
        left = {"kept": (life["value"] - chance) / learned, "level": chance + SHARE * learned}
        rows.append(life.assign(since=life["age"] - life["age"].iloc[0], **left))
    columns = [*WHO, "task", "step", "since", "value", "level", "kept", "status"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


@lru_cache(maxsize=4)
def lifetimes(evidence: Evidence) -> pd.DataFrame:
    """How long each function was kept: group, individual, seed, task, time (steps since it was learned), lost, looks, status.

    Lost is the first of two looks in a row at which less than half of what was learned, above chance, is left; a function that
    is never lost is censored at its last look, also where the individual failed or diverged then. Tasks at which nobody was
    looked at four times or more have no row.
    """
    rows = []
    for who, life in kept(evidence).groupby([*WHO, "task"], sort=False):
        # Looks are counted, as two of them have one age where an event took no time.
        place, lost = survival.first_crossing(
            np.arange(len(life)), life["value"].to_numpy(dtype=float), float(life["level"].iloc[0]), in_a_row=IN_A_ROW
        )
        ended = {"time": float(life["since"].iloc[int(place)]), "lost": bool(lost)}
        ended |= {"looks": len(life), "status": life["status"].iloc[0]}
        rows.append({**dict(zip([*WHO, "task"], who, strict=True)), **ended})
    table = pd.DataFrame(rows, columns=[*WHO, "task", "time", "lost", "looks", "status"])
    enough = table.groupby("task")["looks"].transform("max") >= LOOKS
    return table[enough.astype(bool)].reset_index(drop=True)


@lru_cache(maxsize=4)
def declines(evidence: Evidence) -> pd.DataFrame:
    """How fast each task is lost, against control twins: slopes of `kept` per 1,000 optimizer steps, from their parting on.

    Columns: task, group, slope and control_slope (means of the lives' own), difference with low and high, n (pairs), p, method
    (the mixed model, or the lives' own slopes where it could not be had) and reason (why not). Groups that tell only; lives
    that were looked at fewer than three times since have no part in it.
    """
    table, parted, rows = kept(evidence), outcomes.parting(evidence), []
    for task, met in table.groupby("task", sort=False):
        for group in outcomes.telling(evidence):
            own = met[met["group"].isin([group, evidence.control]) & (met["step"] >= parted.get(group, 0) - 1)]
            own = own.assign(individual=own["seed"], age=own["since"] / 1000, value=own["kept"])
            own = own[own.groupby(["group", "individual"])["step"].transform("size") >= 3] if len(own) else own
            if group == evidence.control or own["group"].nunique() < 2:
                continue
            found = growth(own, evidence.control)
            for each in found.differences:
                told = {"slope": found.slopes[group], "control_slope": found.slopes[evidence.control], "n": each.n}
                told |= {"difference": each.difference.estimate, "low": each.difference.low, "high": each.difference.high}
                rows.append({"task": task, "group": group, **told, "p": each.p, "method": each.method, "reason": each.reason})
    columns = ["task", "group", "slope", "control_slope", "difference", "low", "high", "n", "p", "method", "reason"]
    return pd.DataFrame(rows, columns=columns)


def survivals(evidence: Evidence) -> pd.DataFrame:
    """Functions lost by task and group, and the log-rank test against the control group.

    Columns: task, group, n, lost, median (steps since learning at which half of the individuals have lost it; NaN where it
    never comes to that), p (NaN for the control itself).
    """
    table, rows = lifetimes(evidence), []
    for task, met in table.groupby("task", sort=False):
        control = met[met["group"] == evidence.control]
        for group, own in met.groupby("group", sort=False):
            told: dict[str, Any] = {"task": task, "group": group, "n": len(own), "lost": int(own["lost"].sum()), "p": np.nan}
            told["median"] = survival.median_survival(own["time"].to_numpy(), own["lost"].to_numpy()).estimate
            if group != evidence.control and len(control) and (own["lost"].any() or control["lost"].any()):
                told["p"] = survival.log_rank(*(part[name].to_numpy() for part in (own, control) for name in ("time", "lost")))
            rows.append(told)
    return pd.DataFrame(rows, columns=["task", "group", "n", "lost", "median", "p"])

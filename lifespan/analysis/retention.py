"""How long functions are kept: each task's score against half of what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.scores import LEAST_LEARNED, chance_normalised
from lifespan.analysis.timelines import first_learned_at
from lifespan.stats import mixed_models, survival

SHARE = 0.5
"""A function counts as lost below this share of what was learned, above chance."""

IN_A_ROW = 2
"""Evaluations in a row below the level that make a loss."""

FEWEST_EVALUATIONS = 4
"""Evaluations since learning that a study must offer, or survival says nothing."""


def learned(cohort: Cohort, scores: pd.DataFrame) -> pd.DataFrame:
    """What each individual had of each task right after it was learned; none where it was not evaluated then.

    Columns: group, individual, seed, task, step, value, share (of the way from chance to the metric's upper bound), enough
    (whether that is at least `LEAST_LEARNED`), later (whether it was evaluated later, too). `scores` are the primary scores.
    """
    starts = [
        {"group": group, "task": task, "step": step}
        for group in cohort.groups
        for task, step in first_learned_at(cohort, group).items()
    ]
    table = scores.merge(pd.DataFrame(starts, columns=["group", "task", "step"]), on=["group", "task", "step"])
    table = table.drop_duplicates([*INDIVIDUAL, "task"])
    last = scores.groupby([*INDIVIDUAL, "task"])["step"].max().rename("last").reset_index()
    table = table.merge(last, on=[*INDIVIDUAL, "task"])
    share = chance_normalised(cohort, table["task"], table["value"])
    table = table.assign(share=share, enough=share >= LEAST_LEARNED, later=table["last"] > table["step"])
    return table[[*INDIVIDUAL, "task", "step", "value", "share", "enough", "later"]]


def too_little_learned(learned: pd.DataFrame) -> pd.DataFrame:
    """Task and group with the individuals (`n`) that learned too little of it for a share of it later, of how many (`of`)."""
    learned = learned[learned["later"]]
    counts = learned.groupby(["task", "group"], sort=False)["enough"].agg(of="size", enough="sum").reset_index()
    counts = counts.assign(n=counts["of"] - counts["enough"])
    return counts.loc[counts["n"] > 0, ["task", "group", "n", "of"]].reset_index(drop=True)


def shares_kept(cohort: Cohort, scores: pd.DataFrame) -> pd.DataFrame:
    """Share of what was learned that is left at each evaluation since: kept = (score - chance) / (score learned - chance).

    Columns: group, individual, seed, task, step, since (optimizer steps since it was learned), value, level (the score at
    which half is left), kept, status. Lives in which a task was not evaluated right after it was learned, or in which too
    little of it was learned then (see `learned`), have no rows. `scores` are the primary scores.
    """
    starts = learned(cohort, scores).set_index([*INDIVIDUAL, "task"])
    begun: dict[Any, dict[Any, Any]] = starts[starts["enough"]].to_dict("index")
    rows = []
    for key, life in scores.groupby([*INDIVIDUAL, "task"], sort=False):
        if key not in begun:
            continue
        life = life[life["step"] >= begun[key]["step"]]
        chance = cohort.chance(str(key[-1]))
        gained = begun[key]["value"] - chance
        left = {"kept": (life["value"] - chance) / gained, "level": chance + SHARE * gained}
        rows.append(life.assign(since=life["age"] - life["age"].iloc[0], **left))
    columns = [*INDIVIDUAL, "task", "step", "since", "value", "level", "kept", "status"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def lifetimes(kept: pd.DataFrame) -> pd.DataFrame:
    """How long each function was kept, from the table of `shares_kept`.

    Columns: group, individual, seed, task, time (optimizer steps since it was learned), lost, looks (number of evaluations),
    status. Lost is the first of two evaluations in a row at which less than half of what was learned, above chance, is left; a
    function that is never lost is censored at its last evaluation, also where the individual failed or diverged then. Tasks
    that were evaluated fewer than four times in every life have no row.
    """
    rows = []
    for individual, life in kept.groupby([*INDIVIDUAL, "task"], sort=False):
        # Evaluations are counted, as two of them have one age where an event took no time.
        place, lost = survival.first_crossing(
            np.arange(len(life)), life["value"].to_numpy(dtype=float), float(life["level"].iloc[0]), in_a_row=IN_A_ROW
        )
        end = {"time": float(life["since"].iloc[int(place)]), "lost": bool(lost)}
        end |= {"looks": len(life), "status": life["status"].iloc[0]}
        rows.append({**dict(zip([*INDIVIDUAL, "task"], individual, strict=True)), **end})
    table = pd.DataFrame(rows, columns=[*INDIVIDUAL, "task", "time", "lost", "looks", "status"])
    enough = table.groupby("task")["looks"].transform("max") >= FEWEST_EVALUATIONS
    return table[enough.astype(bool)].reset_index(drop=True)


def declines(
    kept: pd.DataFrame, parting: Mapping[str, int], groups: Sequence[str], controls: Mapping[str, str]
) -> pd.DataFrame:
    """How fast each task is lost, against control twins: slopes of `kept` per 1,000 optimizer steps, from their parting on.

    Columns: task, group, slope and control_slope (means of the lives' own), difference with low and high, n (pairs), p, method
    (the mixed model, or the lives' own slopes where it could not be fitted) and reason (why not). Of these groups alone; lives
    that were evaluated fewer than three times since have no part in it. `parting` are the `parting_steps`, `controls` the
    control group on each task.
    """
    rows = []
    for task, task_rows in kept.groupby("task", sort=False):
        control = controls.get(str(task), "")
        for group in groups:
            both = task_rows["group"].isin([group, control]) & (task_rows["step"] >= parting.get(group, 0) - 1)
            own = task_rows[both]
            own = own.assign(individual=own["seed"], age=own["since"] / 1000, value=own["kept"])
            own = own[own.groupby(["group", "individual"])["step"].transform("size") >= 3] if len(own) else own
            if group == control or own["group"].nunique() < 2:
                continue
            fit = mixed_models.growth(own, control)
            for slope in fit.differences:
                row = {"slope": fit.slopes[group], "control_slope": fit.slopes[control], "n": slope.n}
                row |= {"difference": slope.difference.estimate, "low": slope.difference.low, "high": slope.difference.high}
                rows.append(
                    {"task": task, "group": group, **row, "p": slope.p, "method": slope.method, "reason": slope.reason}
                )
    columns = ["task", "group", "slope", "control_slope", "difference", "low", "high", "n", "p", "method", "reason"]
    return pd.DataFrame(rows, columns=columns)


def survivals(lived: pd.DataFrame, controls: Mapping[str, str]) -> pd.DataFrame:
    """Functions lost by task and group, and the log-rank test against the task's control; `lived` are the `lifetimes`.

    Columns: task, group, n, lost, median (steps since learning at which half of the individuals have lost it; NaN where it
    never comes to that), p (NaN for the control itself).
    """
    rows = []
    for task, task_rows in lived.groupby("task", sort=False):
        name = controls.get(str(task), "")
        control = task_rows[task_rows["group"] == name]
        for group, own in task_rows.groupby("group", sort=False):
            row: dict[str, Any] = {"task": task, "group": group, "n": len(own), "lost": int(own["lost"].sum()), "p": np.nan}
            row["median"] = survival.median_survival(own["time"].to_numpy(), own["lost"].to_numpy()).estimate
            if group != name and len(control):
                twins = own.merge(control, on="seed", suffixes=("", "_control"))
                names = ("time", "lost", "time_control", "lost_control")
                row["p"] = survival.twin_log_rank(*(twins[name].to_numpy() for name in names))
            rows.append(row)
    return pd.DataFrame(rows, columns=["task", "group", "n", "lost", "median", "p"])

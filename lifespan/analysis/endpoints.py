"""All outcomes of a study as one value per individual, and their comparison with the control twins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.forgetting import END
from lifespan.analysis.scores import against_control
from lifespan.contracts.measure import Meaning
from lifespan.record.declarations import DURING
from lifespan.stats import inference
from lifespan.stats.metrics import METRICS

DIRECTIONS = {"higher": +1, "lower": -1, "neither": 0}

COLUMNS = ["outcome", "task", "direction", *INDIVIDUAL, "step", "value"]


def individual_outcomes(cohort: Cohort, final: pd.DataFrame, forgetting: pd.DataFrame) -> pd.DataFrame:
    """One row per outcome and individual that lived to the end, from final scores, forgetting and the last measurements.

    Outcomes are the final primary score of each task, forgetting_max_normalised at the end of life, and the last values of
    what the measures declare to be outcomes (`Meaning.outcome`), built-in ones and others. Columns: outcome (its name), task,
    direction (+1 where more is better, -1 where less is, 0 for neither), group, individual, seed, step (at which it was
    measured; NaN for forgetting, which has several), value.
    """
    parts = [final.assign(outcome=final["metric"] + " on " + final["task"], direction=1)]
    lost = forgetting[(forgetting["moment"] == END) & (forgetting["metric"] == "forgetting_max_normalised")]
    parts.append(lost.assign(outcome="forgetting_max_normalised", direction=-1, task="", step=np.nan))
    rows = cohort.measurements.dropna(subset=["value"])
    for (probe, task, metric), (name, meaning) in declared_outcomes(cohort).items():
        own = rows[(rows["probe"] == probe) & (rows["task"] == task) & (rows["metric"] == metric)]
        own = own.groupby(INDIVIDUAL, sort=False).tail(1)
        parts.append(own.assign(outcome=name, direction=DIRECTIONS[meaning.better]))
    table = pd.concat([part.reindex(columns=COLUMNS) for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS)])
    people = cohort.participants
    done = people[people["status"] == "done"][["group", "individual"]]
    return table.merge(done, on=["group", "individual"]).reset_index(drop=True)


def declared_outcomes(cohort: Cohort) -> dict[tuple[str, str, str], tuple[str, Meaning]]:
    """What of the measured values is an outcome by the measures' own word: (name, meaning) by (probe, task, metric).

    Evaluations inside events, whose values belong to the event's course, have none.
    """
    found: dict[tuple[str, str, str], tuple[str, Meaning]] = {}
    known = cohort.measurements[["probe", "task", "metric"]].drop_duplicates()
    for probe, declared in cohort.declared.items():
        if probe.endswith(DURING) or not any(meaning.outcome for meaning in declared.meanings):
            continue
        for task, rows in known[known["probe"] == probe].groupby("task", sort=False):
            fits = [(metric, declared.of(metric)) for metric in rows["metric"]]
            named = [(metric, *fit) for metric, fit in fits if fit is not None and fit[0].outcome]
            for metric, name, meaning in _named(cohort, str(task), named):
                found[probe, str(task), metric] = (name, meaning)
    return found


def _named(cohort: Cohort, task: str, fits: list[tuple[str, Meaning, tuple[str, ...]]]) -> Iterator[tuple[str, str, Meaning]]:
    """(metric, the outcome's name, meaning) of those that stand for the task's primary metric, or for none of its metrics."""
    known = {*METRICS, *cohort.tasks.get(task, {}).get("metrics", [])}
    scored = {text for _, _, texts in fits for text in texts if text in known}
    first = next((text for _, _, texts in fits for text in texts if text in known), "")
    primary = cohort.primary(task) if cohort.primary(task) in scored else first
    for metric, meaning, texts in fits:
        if any(text in known and text != primary for text in texts):
            continue
        name = " ".join([meaning.outcome, *(text for text in texts if text and text not in known)])
        where = f" on {task}" if task and "{task}" not in name else ""
        yield metric, name.replace("{task}", task) + where, meaning


def outcome_comparisons(cohort: Cohort, outcomes: pd.DataFrame, controls: Mapping[str, str]) -> pd.DataFrame:
    """Every one of the `individual_outcomes` of every group against the control twins, as an exploratory family.

    An outcome of a task is compared with that task's control (`controls.task_controls`), others with the study's.

    Columns: outcome, task, direction, group, control, difference (treated - control) with low and high, n (pairs), hedges_g_av
    with g_low and g_high (the interval of the difference in the same unit: divided by the average standard deviation and
    corrected, so its own uncertainty is left out), cliffs_delta, p, p_bh (Benjamini & Hochberg 1995, over all rows), note,
    warning.
    """
    rows = []
    for outcome, values in outcomes.groupby("outcome", sort=False):
        named = {"outcome": outcome, "task": values["task"].iloc[0], "direction": int(values["direction"].iloc[0])}
        control = controls.get(named["task"]) if named["task"] in cohort.tasks else cohort.control
        for compared in against_control(cohort, values, control) if control is not None else ():
            scale = compared["hedges_g_av"] / compared["difference"] if compared["difference"] else np.nan
            ends = {"g_low": compared["low"] * scale, "g_high": compared["high"] * scale}
            rows.append({**named, **compared, **ends})
    columns = ["outcome", "task", "direction", "group", "control", "difference", "low", "high", "n", "hedges_g_av"]
    table = pd.DataFrame(rows, columns=[*columns, "g_low", "g_high", "cliffs_delta", "p", "note", "warning"])
    table["p_bh"] = inference.benjamini_hochberg(table["p"].to_numpy(dtype=float))
    return table

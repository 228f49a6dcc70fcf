"""All outcomes of a study as one value per individual, and their comparison with the control twins."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.forgetting import END
from lifespan.analysis.scores import against_control
from lifespan.stats import inference

RULES: tuple[tuple[str, str, int, str], ...] = (
    (r"Response to (.+)", r"{primary}@area", +1, "under {0}"),
    (r"Pruned by (.+)", r"{primary}@area", +1, "pruned by {0}"),
    (r"OutOfDomain(.*)", r"{primary}", +1, "out of domain{0}"),
    (r"Calibration", r"ece", -1, "calibration error"),
    (r"Perplexity(.*)", r"perplexity", -1, "perplexity{0}"),
    (r"Readout", r"readout_{primary}", +1, "linear readout"),
    (r"FreshTask (.*)", r"learning_curve_area", +1, "learning {0} afresh"),
    (r"DormantUnits", r"dormant", -1, "dormant units"),
    (r"EffectiveRank", r"effective_rank", +1, "effective rank"),
    (r"Sharpness", r"hessian_trace", -1, "Hessian trace"),
    (r"FisherTrace", r"fisher_trace", 0, "Fisher trace"),
    (r"WeightNorm", r"rms", 0, "size of weights"),
    (r"TaskInference", r"inferred_accuracy", +1, "task not told"),
)
"""(probe, metric, direction, name) of what becomes an outcome: its last value in life. +1: more is better; 0: neither."""

COLUMNS = ["outcome", "task", "direction", *INDIVIDUAL, "step", "value"]


def individual_outcomes(cohort: Cohort, final: pd.DataFrame, forgetting: pd.DataFrame) -> pd.DataFrame:
    """One row per outcome and individual that lived to the end, from final scores, forgetting and the last measurements.

    Outcomes are the final primary score of each task, forgetting_max at the end of life, and the last values of what `RULES`
    names. Columns: outcome (its name), task, direction (+1 where more is better, -1 where less is, 0 for neither), group,
    individual, seed, step (at which it was measured; NaN for forgetting, which has several), value.
    """
    parts = [final.assign(outcome=final["metric"] + " on " + final["task"], direction=1)]
    lost = forgetting[(forgetting["moment"] == END) & (forgetting["metric"] == "forgetting_max")]
    parts.append(lost.assign(outcome="forgetting_max", direction=-1, task="", step=np.nan))
    rows = cohort.measurements.dropna(subset=["value"])
    for probe, metric, direction, name in RULES:
        own = rows[rows["probe"].str.fullmatch(probe)]
        wanted = own["task"].map(lambda task, metric=metric: metric.format(primary=cohort.primary(task)))
        own = own[own["metric"] == wanted] if len(own) else own
        own = own.groupby([*INDIVIDUAL, "probe", "task"], sort=False).tail(1)
        outcome = own["probe"].map(lambda text, probe=probe, name=name: re.sub(probe, name.replace("{0}", r"\1"), text))
        fresh = own["probe"].str.startswith("FreshTask")
        on = own["task"].where(~fresh, "").map(lambda task: f" on {task}" if task else "")
        parts.append(own.assign(outcome=outcome + on, direction=direction))
    table = pd.concat([part.reindex(columns=COLUMNS) for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS)])
    people = cohort.participants
    done = people[people["status"] == "done"][["group", "individual"]]
    return table.merge(done, on=["group", "individual"]).reset_index(drop=True)


def outcome_comparisons(cohort: Cohort, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Every one of the `individual_outcomes` of every group against the control twins, as an exploratory family.

    Columns: outcome, task, direction, group, control, difference (treated - control) with low and high, n (pairs), hedges_g_av
    with g_low and g_high (the interval of the difference in the same unit: divided by the average standard deviation and
    corrected, so its own uncertainty is left out), cliffs_delta, p, p_bh (Benjamini & Hochberg 1995, over all rows), note,
    warning.
    """
    rows = []
    for outcome, values in outcomes.groupby("outcome", sort=False):
        named = {"outcome": outcome, "task": values["task"].iloc[0], "direction": int(values["direction"].iloc[0])}
        for compared in against_control(cohort, values):
            scale = compared["hedges_g_av"] / compared["difference"] if compared["difference"] else np.nan
            ends = {"g_low": compared["low"] * scale, "g_high": compared["high"] * scale}
            rows.append({**named, **compared, **ends})
    columns = ["outcome", "task", "direction", "group", "control", "difference", "low", "high", "n", "hedges_g_av"]
    table = pd.DataFrame(rows, columns=[*columns, "g_low", "g_high", "cliffs_delta", "p", "note", "warning"])
    table["p_bh"] = inference.benjamini_hochberg(table["p"].to_numpy(dtype=float))
    return table

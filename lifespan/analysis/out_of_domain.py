"""Learned skills on data from elsewhere, beside their scores in domain."""

from __future__ import annotations

import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.scores import held_out, mean_entries
from lifespan.record.declarations import DURING, OWN

KIND = f"{OWN}OutOfDomain"

CONSISTENCY = "consistency"
"""The metric of edited pairs: the share of pairs with every row right. There is none in domain."""

KEYS = ["task", "data", "metric", "part"]
COLUMNS = [*KEYS, *INDIVIDUAL, "step", "age", "value", "in_domain"]


def out_of_domain_scores(cohort: Cohort) -> pd.DataFrame:
    """Scores on data from elsewhere, the last of each individual that lived to the end, beside those in domain.

    Columns: task (the skill's), data (title), metric, part (of the data, by their own names; empty for all of them), group,
    individual, seed, step, age, value, in_domain (the same metric on held-out examples of the skill's own task, at that step
    or the last one before; NaN where it was not measured, and for the consistency of edited pairs).
    """
    titles = [title for title, declared in cohort.declared.items() if declared.kind == KIND and not title.endswith(DURING)]
    rows = cohort.measurements
    rows = rows[rows["probe"].isin(titles)].dropna(subset=["value"])
    people = cohort.participants[cohort.participants["status"] == "done"][["group", "individual"]]
    rows = rows.merge(people, on=["group", "individual"])
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = rows.groupby([*INDIVIDUAL, "probe", "metric"], sort=False).tail(1)
    named = zip(rows["probe"], rows["task"], strict=True)
    rows = rows.assign(data=[probe.removeprefix(f"{task} on ") for probe, task in named])
    metric, part = (rows["metric"].map(lambda name, place=place: name.partition("@")[place]) for place in (0, 2))
    rows = rows.assign(metric=metric, part=part)
    return rows.assign(in_domain=_in_domain(cohort, rows)).reindex(columns=COLUMNS).reset_index(drop=True)


def out_of_domain_means(scores: pd.DataFrame) -> pd.DataFrame:
    """`out_of_domain_scores` by task, data, metric, part and group.

    Columns: those; mean with low, high, n and note; in_domain, the mean in domain of those individuals; change, the mean over
    individuals of the score on the data minus that in domain, with change_low, change_high and change_note.
    """
    table = []
    for key, rows in scores.groupby([*KEYS, "group"], sort=False):
        row = {**dict(zip([*KEYS, "group"], key, strict=True)), **mean_entries(rows["value"])}
        change = mean_entries(rows["value"] - rows["in_domain"])
        row |= {"in_domain": rows["in_domain"].mean(), "change": change["mean"]}
        table.append({**row, **{f"change_{name}": change[name] for name in ("low", "high", "note")}})
    columns = [*KEYS, "group", "mean", "low", "high", "n", "note", "in_domain", "change"]
    return pd.DataFrame(table, columns=[*columns, "change_low", "change_high", "change_note"])


def _in_domain(cohort: Cohort, rows: pd.DataFrame) -> list[float]:
    """For each row the same metric on held-out examples of the skill's own task, at the same step or the last before it."""
    own = cohort.measurements
    own = held_out(own[(own["probe"] == "Score") & (own["task"] != "")]).dropna(subset=["value"])
    known = {key: part for key, part in own.groupby(["group", "individual", "task", "metric"], sort=False)}
    found = []
    for row in rows.itertuples():
        part = known.get((row.group, row.individual, row.task, row.metric))
        before = part[part["step"] <= row.step] if part is not None else own.iloc[:0]
        found.append(float(before.sort_values("step", kind="stable")["value"].iloc[-1]) if len(before) else float("nan"))
    return found

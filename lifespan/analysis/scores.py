"""Records to outcomes: what the individuals of each group came to, as tidy tables.

Every function here makes one table from an `Evidence`. A value that was not measured is NaN or an absent row, never an error,
so that an interrupted run can be looked at too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import WHO, Evidence
from lifespan.stats import inference as stats
from lifespan.stats import metrics

STATUSES = ("done", "failed", "diverged", "pending")
END = "end of life"
TOLD = 8
"""Groups that figures and sentences single out, the control among them."""


@lru_cache(maxsize=4)
def primary_scores(evidence: Evidence) -> pd.DataFrame:
    """Every primary score on held-out examples, of every individual, in the order in which it was lived."""
    rows = primary_rows(evidence, "Score").sort_values("n", kind="stable")  # Of two looks at once, the one at more rows.
    rows = rows.drop_duplicates([*WHO, "step", "task"], keep="last")
    rows = rows.merge(evidence.participants[["group", "individual", "status"]], on=["group", "individual"], how="left")
    return _in_order(evidence, rows)


def primary_rows(evidence: Evidence, probe: str) -> pd.DataFrame:
    """Rows of a probe with the tasks' primary metric, on held-out examples where there are such.

    A score that does not exist, as the correlation of an answer that is always the same, counts as that of the best constant
    answer: without it a function that collapsed would keep the score that it had before.
    """
    rows = evidence.measurements
    rows = rows[(rows["probe"] == probe) & (rows["task"] != "")]
    rows = held_out(rows[rows["metric"] == rows["task"].map(evidence.primary)])
    return rows.assign(value=rows["value"].fillna(rows["task"].map(lambda task: chance_of(evidence, task))))


def held_out(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each task's rows, those of one split: of the held-out ones the most looked at (dev, if equal), or else "train".

    Readings of different splits do not make one course.
    """
    looks = rows.groupby(["task", "split"], sort=False).size().rename("looks").reset_index()
    order = looks.assign(held_out=looks["split"] != "train", dev=looks["split"] == "dev")
    chosen = order.sort_values(["held_out", "looks", "dev"]).groupby("task")["split"].last()
    return rows[rows["split"] == rows["task"].map(chosen)]


def unheard(evidence: Evidence) -> list[tuple[str, str]]:
    """(group, task) of scores that no table has, as they are of another split than most scores of the task."""
    rows = evidence.measurements
    rows = rows[(rows["probe"] == "Score") & (rows["metric"] == rows["task"].map(evidence.primary))]
    heard = primary_scores(evidence)
    known = set(zip(heard["group"], heard["task"], strict=True))
    return [pair for pair in dict.fromkeys(zip(rows["group"], rows["task"], strict=True)) if pair not in known]


@lru_cache(maxsize=4)
def final_scores(evidence: Evidence) -> pd.DataFrame:
    """The last primary score of each individual that lived to the end, one row per task."""
    rows = primary_scores(evidence)
    rows = rows[rows["status"] == "done"]
    return rows.groupby([*WHO, "task"], sort=False).tail(1).reset_index(drop=True)


def statuses(evidence: Evidence) -> pd.DataFrame:
    """Individuals per group and status. Columns: group, individuals, done, failed, diverged, pending."""
    counts = pd.crosstab(evidence.participants["group"], evidence.participants["status"])
    counts = counts.reindex(index=list(evidence.groups), columns=STATUSES, fill_value=0)
    counts.insert(0, "individuals", counts.sum(axis=1))
    return counts.rename_axis(index="group", columns=None).reset_index()


def final_table(evidence: Evidence) -> pd.DataFrame:
    """Final primary score by task and group: mean, interval, n and where in life it was last measured."""
    scores = final_scores(evidence)
    rows = []
    for task in evidence.tasks:
        for group in evidence.groups:
            met = scores[(scores["task"] == task) & (scores["group"] == group)]
            row = {"task": task, "group": group, "metric": evidence.primary(task), **summary(met["value"])}
            rows.append({**row, "stage": " / ".join(dict.fromkeys(met["stage"].astype(str)))})
    columns = ["task", "group", "metric", "mean", "low", "high", "n", "note", "stage"]
    return pd.DataFrame(rows, columns=columns)


@lru_cache(maxsize=4)
def comparisons(evidence: Evidence) -> pd.DataFrame:
    """Each group against the control group by task, twins (equal seeds) paired; p adjusted over the whole family."""
    scores = final_scores(evidence)
    rows = [
        {"task": task, **compared}
        for task in evidence.tasks
        for compared in against_control(evidence, scores[scores["task"] == task])
    ]
    columns = ["task", "group", "control", "difference", "low", "high", "n", "hedges_g_av", "cliffs_delta"]
    table = pd.DataFrame(rows, columns=[*columns, "p", "exact", "note", "warning"])
    table["p_holm"] = stats.holm(table["p"].to_numpy(dtype=float))
    return table


def against_control(evidence: Evidence, values: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each group's twins compared with the control's, as entries of a row; `values` has group, seed and one value of each."""
    table = values.pivot_table(index="seed", columns="group", values="value")
    for group in evidence.groups:
        if group == evidence.control or group not in table or evidence.control not in table:
            continue
        found = stats.paired_difference(table[group].to_numpy(), table[evidence.control].to_numpy())
        if found.n:
            yield {"group": group, "control": evidence.control, **_flat(found)}


@lru_cache(maxsize=4)
def telling(evidence: Evidence) -> tuple[str, ...]:
    """The control and the groups that differ most from it in any task's final score, in study order; all, where they are few.

    With many groups a figure of all of them cannot be read. Size is |Hedges' g_av|, or |difference| where none can be had.
    """
    groups = list(evidence.groups)
    if len(groups) <= TOLD:
        return tuple(groups)
    table = comparisons(evidence)
    size = table["hedges_g_av"].abs().fillna(table["difference"].abs())
    by_group = size.groupby(table["group"]).max().reindex(groups, fill_value=-1.0).drop(evidence.control, errors="ignore")
    chosen = {evidence.control, *by_group.sort_values(ascending=False, kind="stable").index[: TOLD - 1]}
    return tuple(group for group in groups if group in chosen)


@lru_cache(maxsize=4)
def retention(evidence: Evidence) -> pd.DataFrame:
    """R[i, j] by individual: the score on `task` once `learned` was learned, and at the end of life.

    Columns: group, individual, seed, row (position of i), learned (its label), task, value. Tasks appear as they were
    first learned; a cell that was not measured has no row.
    """
    scores, final = primary_scores(evidence), final_scores(evidence)
    pieces = []
    for group in evidence.groups:
        moments = learning_moments(evidence, group)
        for row, (step, label) in enumerate(moments):
            met = scores[(scores["group"] == group) & (scores["step"] == step)]
            pieces.append(met.assign(row=row, learned=label))
        pieces.append(final[final["group"] == group].assign(row=len(moments), learned=END))
    columns = [*WHO, "row", "learned", "task", "value"]
    pieces = [piece[columns] for piece in pieces if len(piece)]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def learning_moments(evidence: Evidence, group: str) -> list[tuple[int, str]]:
    """Steps at which this group learned, with a label; a task learned again is numbered, unless beside a new one."""
    met: dict[str, int] = {}
    moments = []
    for step in evidence.timeline(group):
        if step.get("kind") == "Learn" and step.get("task"):
            for task in (step["task"], *(other for other in step.get("also", ()) if other not in met)):
                met[task] = met.get(task, 0) + 1
                moments.append((int(step["step"]), task if met[task] == 1 else f"{task} ({met[task]})"))
    return moments


@lru_cache(maxsize=4)
def forgetting(evidence: Evidence) -> pd.DataFrame:
    """Both kinds of forgetting by individual, once the last task was learned and at the end of life.

    The end of life is one more row of R, so that ageing and disorders after the last task count too, and the last task
    can itself be forgotten. Columns: group, individual, seed, moment, metric, value. Lives of one task have no rows.
    """
    table = retention(evidence)
    rows = []
    for group in evidence.groups:
        tasks = first_learned(evidence, group)
        labels = list(tasks)
        if len(tasks) < 2:
            continue
        for who, life in table[table["group"] == group].groupby(WHO, sort=False):
            matrix = life.pivot_table(index="learned", columns="task", values="value")
            for moment, names in (("last task learned", labels), (END, [*labels, END])):
                square = matrix.reindex(index=names, columns=[*tasks, END][: len(names)]).to_numpy(dtype=float)
                for metric in ("forgetting_max", "forgetting_last"):
                    found = {"moment": moment, "metric": metric, "value": getattr(metrics, metric)(square)}
                    rows.append({**dict(zip(WHO, who, strict=True)), **found})
    return pd.DataFrame(rows, columns=[*WHO, "moment", "metric", "value"]).dropna(subset=["value"])


def first_learned(evidence: Evidence, group: str) -> list[str]:
    """Titles of the tasks of a group in the order in which they were first learned."""
    return list(first_learned_at(evidence, group))


@lru_cache(maxsize=4)
def sparsities(evidence: Evidence) -> pd.DataFrame:
    """Measured fraction of dead prunable synapses, of every individual, in the order in which it was lived."""
    rows = evidence.measurements
    rows = rows[(rows["probe"] == "Sparsity") & (rows["metric"] == "sparsity") & (rows["task"] == "")]
    rows = rows.dropna(subset=["value"]).drop_duplicates([*WHO, "step"], keep="last")
    return _in_order(evidence, rows)


def first_learned_at(evidence: Evidence, group: str) -> dict[str, int]:
    """The step at which a group first learned each of its tasks, alone or jointly."""
    return {task: steps[0] for task, steps in learnings(evidence, group).items()}


def learnings(evidence: Evidence, group: str) -> dict[str, list[int]]:
    """The steps at which a group learned each of its tasks, alone or jointly; tasks in order of first learning."""
    found: dict[str, list[int]] = {}
    for step in evidence.timeline(group):
        if step.get("kind") == "Learn" and step.get("task"):
            for task in (step["task"], *step.get("also", ())):
                found.setdefault(task, []).append(int(step["step"]))
    return found


def chance_of(evidence: Evidence, task: str) -> float:
    """Primary score of the best constant answer; 0 where the record does not tell."""
    return float(evidence.tasks.get(task, {}).get("chance", {}).get(evidence.primary(task), 0.0))


def last_looks(evidence: Evidence, probe: str) -> pd.DataFrame:
    """Rows of a probe at the last step at which each individual was looked at by it."""
    rows = evidence.measurements
    rows = rows[rows["probe"] == probe].dropna(subset=["value"])
    return rows[rows["step"] == rows.groupby(WHO)["step"].transform("max")] if len(rows) else rows


def recoveries(evidence: Evidence) -> pd.DataFrame:
    """Every loss of synapses that a recovery followed at once: the score before, right after, and recovered.

    Columns: group, individual, seed, task, step (of the ageing), to (planned sparsity), before, after, recovered. A moment at
    which the score was not measured leaves the row out; "before" is the last score before the loss.
    """
    scores = primary_scores(evidence)
    rows = []
    for group in evidence.groups:
        timeline = evidence.timeline(group)
        own = scores[scores["group"] == group]
        for one, following in pairwise(timeline):
            if one.get("kind") != "Age" or following.get("kind") != "Recover":
                continue
            step = int(one["step"])
            moments = {
                "before": own[own["step"] < step].groupby([*WHO, "task"], sort=False)["value"].last(),
                "after": own[own["step"] == step].groupby([*WHO, "task"], sort=False)["value"].last(),
                "recovered": own[own["step"] == step + 1].groupby([*WHO, "task"], sort=False)["value"].last(),
            }
            rows.append(pd.DataFrame(moments).dropna().reset_index().assign(step=step, to=float(one.get("to") or np.nan)))
    columns = [*WHO, "task", "step", "to", "before", "after", "recovered"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def sparsity_reached(evidence: Evidence) -> pd.DataFrame:
    """Sparsity by group: the mean of the last measured one of each finished individual, and what the plan asked for.

    Where nobody of a group has finished yet, the means are over all of its individuals.
    """
    last = sparsities(evidence).groupby(WHO, sort=False).tail(1)
    last = last.merge(evidence.participants[["group", "individual", "status"]], on=["group", "individual"], how="left")
    finished = last["status"] == "done"
    last = last[finished | ~last["group"].isin(last.loc[finished, "group"])]
    rows = []
    for group in evidence.groups:
        asked = [step["to"] for step in evidence.timeline(group) if step.get("to") is not None]
        found = summary(last.loc[last["group"] == group, "value"])
        rows.append({"group": group, "planned": float(asked[-1]) if asked else 0.0, **found})
    return pd.DataFrame(rows, columns=["group", "planned", "mean", "low", "high", "n", "note"])


@lru_cache(maxsize=4)
def parting(evidence: Evidence) -> dict[str, int]:
    """The step at which each group's lives first differ from their control twins', told by the steps' digests.

    A life that is its twin's with more events at the end parts from it at the first of these.
    """
    table = evidence.steps.pivot_table(index=["seed", "step"], columns="group", values="digest", aggfunc="first")
    found = {}
    for group in evidence.groups:
        if group in table and evidence.control in table and group != evidence.control:
            both = table[[group, evidence.control]].dropna()
            step = both.index.get_level_values("step")
            differ = both[group] != both[evidence.control]
            lengths = sorted(len(evidence.timeline(name)) for name in (group, evidence.control))
            if differ.any():
                found[group] = int(step[differ].min())
            elif lengths[0] < lengths[1] and (step == lengths[0] - 1).any():
                found[group] = lengths[0]
    return found


def summary(values: pd.Series) -> dict[str, Any]:
    """Mean, interval, n and note of one value per individual, as entries of a row."""
    found = stats.mean_interval(values.to_numpy(dtype=float))
    return {"mean": found.estimate, "low": found.low, "high": found.high, "n": found.n, "note": found.note}


def _in_order(evidence: Evidence, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by task and group as the study lists them, then by individual and step."""
    tasks, groups = ({name: place for place, name in enumerate(names)} for names in (evidence.tasks, evidence.groups))
    keys = [rows["task"].map(tasks).fillna(-1), rows["group"].map(groups), rows["individual"], rows["step"]]
    order = np.lexsort([key.to_numpy(dtype=float) for key in reversed(keys)])
    return rows.iloc[order].reset_index(drop=True)


def _flat(found: stats.Comparison) -> dict[str, Any]:
    interval = found.difference
    return {
        **{"difference": interval.estimate, "low": interval.low, "high": interval.high, "n": found.n},
        **{"hedges_g_av": found.hedges_g_av, "cliffs_delta": found.cliffs_delta, "p": found.p, "exact": found.exact},
        **{"note": interval.note, "warning": found.warning},
    }

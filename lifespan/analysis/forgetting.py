"""Scores on each task once each task was learned, and the forgetting that they show."""

from __future__ import annotations

import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.scores import on_one_scale
from lifespan.analysis.timelines import first_learned, learning_moments
from lifespan.stats import metrics

END = "end of life"


def retention_matrix(cohort: Cohort, scores: pd.DataFrame, final: pd.DataFrame) -> pd.DataFrame:
    """R[i, j] by individual: the score on `task` once `learned` was learned, and at the end of life.

    Columns: group, individual, seed, row (position of i), learned (its label), task, value. Tasks appear as they were
    first learned; a cell that was not measured has no row. `scores` and `final` are the primary and the final scores.
    """
    pieces = []
    for group in cohort.groups:
        moments = learning_moments(cohort, group)
        for row, (step, label) in enumerate(moments):
            own = scores[(scores["group"] == group) & (scores["step"] == step)]
            pieces.append(own.assign(row=row, learned=label))
        pieces.append(final[final["group"] == group].assign(row=len(moments), learned=END))
    columns = [*INDIVIDUAL, "row", "learned", "task", "value"]
    pieces = [piece[columns] for piece in pieces if len(piece)]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def forgetting_values(cohort: Cohort, retention: pd.DataFrame) -> pd.DataFrame:
    """Both kinds of forgetting by individual, once the last task was learned and at the end of life.

    Means over tasks of chance-normalised scores (see `scores.chance_normalised`), `forgetting_max_normalised` and
    `forgetting_last_normalised`: a fall of 0.5 in accuracy and one in a Matthews correlation are not the same.

    The end of life is one more row of R, so that ageing and disorders after the last task count too, and the last task can
    itself be forgotten. Columns: group, individual, seed, moment, metric, value. Lives of one task have no rows.
    `retention` is the table of `retention_matrix`.
    """
    rows = []
    retention = on_one_scale(cohort, retention)
    for group in cohort.groups:
        tasks = first_learned(cohort, group)
        if len(tasks) < 2:
            continue
        for individual, life in retention[retention["group"] == group].groupby(INDIVIDUAL, sort=False):
            matrix = life.pivot_table(index="learned", columns="task", values="value")
            for moment, names in (("last task learned", tasks), (END, [*tasks, END])):
                square = matrix.reindex(index=names, columns=[*tasks, END][: len(names)]).to_numpy(dtype=float)
                for metric in ("forgetting_max", "forgetting_last"):
                    value = {"moment": moment, "metric": f"{metric}_normalised", "value": getattr(metrics, metric)(square)}
                    rows.append({**dict(zip(INDIVIDUAL, individual, strict=True)), **value})
    return pd.DataFrame(rows, columns=[*INDIVIDUAL, "moment", "metric", "value"]).dropna(subset=["value"])

"""Portraits whose every number is known, kept in a record as `Portrait` keeps them."""

import numpy as np
import pandas as pd
from synthetic import TASKS

from lifespan.analysis.portraits import COLUMNS

STEPS = {2: 250, 5: 500}
EDGES = [-np.inf, -0.2, -0.1, 0.0, 0.1, 0.2]
WORDS = ["[CLS]", "a", "</script><b>", "[SEP]"]


def planted(group, step, place):
    """Rows of one portrait; numbers say whose it is."""
    who = {"group": group, "individual": 0, "seed": 0, "step": step, "age": STEPS[step], "stage": f"event {step}"}
    rows = []
    for layer in range(2):
        counts = [0, 10 + place, 20, 30, 40 + step, 0]
        rows += [
            {
                **who,
                "part": "weights",
                "task": "",
                "name": "query",
                "layer": layer,
                "unit": unit,
                "edge": EDGES[unit],
                "value": n,
            }
            for unit, n in enumerate(counts)
        ]
        rows += [
            {**who, "part": part, "task": "", "name": "", "layer": layer, "unit": unit, "value": (unit + layer) / 10}
            for part in ("heads", "neurons")
            for unit in range(3)
        ]
        for head in range(3):
            share = np.full((4, 4), 0.2) + 0.2 * np.eye(4) * (1 + head) / 2
            share /= share.sum(1, keepdims=True)
            rows += [
                {**who, "part": "attention", "task": TASKS[0], "name": "0", "layer": layer, "unit": head}
                | {"row": row, "column": column, "value": share[row, column]}
                for row, column in np.ndindex(4, 4)
            ]
    rows += [{**who, "part": "tokens", "task": TASKS[0], "name": w, "unit": 0, "row": i} for i, w in enumerate(WORDS)]
    return rows


def keep(directory, groups, steps):
    """The run directory, with a portrait of the first individual of each group after each step."""
    rows = [row for place, group in enumerate(groups) for step in steps for row in planted(group, step, place)]
    (directory / "examples").mkdir()
    pd.DataFrame(rows, columns=list(COLUMNS)).to_parquet(directory / "examples" / "Portrait.parquet")
    return directory

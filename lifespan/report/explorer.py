"""The explorer of a life: portraits of an individual and its twins under an age slider, as a section of the page.

The page carries the portraits as JSON; shares are bytes (0..255) in base 64. Without script the section is hidden, and the
figure of the first and last portrait stands for it.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.portraits import Sitting, shown_task, sittings
from lifespan.names import neutral
from lifespan.report.section import Section
from lifespan.report.templates import inlined, render

MOST = 1_500_000
"""Characters of data that the page carries; of more, heads are averaged, then neurons and ages left out."""
GROUPS = 4
"""Groups that stand beside each other: the control and those that differ most from it."""


def explorer(analysis: Analysis) -> Section | None:
    """The section, or None where nobody kept portraits at two ages."""
    rows = analysis.portraits
    groups = [group for group in analysis.highlighted if group in set(rows["group"])][:GROUPS]
    if not groups or rows["step"].nunique() < 2:
        return None
    data = _fitting(rows, groups)
    page = render(
        "page/explorer.html.j2",
        data=Markup(_inert(data)),
        tasks=data["tasks"],
        chosen=shown_task(rows),
        layers=data["layers"],
        heads=data["heads"],
        moments=len(data["steps"]),
        individual=int(rows["individual"].iloc[0]),
        many=len(groups) > 1,
    )
    style, script = inlined("page/explorer.css"), inlined("page/explorer.js")
    return Section("explorer", "Explorer of a life", page, css=style, script=script)


def _fitting(rows: pd.DataFrame, groups: list[str]) -> dict[str, Any]:
    """The data in the most detail that fits."""
    steps = sorted(int(step) for step in rows["step"].unique())
    data: dict[str, Any] = {}
    ends = [steps[0], steps[-1]]
    for mean, neurons, kept in ((False, True, steps), (True, True, steps), (True, False, steps), (True, False, ends)):
        data = _data(rows, groups, kept, mean=mean, neurons=neurons)
        if len(_inert(data)) <= MOST:
            break
    return data


def _data(rows: pd.DataFrame, groups: list[str], steps: list[int], *, mean: bool, neurons: bool) -> dict[str, Any]:
    found = [one for one in sittings(rows, groups) if one.step in steps]
    heads = rows[rows["part"] == "heads"]
    return {
        "groups": groups,
        "steps": steps,
        "tasks": [task for task in dict.fromkeys(rows["task"]) if task],
        "layers": int(heads["layer"].max()) + 1,
        "heads": 0 if mean else int(heads["unit"].max()) + 1,
        "edges": [float(edge) for edge in np.sort(rows["edge"].dropna().unique()) if np.isfinite(edge)],
        "portraits": {group: [_portrait(rows, one, mean, neurons) for one in found if one.group == group] for group in groups},
    }


def _portrait(rows: pd.DataFrame, sitting: Sitting, mean: bool, neurons: bool) -> dict[str, Any]:
    """One portrait; by task, "" the anatomy."""
    own = rows[(rows["group"] == sitting.group) & (rows["step"] == sitting.step)]
    parts = {part: dict(iter(found.groupby("task"))) for part, found in own.groupby("part")}
    told: dict[str, Any] = {"step": sitting.step, "age": sitting.age, "stage": sitting.stage}
    told["weights"] = {task: _histograms(part) for task, part in parts.get("weights", {}).items()}
    told["heads"] = {task: _units(part) for task, part in parts.get("heads", {}).items()}
    told["neurons"] = {task: _units(part) for task, part in parts.get("neurons", {}).items()} if neurons else {}
    told["tokens"] = {task: _words(part) for task, part in parts.get("tokens", {}).items()}
    told["attention"] = {task: _maps(part, mean) for task, part in parts.get("attention", {}).items()}
    return told


def _words(part: pd.DataFrame) -> list[str]:
    """The tokens of the first sentence."""
    return [str(name) for name in part[part["unit"] == 0].sort_values("row")["name"]]


def _histograms(part: pd.DataFrame) -> dict[str, list[list[int]]]:
    """Counts by kind of matrix and layer, the bins beyond either end first and last."""
    ordered = part.sort_values(["layer", "unit"], kind="stable")
    return {
        str(kind): [[int(count) for count in own["value"]] for _, own in found.groupby("layer")]
        for kind, found in ordered.groupby("name", sort=False)
    }


def _units(part: pd.DataFrame) -> list[str]:
    """Dead shares of the units of each layer, in bytes."""
    return [_bytes(own.sort_values("unit")["value"]) for _, own in part.groupby("layer")]


def _maps(part: pd.DataFrame, mean: bool) -> list[list[str]]:
    """Attention in the first sentence by layer and head (one, their mean, where there are too many), in bytes."""
    own = part[part["name"] == "0"]
    keys = ["layer", "row", "column"] if mean else ["layer", "unit", "row", "column"]
    own = own.groupby(keys)["value"].mean().reset_index()
    by_head = "layer" if mean else "unit"
    return [[_bytes(maps["value"]) for _, maps in layer.groupby(by_head)] for _, layer in own.groupby("layer")]


def _bytes(shares: pd.Series) -> str:
    return base64.b64encode(np.rint(255 * shares.clip(0, 1).to_numpy(dtype=float)).astype(np.uint8).tobytes()).decode()


def _inert(data: dict[str, Any]) -> str:
    """JSON that ends no element of a page, whatever names and texts hold."""
    text = neutral(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")

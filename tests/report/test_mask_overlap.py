"""Mask overlap is of masks that could differ: planted overlaps of tasks, beside a full anatomy and a task without a mask."""

from dataclasses import replace

import pandas as pd
import pytest
from synthetic_looks import write_looks

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.summaries import ANATOMY, TASK_MASKS
from lifespan.report import findings
from lifespan.report.figures.overlap import draw

STEP, AGE = 11, 280
OVERLAPS = {"a": 0.41, "b": 0.39}
PAIRS = [(first, second) for first in range(4) for second in range(first + 1, 4)]


def contrasts(group, masks):
    """Rows of pairs of individuals; `masks` by task: (jaccard, chance) of each pair, by its number."""
    rows = []
    for number, (first, second) in enumerate(PAIRS):
        who = {"study": "looks", "group": group, "individual": first, "seed": first, "step": STEP, "age": AGE, "n": 1}
        other = {"other_group": group, "other_individual": second, "other_seed": second, "pairs": "individuals"}
        place = {"other_step": STEP, "other_age": AGE, "probe": "MaskOverlap", "split": ""}
        for task, of_pair in masks.items():
            jaccard, chance = of_pair(number)
            values = {"jaccard": jaccard, "chance": chance, "corrected": (jaccard - chance) / (1 - chance)}
            rows += [{**who, **other, **place, "task": task, "metric": name, "value": value} for name, value in values.items()]
    return rows


def above(corrected, chance):
    return corrected * (1 - chance) + chance, chance


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    cohort = Analysis(write_looks(tmp_path_factory.mktemp("overlap") / "run")).cohort
    rows = contrasts(
        "healthy",
        {
            # The anatomy is still full in one of each pair: jaccard is the other's density, and so is chance.
            "": lambda number: (0.5 + 0.01 * number, 0.5 + 0.01 * number),
            **{task: lambda number, task=task: above(OVERLAPS[task] + 0.001 * number, 0.3) for task in OVERLAPS},
        },
    )
    # The ill have pruned anatomies, and no mask of their own for task a.
    pruned = {task: lambda number: above(0.2 + 0.001 * number, 0.4) for task in ("", "a")}
    table = pd.DataFrame(rows + contrasts("ill", pruned))
    measurements = cohort.measurements[~cohort.measurements["probe"].str.startswith("MaskOverlap")]
    return Analysis(replace(cohort, contrasts=table, measurements=measurements))


def test_a_full_anatomy_and_a_task_without_a_mask_have_no_overlap(analysis):
    found = set(
        zip(analysis.mask_overlaps["group"], analysis.mask_overlaps["masks"], analysis.mask_overlaps["task"], strict=True)
    )
    assert found == {("healthy", TASK_MASKS, "a"), ("healthy", TASK_MASKS, "b"), ("ill", ANATOMY, "")}


def test_the_mean_is_over_task_masks_alone(analysis):
    means = analysis.overlap_means.set_index("group")
    assert means["mean"]["healthy"] == pytest.approx(0.40 + 0.0025) and means["n"]["healthy"] == len(PAIRS)
    assert means["mean"]["ill"] == pytest.approx(0.2 + 0.0025) and means["masks"]["ill"] == ANATOMY
    texts = dict(findings.further_results(analysis))["Mask overlap"]
    assert any(text.startswith("In healthy, the masks of a and b overlap between individuals by 0.40") for text in texts)
    assert any(text.startswith("In ill, anatomies overlap between individuals by 0.20") for text in texts)
    assert len(texts) == 2


def test_the_drawn_marks_are_the_planted_ones(analysis):
    figure, _ = draw(analysis)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [f"{masks}, between individuals (pairs: {len(PAIRS)})" for masks in (TASK_MASKS, ANATOMY)]
    bold = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    assert [line.get_ydata().tolist() for line in bold] == [pytest.approx([0.4025])]
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "."]
    assert sorted(dots[0].get_ydata())[0] == pytest.approx(0.39) and len(dots[0].get_ydata()) == 2 * len(PAIRS)

"""Over all tasks: tasks whose control is not above chance are left out and named; there is no number where none is left."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetic_looks import write_looks

from lifespan import read
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import gather
from lifespan.report import findings


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return gather([read(write_looks(tmp_path_factory.mktemp("all") / "run"))])


def with_chance(cohort, **levels):
    tasks = {title: {**task, "chance": {"accuracy": levels.get(title, 0.5)}} for title, task in cohort.tasks.items()}
    return Analysis(replace(cohort, tasks=tasks))


def over_all(analysis):
    return dict(findings.further_results(analysis)).get("Over all tasks", [])


def test_a_task_whose_control_is_at_chance_is_left_out_and_named(cohort):
    analysis = with_chance(cohort, b=0.9)
    controls = analysis.chance_controls.set_index("task")
    assert controls["above"].to_dict() == {"a": True, "b": False}
    assert controls["low"]["b"] < 0.9 < controls["high"]["b"]
    table = analysis.over_all_tasks.set_index("group")
    assert set(table["tasks"]) == {1} and set(table["left_out"]) == {"b"}
    assert table["note"]["ill"] == "left out, as the control is not above chance: b"
    # On task a alone: (0.58 - 0.5) / (1 - 0.5), not a mean with b, which nobody learned.
    assert table["iqm"]["ill"] == pytest.approx(0.16, abs=0.03)
    assert over_all(analysis)[-1].startswith(
        "These numbers are over 1 task. Left out, as the control is not above chance there: b (0.899"
    )
    assert "chance 0.900)." in over_all(analysis)[-1]


def test_where_no_task_has_a_control_above_chance_there_is_no_number(cohort):
    analysis = with_chance(cohort, a=0.95, b=0.9)
    table = analysis.over_all_tasks
    assert table["iqm"].isna().all() and table["improvement"].isna().all() and set(table["tasks"]) == {0}
    assert set(table["note"]) == {"no number: in no task is the control above chance"}
    (sentence,) = over_all(analysis)
    assert sentence.startswith("No number can be given over all tasks: in none of 2 tasks is the control above chance: a (")


def test_all_tasks_above_chance_say_nothing_more(cohort):
    analysis = with_chance(cohort)
    assert set(analysis.over_all_tasks["left_out"]) == {""}
    assert not any("Left out" in sentence for sentence in over_all(analysis))


@pytest.mark.parametrize(
    ("values", "above"),
    [
        ((0.7, 0.6), True),
        ((0.7, 0.45), False),
        ((0.6, 0.6, 0.6), True),
        ((0.5, 0.5, 0.5), False),
        ((0.9, 0.4, 0.5, 0.45), False),
        ((), False),
    ],
)
def test_without_an_interval_every_individual_of_the_control_must_be_above_chance(cohort, values, above):
    from lifespan.analysis.summaries import chance_controls

    rows = [("healthy", seed, "a", value) for seed, value in enumerate(values)] + [("ill", 0, "a", 0.9)]
    final = pd.DataFrame(rows, columns=["group", "seed", "task", "value"])
    (row,) = chance_controls(cohort, final, {"a": "healthy"}).to_dict("records")
    assert row["above"] is above and row["n"] == len(values)
    assert np.isnan(row["low"]) == (len(set(values)) < 2 or len(values) < 4)

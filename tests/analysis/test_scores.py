"""Which rows make one course of scores, and what is made of them."""

from dataclasses import replace

import pandas as pd
import pytest
from synthetic import write_record

from lifespan import read
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import gather
from lifespan.analysis.scores import held_out, on_another_split
from lifespan.analysis.timelines import first_learned_at, learning_moments
from lifespan.report import sentences


def looks(task, **counts):
    rows = [(task, split, value) for split, count in counts.items() for value in range(count)]
    return pd.DataFrame(rows, columns=["task", "split", "value"])


@pytest.mark.parametrize(
    ("counts", "chosen"),
    [
        ({"dev": 2, "test": 9}, "test"),
        ({"dev": 3, "test": 3}, "dev"),
        ({"test": 3, "dev": 3}, "dev"),
        ({"train": 9, "dev": 1}, "dev"),
        ({"train": 9, "test": 1}, "test"),
        ({"train": 2}, "train"),
        ({"dev": 5}, "dev"),
    ],
)
def test_a_course_of_scores_is_on_one_split_the_most_looked_at(counts, chosen):
    found = held_out(looks("mrpc", **counts))
    assert set(found["split"]) == {chosen} and len(found) == counts[chosen]


def test_each_task_has_its_own_split():
    rows = pd.concat([looks("mrpc", dev=2, test=5), looks("rte", dev=4, test=1)], ignore_index=True)
    assert dict(held_out(rows).groupby("task")["split"].first()) == {"mrpc": "test", "rte": "dev"}
    assert held_out(rows.iloc[:0]).empty


@pytest.fixture
def cohort(tmp_path):
    return gather([read(write_record(tmp_path / "run"))])


def with_rows(cohort, change):
    """The cohort after `change(rows, which)`: which are those of mrpc at the end of the control's first life."""
    rows = cohort.measurements.copy()
    last = (rows["group"] == "healthy") & (rows["individual"] == 0) & (rows["task"] == "mrpc") & (rows["metric"] == "f1")
    change(rows, last & (rows["step"] == rows.loc[last, "step"].max()))
    return replace(cohort, measurements=rows)


def ends(cohort):
    final = Analysis(cohort).final_scores
    return final[(final["group"] == "healthy") & (final["individual"] == 0) & (final["task"] == "mrpc")]


def test_a_score_that_does_not_exist_counts_as_chance_not_as_the_one_before(cohort):
    task = {**cohort.tasks["mrpc"], "chance": {"f1": 0.3}}
    cohort = replace(cohort, tasks={**cohort.tasks, "mrpc": task})
    found = ends(with_rows(cohort, lambda rows, last: rows.__setitem__("value", rows["value"].mask(last))))
    assert found["value"].tolist() == [0.3] and found["step"].tolist() == [7]


def test_of_two_evaluations_at_once_the_one_on_more_rows_counts(cohort):
    for few_first in (True, False):
        rows = cohort.measurements
        few = rows[rows["probe"] == "Score"].assign(n=10, value=0.1)
        both = [few, rows] if few_first else [rows, few]
        found = ends(replace(cohort, measurements=pd.concat(both, ignore_index=True)))
        assert found["n"].tolist() == [277] and found["value"].iloc[0] > 0.5


def test_scores_on_another_split_than_the_rest_are_said_to_be_left_out(cohort):
    assert not on_another_split(cohort, Analysis(cohort).primary_scores)
    rows = cohort.measurements.copy()
    apart = (rows["group"] == "unstable") & (rows["task"] == "rte") & (rows["split"] == "dev")
    rows.loc[apart, "split"] = "test"
    mixed = replace(cohort, measurements=rows)
    assert on_another_split(mixed, Analysis(mixed).primary_scores) == [("unstable", "rte")]
    assert any("unstable was scored on rte, but on another split" in text for text in sentences.cautions(Analysis(mixed)))


def test_records_that_differ_about_a_task_are_said_to(cohort):
    assert not cohort.disputed()
    other = {**cohort.studies[0], "tasks": {"mrpc": {**cohort.tasks["mrpc"], "chance": {"f1": 0.9}}}}
    mixed = replace(cohort, studies=(*cohort.studies, other))
    assert mixed.disputed() == ["mrpc"]
    assert any("chance level of mrpc" in text for text in sentences.cautions(Analysis(mixed)))


def longer(cohort, group):
    """The cohort as if this group's life were the control's with one event more at the end."""
    life = cohort.groups["healthy"]["timeline"]
    more = {**life[-1], "step": len(life), "kind": "Age", "stage": "age to 0.8"}
    groups = {**cohort.groups, group: {**cohort.groups[group], "timeline": [*life, more]}}
    own = cohort.steps[cohort.steps["group"] == "healthy"].assign(group=group)
    others = cohort.steps[cohort.steps["group"] != group]
    return replace(cohort, groups=groups, steps=pd.concat([others, own], ignore_index=True))


def test_a_life_that_goes_on_where_its_twin_ends_parts_from_it_there(cohort):
    assert Analysis(cohort).parting_steps["unstable"] == 3
    assert Analysis(longer(cohort, "unstable")).parting_steps["unstable"] == len(cohort.timeline("healthy"))


def test_lives_that_were_not_lived_so_far_have_not_parted(cohort):
    young = longer(cohort, "unstable")
    assert "unstable" not in Analysis(replace(young, steps=young.steps[young.steps["step"] < 3])).parting_steps


def test_tasks_learned_jointly_have_their_lifetimes(cohort):
    timeline = [dict(step) for step in cohort.timeline("healthy") if step["task"] != "rte"]
    timeline = [{**step, "also": ["rte"]} if step["task"] == "mrpc" else step for step in timeline]
    groups = {name: {**group, "timeline": timeline} for name, group in cohort.groups.items()}
    joint = replace(cohort, groups=groups)
    assert first_learned_at(joint, "healthy") == {"mrpc": 3, "rte": 3}
    assert learning_moments(joint, "healthy") == [(3, "mrpc"), (3, "rte")]
    assert set(Analysis(joint).lifetimes["task"]) == {"mrpc", "rte"}


def test_declines_pair_twins_by_seed_not_by_number(cohort):
    """Two records of other seeds have the same numbers, and no twins."""
    rows = cohort.measurements.copy()
    strange = rows["group"] == "unstable"
    rows.loc[strange, "seed"] += 100
    found = Analysis(replace(cohort, measurements=rows)).declines
    assert "unstable" not in set(found[found["n"] > 0]["group"])
    assert "unstable" in set(Analysis(cohort).declines["group"])

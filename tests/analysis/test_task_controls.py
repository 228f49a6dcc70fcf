"""A control for each task where groups each learned one: planted differences come out against the right group."""

import json

import pytest

from lifespan.analysis.analysis import Analysis
from lifespan.record import record
from lifespan.report import sentences
from lifespan.report.figures.estimation import draw

TASKS = ("cola", "rte", "qqp")
ARMS = {"weights": 0.0, "masks": -0.05}
EASE = {"cola": 0.9, "rte": 0.6, "qqp": 0.8}
ALONE = "slow qqp"
"""The only groups on qqp have another learner than the control: nothing is compared on it."""


def life(by, task):
    return {
        "class": "lifespan:Scenario",
        "revision": 1,
        "name": f"{by}-{task}",
        "subject": {"class": "lifespan:MiniLM", "revision": 1},
        "events": [{"class": "lifespan:Learn", "revision": 1, "task": spec(task), "by": {"class": f"lifespan:{by}"}}],
    }


def spec(task):
    return {"class": "lifespan:Glue", "revision": 1, "name": task}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    directory = tmp_path_factory.mktemp("controls") / "run"
    directory.mkdir()
    groups = {f"{by} {task}": (by, task, EASE[task] + worth) for task in TASKS[:2] for by, worth in ARMS.items()}
    groups |= {ALONE: ("slow", "qqp", 0.8), "slower qqp": ("slower", "qqp", 0.7)}
    study = {"format": 1, "name": "controls", "control": "weights cola", "individuals": 4, "seed": 0}
    study["tasks"] = {task: {"metrics": ["accuracy"], "chance": {"accuracy": 0.5}, "spec": spec(task)} for task in TASKS}
    study["groups"] = {
        name: {
            "scenario": life(by, task),
            "timeline": [
                {"step": 0, "kind": "Birth", "stage": "birth", "task": ""},
                {"step": 1, "kind": "Learn", "stage": f"learn {task}", "task": task},
            ],
        }
        for name, (by, task, _) in groups.items()
    }
    rows, people = [], []
    for name, (_, task, score) in groups.items():
        for individual in range(4):
            who = {"study": "controls", "group": name, "individual": individual, "seed": individual, "step": 1, "age": 9}
            shown = {"stage": f"learn {task}", "probe": "Score", "task": task, "split": "dev", "metric": "accuracy", "n": 100}
            rows.append({**who, **shown, "value": score + 0.01 * individual})
            named = {"individual": f"{name}-{individual:03d}", "group": name, "seed": individual}
            people.append({**named, "status": "done", "steps": 1, "reason": ""})
    (directory / "study.json").write_text(json.dumps(study))
    (directory / "measurements.jsonl").write_bytes(record.as_lines(rows))
    (directory / "steps.jsonl").write_bytes(b"")
    (directory / "participants.tsv").write_bytes(record.as_table(people, record.PARTICIPANT_COLUMNS))
    return Analysis(directory)


def test_each_task_has_the_control_of_the_same_life(analysis):
    assert analysis.task_controls == {"cola": "weights cola", "rte": "weights rte"}
    assert analysis.arms["weights"] == ("weights cola", "weights rte") and analysis.arms["masks"] == (
        "masks cola",
        "masks rte",
    )


def test_differences_are_the_planted_ones_on_every_task(analysis):
    table = analysis.comparisons.set_index("task")
    assert table["difference"].to_dict() == pytest.approx(dict.fromkeys(("cola", "rte"), -0.05))
    assert table["control"].to_dict() == {"cola": "weights cola", "rte": "weights rte"}
    outcomes = analysis.outcome_comparisons
    assert outcomes["difference"].tolist() == pytest.approx([-0.05, -0.05])


def test_only_what_a_group_learned_has_a_row(analysis):
    found = set(zip(analysis.final_means["task"], analysis.final_means["group"], strict=True))
    assert found == {(group.split(" ")[1], group) for group in analysis.cohort.groups}
    told = " ".join(dict(sentences.results(analysis))["Final scores"])
    assert "not measured" not in told and "lie between" not in told


def test_the_report_says_which_control_and_where_there_is_none(analysis):
    told = " ".join(sentences.questions(analysis))
    assert "the control is the group that lives its life with it: weights rte on rte." in told
    assert "Nothing is compared on qqp: neither weights cola nor a group of its life learned it." in told


def test_over_all_tasks_arms_are_compared_where_groups_cannot(analysis):
    table = analysis.over_all_tasks.set_index("group")
    # qqp has no control, so no scale; cola and rte of the arm: 0.8 and 0.2 of the way, then 0.1 less of each.
    assert table.loc["weights", "tasks"] == 2 and table.loc["masks", "improvement"] < 0.5
    assert table["iqm"]["weights"] - table["iqm"]["masks"] == pytest.approx(0.1)
    assert table["note"][ALONE] == "no number: no score on cola, rte"


def test_the_estimation_figure_pairs_each_group_with_its_tasks_control(analysis):
    _, table = draw(analysis)
    assert set(zip(table["task"], table["group"], strict=True)) == {("cola", "masks cola"), ("rte", "masks rte")}
    assert (table["treated"] - table["control"]).tolist() == pytest.approx([-0.05] * 8)

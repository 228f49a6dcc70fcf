"""Means over tasks are of chance-normalised scores, and a share of next to nothing is not given: planted truths."""

import json

import numpy as np
import pandas as pd
import pytest

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.continual import memories
from lifespan.analysis.scores import LEAST_LEARNED, chance_normalised
from lifespan.record import record
from lifespan.report import findings, sentences

STAGES = (("Birth", ""), ("Learn", "cola"), ("Learn", "sst2"), ("Age", ""))
SCORES = {1: {"cola": 0.6}, 2: {"cola": 0.4, "sst2": 0.8}, 3: {"cola": 0.3, "sst2": 0.7}}
METRIC = {"cola": "matthews", "sst2": "accuracy"}
CHANCE = {"cola": 0.0, "sst2": 0.5}
OFFSETS = (-0.02, 0.0, 0.02)


def written(directory, *, scores=SCORES, metric=METRIC, groups=("control", "other")):
    """A record of two groups of three individuals that learn two tasks and age; each is `OFFSETS` apart on the one scale."""
    directory.mkdir()
    timeline = [{"step": n, "kind": kind, "stage": f"{kind} {task}", "task": task} for n, (kind, task) in enumerate(STAGES)]
    tasks = {title: {"metrics": [metric[title]], "chance": {metric[title]: CHANCE[title]}} for title in metric}
    study = {"format": 1, "name": "one-scale", "control": groups[0], "individuals": 3, "seed": 0, "tasks": tasks}
    study["groups"] = {group: {"scenario": {}, "timeline": timeline} for group in groups}
    rows, steps, people = [], [], []
    for group in groups:
        for individual, offset in enumerate(OFFSETS):
            who = {"study": "one-scale", "group": group, "individual": individual, "seed": individual}
            for step, (kind, task) in enumerate(STAGES):
                place = {**who, "step": step, "age": 10 * step, "stage": f"{kind} {task}"}
                steps.append(
                    {**place, "kind": kind, "status": "done", "digest": f"{group}{individual}{step}", "optimizer_steps": 10}
                )
                for title, value in scores.get(step, {}).items():
                    shown = {"probe": "Score", "task": title, "split": "dev", "metric": metric[title], "n": 100}
                    rows.append({**place, **shown, "value": value + offset * (1 - CHANCE[title])})
            named = {"individual": f"{group}-{individual:03d}", "group": group, "seed": individual}
            people.append({**named, "status": "done", "steps": 3, "reason": ""})
    (directory / "study.json").write_text(json.dumps(study))
    for name, lines in (("measurements", rows), ("steps", steps)):
        (directory / f"{name}.jsonl").write_bytes(record.as_lines(lines))
    (directory / "participants.tsv").write_bytes(record.as_table(people, record.PARTICIPANT_COLUMNS))
    return directory


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return written(tmp_path_factory.mktemp("one") / "run")


@pytest.fixture(scope="module")
def analysis(run):
    return Analysis(run)


def test_chance_is_zero_and_the_best_is_one_whatever_the_metric(analysis):
    tasks = pd.Series(["cola", "cola", "sst2", "sst2", "sst2"])
    values = pd.Series([0.0, 1.0, 0.5, 1.0, 0.4])
    assert chance_normalised(analysis.cohort, tasks, values).tolist() == pytest.approx([0, 1, 0, 1, -0.2])


def test_continual_metrics_never_average_a_correlation_with_an_accuracy(run):
    found = memories(record.read(run)).query("group == 'control' and individual == 1 and task == ''")
    found = found.set_index("metric")["value"]
    # Once sst2 was learned: 0.4 of 1 and (0.8 - 0.5) / 0.5, not the mean 0.6 of the raw scores.
    assert found["acc_normalised"] == pytest.approx((0.4 + 0.6) / 2)
    assert found["bwt_normalised"] == pytest.approx(-0.2)
    assert not {"acc", "bwt", "forgetting_max", "forgetting_last"} & set(found.index)


def test_where_all_tasks_share_a_metric_the_published_numbers_stand_beside(tmp_path):
    run = written(tmp_path / "run", metric=dict.fromkeys(METRIC, "accuracy"))
    found = memories(record.read(run)).query("group == 'control' and individual == 1 and task == ''")
    found = found.set_index("metric")["value"]
    assert found["acc"] == pytest.approx((0.4 + 0.8) / 2) and found["acc_normalised"] == pytest.approx((0.4 + 0.6) / 2)


def test_forgetting_is_a_mean_of_equal_units_and_says_over_what(analysis):
    rows = analysis.forgetting.query("moment == 'end of life' and group == 'control' and individual == 1")
    # cola fell by 0.3 of 1, sst2 by 0.1 of 0.5.
    assert rows.set_index("metric")["value"].to_dict() == pytest.approx(
        {"forgetting_max_normalised": (0.3 + 0.2) / 2, "forgetting_last_normalised": (0.3 + 0.2) / 2}
    )
    texts = dict(sentences.results(analysis))["Forgetting"]
    assert "mean over the tasks that a life learned (of cola and sst2)" in texts[-1]
    assert "0 is the best constant answer, 1 the best" in texts[-1]
    assert "forgetting_max_normalised" in set(analysis.outcomes["outcome"])


def test_the_interquartile_mean_is_of_chance_normalised_scores(analysis):
    table = analysis.over_all_tasks.set_index("group")
    # At the end of life 0.3 and 0.4 of the way to the best; the middle half of the six scores.
    pooled = sorted([0.3 + offset for offset in OFFSETS] + [0.4 + offset for offset in OFFSETS])
    assert table["iqm"]["control"] == pytest.approx(np.mean(pooled[1:-1]))
    assert set(table["over"]) == {"cola, sst2"}
    texts = dict(findings.further_results(analysis))["Over all tasks"]
    assert texts[0].startswith("Over cola and sst2, with scores normalised task by task: 0 is the best constant answer")


def test_no_share_is_taken_of_what_was_hardly_learned(tmp_path):
    barely = 0.5 + 0.5 * (LEAST_LEARNED - 0.01)
    run = written(tmp_path / "run", scores={**SCORES, 2: {"cola": 0.4, "sst2": barely}})
    analysis = Analysis(run)
    # One of three individuals lies above the least, the others below it.
    assert analysis.shares_kept.groupby("task")["individual"].nunique().to_dict() == {"cola": 3, "sst2": 1}
    assert analysis.too_little_learned.to_dict("records") == [
        {"task": "sst2", "group": group, "n": 2, "of": 3} for group in ("control", "other")
    ]
    halves = analysis.memories.query("metric == 'half_life'")
    assert halves.groupby("task")["individual"].nunique().get("sst2", 0) <= 1
    (text,) = [text for text in dict(findings.further_results(analysis))["How functions last"] if "next to nothing" in text]
    assert "less than 0.1 of the way from chance to the best score" in text
    assert "sst2 in 2 of 3 of control and sst2 in 2 of 3 of other" in text

"""Numbers of memory against slow references, and planted truths recovered from records."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import TASKS, TINY, weights
from synthetic import write_record

from lifespan import (
    SET,
    Age,
    Distilled,
    Learn,
    Magnitude,
    Masks,
    MicroTask,
    Probe,
    Readout,
    RigL,
    Scenario,
    Score,
    Study,
    joint_twins,
    read,
    simulate,
)
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import gather, restricted
from lifespan.analysis.continual import memories
from lifespan.analysis.joint_twins import without_joint_twin
from lifespan.errors import ScenarioError
from lifespan.execution.estimate import estimate
from lifespan.record.store import Store
from lifespan.report import findings
from lifespan.report.methods import markdown
from lifespan.stats import continual as memory
from lifespan.stats import metrics
from lifespan.study.plan import compile_study
from lifespan.training.loop import Interrupted

SENTIMENT, ENTAILMENT = TASKS
EVALUATION = Probe(Score())


def slow_windowed(curve, window, sign):
    largest = 0.0
    for start in range(len(curve)):
        part = curve[start : start + window]
        for i in range(len(part)):
            for j in range(i + 1, len(part)):
                largest = max(largest, sign * (part[i] - part[j]))
    return largest


@pytest.mark.parametrize("window", [2, 3, 10, 100])
def test_windowed_changes_equal_the_search_over_all_windows(window):
    curve = np.random.default_rng(3).random(30)
    assert memory.windowed_forgetting(curve, window) == pytest.approx(slow_windowed(curve, window, 1))
    assert memory.windowed_plasticity(curve, window) == pytest.approx(slow_windowed(curve, window, -1))


def test_a_curve_that_only_rises_forgets_nothing():
    assert memory.windowed_forgetting([0.1, 0.2, 0.3], 3) == 0
    assert memory.windowed_plasticity([0.3, 0.2, 0.1], 3) == 0
    with pytest.raises(ValueError, match="at least 2 evaluations"):
        memory.windowed_forgetting([0.1, 0.2], 1)


def test_worst_case_accuracy_weighs_the_tasks_equally():
    curves = [[0.9, 0.2, 0.8], [0.7, 0.6, 0.9]]
    assert memory.worst_case_accuracy(0.95, curves) == pytest.approx((0.95 + 0.2 + 0.6) / 3)
    assert memory.worst_case_accuracy(0.95, []) == 0.95


@pytest.mark.parametrize("half", [3.0, 50.0, 700.0, 20_000.0])
def test_a_planted_half_life_is_recovered_also_from_noise(half):
    times = np.array([20, 50, 100, 200, 400])
    kept = np.exp2(-times / half)
    assert memory.half_life(times, kept) == pytest.approx(half, rel=1e-4)
    noisy = [memory.half_life(times, kept + np.random.default_rng(i).normal(0, 0.01, 5)) for i in range(40)]
    if half <= 700:
        assert np.median(noisy) == pytest.approx(half, rel=0.1)


@pytest.mark.parametrize(("half", "spread"), [(80.0, 0.02), (300.0, 0.05)])
def test_the_interval_of_a_half_life_covers_it_as_often_as_it_says(half, spread):
    times = np.array([20, 50, 100, 200, 400, 800])
    inside = 0
    for seed in range(200):
        kept = np.exp2(-times / half) + np.random.default_rng(seed).normal(0, spread, len(times))
        low, high = memory.half_life_interval(times, kept)
        assert low <= memory.half_life(times, kept) <= high
        inside += low <= half <= high
    assert 0.90 <= inside / 200 <= 0.99


def test_an_interval_without_decay_has_no_upper_end():
    low, high = memory.half_life_interval([10, 20, 40], [1.0, 0.99, 1.01])
    assert 40 < low < high == float("inf")
    assert np.isnan(memory.half_life_interval([10], [0.5])).all()
    assert memory.half_life_interval([10, 20, 40], np.exp2([-1.0, -2.0, -4.0])) == pytest.approx((10, 10), rel=0.01)


def test_what_is_not_lost_has_no_end():
    assert memory.half_life([10, 20], [1.0, 1.02]) == float("inf")
    assert np.isnan(memory.half_life([10, 20], [0.5, float("nan")]))


def test_a_criterion_is_reached_between_looks_or_never():
    assert memory.steps_to_criterion([10, 20], [0.8, 0.9], 0.7) == 10
    assert np.isnan(memory.steps_to_criterion([10, 20], [0.5, 0.6], 0.7))
    assert np.isnan(memory.savings(float("nan"), 10))


def test_a_record_with_planted_forgetting_and_half_life_gives_them_back(tmp_path):
    directory = write_record(tmp_path, individuals=3)
    told = json.loads((directory / "study.json").read_text())
    told["tasks"]["mrpc"]["chance"] = {"f1": 0.5}
    told["tasks"]["rte"]["chance"] = {"accuracy": 0.5}
    (directory / "study.json").write_text(json.dumps(told))
    rows = [json.loads(line) for line in (directory / "measurements.jsonl").read_text().splitlines()]
    learned = {"rte": 2, "mrpc": 3}
    for row in rows:
        if row["probe"] == "Score" and row["task"]:
            since = row["age"] - {"rte": 260, "mrpc": 350}[row["task"]]
            row["value"] = 0.5 + 0.4 * 2 ** (-since / 120) if row["step"] >= learned[row["task"]] else 0.5
    (directory / "measurements.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = memories(read(directory))
    healthy = table[table["group"] == "healthy"]
    lives = healthy[healthy["metric"] == "half_life"]
    assert len(lives) == 2 * 3 and lives["value"].to_numpy() == pytest.approx(120, rel=1e-3)
    assert (healthy[healthy["metric"] == "half_life_beyond"]["value"].isin([0, 1])).all()
    for end in ("low", "high"):
        bounds = healthy[healthy["metric"] == f"half_life_{end}"]["value"].to_numpy()
        assert bounds == pytest.approx(120, rel=0.01)
    lost = 0.4 - 0.4 * 2 ** (-90 / 120)
    for metric in ("forgetting_last", "forgetting_max"):
        assert healthy[healthy["metric"] == metric]["value"].to_numpy() == pytest.approx(lost)
    acc = healthy[healthy["metric"] == "acc"]["value"].to_numpy()
    assert acc == pytest.approx(np.mean([0.9, 0.5 + 0.4 * 2 ** (-90 / 120)]))


def school(*learns):
    return Scenario(name="school", subject=TINY, events=learns)


def test_the_stability_gap_of_a_real_life_is_that_of_its_rows(tmp_path):
    look = Probe(Score())
    learned = (Learn(SENTIMENT, by=weights(12)), Learn(ENTAILMENT, by=weights(12)))
    events = [(learn, Probe(Score(), every=3), look) for learn in learned]
    simulate(Study(name="gap", groups={"one": school(*events)}, individuals=2), tmp_path)
    rows = read(tmp_path).measurements()
    table = memories(read(tmp_path)).set_index(["individual", "metric", "task"])["value"].sort_index()
    for individual in range(2):
        own = rows[(rows["individual"] == individual) & (rows["metric"] == "accuracy")]
        of = own[own["task"] == SENTIMENT.title]
        during = of[of["probe"] == "Score/during"]
        since = [*of[(of["probe"] == "Score") & (of["step"] == 1)]["value"], *during[during["step"] == 2]["value"]]
        last = own[(own["task"] == ENTAILMENT.title) & (own["probe"] == "Score")]["value"].iloc[-1]
        assert len(since) == 5
        assert table[individual, "min_acc", ""] == min(since)
        assert table[individual, "wc_acc", ""] == pytest.approx((last + min(since)) / 2)
        # The last look inside a learning is the score right after it.
        curves = {SENTIMENT.title: during["value"].tolist()}
        curves[ENTAILMENT.title] = own[(own["task"] == ENTAILMENT.title) & (own["probe"] == "Score/during")]["value"].tolist()
        assert [len(curve) for curve in curves.values()] == [8, 4]
        for name, sign in (("wf", 1), ("wp", -1)):
            for window in (2, 10):
                slow = {task: slow_windowed(curve, window, sign) for task, curve in curves.items()}
                slow[""] = np.mean(list(slow.values()))
                told = {task: table[individual, f"{name}_{window}", task] for task in slow}
                assert told == pytest.approx(slow)
        assert table[individual, "steps_between_looks", ""] == 3
        areas = [np.mean(curves[SENTIMENT.title][:4]), np.mean(curves[ENTAILMENT.title])]
        assert table[individual, "learning_curve_area", ""] == pytest.approx(np.mean(areas))


def test_without_looks_inside_later_learnings_there_is_no_stability_gap(tmp_path):
    events = (
        Learn(SENTIMENT, by=weights(4)),
        Probe(Score(), every=2),
        EVALUATION,
        Learn(ENTAILMENT, by=weights(4)),
        EVALUATION,
    )
    simulate(Study(name="gapless", groups={"one": school(*events)}), tmp_path)
    found = set(memories(read(tmp_path))["metric"])
    assert {"acc", "bwt", "learning_curve_area"} <= found
    assert not {"min_acc", "wc_acc", "wf_2", "steps_between_looks"} & found


def test_relearning_is_compared_with_the_first_learning(tmp_path):
    """The record of a life that was never scored after an event, but inside, with curves that are planted afterwards."""
    look = Probe(Score(), every=2)
    events = [(Learn(task, by=weights(20)), look) for task in (SENTIMENT, ENTAILMENT, SENTIMENT)]
    simulate(Study(name="again", groups={"one": school(*events)}), tmp_path)
    record = read(tmp_path)
    chance = record.study["tasks"][SENTIMENT.title]["chance"]["accuracy"]
    rows = [json.loads(line) for line in (tmp_path / "measurements.jsonl").read_text().splitlines()]
    for row in rows:
        if row["probe"] == "Score/during" and row["task"] == SENTIMENT.title:
            since = row["age"] - {1: 0, 2: 20, 3: 40}[row["step"]]
            # 0.95 of the rise of 0.4 is reached after 19 of 20 steps at first, after 5 the second time.
            row["value"] = chance + 0.4 * (since / 20 if row["step"] == 1 else 0.95 * since / 5)
    (tmp_path / "measurements.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = memories(record).set_index(["metric", "task"])["value"]
    assert found["steps_to_criterion", SENTIMENT.title] == pytest.approx(19)
    assert found["relearning_savings", SENTIMENT.title] == pytest.approx((19 - 5) / 19)
    assert found["learning_curve_area", SENTIMENT.title] == pytest.approx(chance + 0.4 * np.mean(np.arange(2, 22, 2) / 20))
    assert ("acc", "") not in found.index


def test_forward_transfer_is_that_of_the_readouts(tmp_path):
    look = Probe(Readout(TASKS))
    born = Scenario(
        name="transfer",
        subject=TINY,
        events=(
            look,
            Learn(SENTIMENT, by=weights(12)),
            look,
            Probe(Score()),
            Learn(ENTAILMENT, by=weights(4)),
            Probe(Score()),
        ),
    )
    simulate(Study(name="transfer", groups={"one": born}, individuals=2), tmp_path)
    rows = read(tmp_path).measurements()
    of = rows[(rows["probe"] == "Readout") & (rows["task"] == ENTAILMENT.title) & (rows["metric"] == "readout_accuracy")]
    gained = of[of["step"] == 1].set_index("individual")["value"] - of[of["step"] == 0].set_index("individual")["value"]
    found = memories(read(tmp_path))
    assert found[found["metric"] == "fwt"].set_index("individual")["value"].to_dict() == pytest.approx(gained.to_dict())


def test_tasks_are_learned_together_for_as_many_steps_as_alone(tmp_path):
    by = weights(6)
    joint = school(Learn(ENTAILMENT, also=(SENTIMENT,), by=by), Probe(Score()))
    plan = compile_study(Study(name="joint", groups={"one": joint}), precision="fp32")
    assert plan.lives[0].steps[-1].key == "learn/micro-entailment+micro-sentiment#0"
    simulate(Study(name="joint", groups={"one": joint}), tmp_path)
    assert set(read(tmp_path).measurements().query("probe == 'Score'")["task"]) == {task.title for task in TASKS}
    assert read(tmp_path).steps()["optimizer_steps"].tolist() == [0, 12]


def test_tasks_learned_together_by_structure_share_one_mask(tmp_path):
    joint = school(Learn(ENTAILMENT, also=(SENTIMENT,), by=Masks(steps=6, rate=5e-3)), Probe(Score()))
    simulate(Study(name="joint", groups={"one": joint}), tmp_path)
    node = Store(tmp_path / "store").node(read(tmp_path).steps()["digest"].iloc[-1])
    assert node["blobs"]["skill/micro-entailment"] == node["blobs"]["skill/micro-sentiment"]


def test_a_single_task_keeps_its_digest():
    alone = Learn(SENTIMENT, by=weights(6))
    assert "also" not in alone.to_data() and alone.key == "learn/micro-sentiment" and alone.label == "learn micro-sentiment"


@pytest.mark.parametrize("also", [(SENTIMENT,), "sentiment", (MicroTask,)])
def test_what_cannot_be_learned_together_is_refused(also):
    with pytest.raises(ScenarioError, match="Learn\\(also="):
        Learn(SENTIMENT, by=weights(6), also=also)


def test_intransigence_compares_with_the_joint_twin(tmp_path):
    look = Probe(Score())
    life = school(*((Learn(task, by=weights(6)), look) for task in TASKS))
    groups = {"life": life, **joint_twins(life, look=look)}
    assert list(groups) == ["life", "joint 2"]
    simulate(Study(name="intransigence", groups=groups, individuals=2), tmp_path)
    found = memories(read(tmp_path))
    rows = read(tmp_path).measurements().query("probe == 'Score' and metric == 'accuracy'")
    for individual in range(2):
        own = rows[rows["individual"] == individual]
        alone = own[(own["group"] == "life") & (own["task"] == ENTAILMENT.title)]["value"].iloc[0]
        joint = own[(own["group"] == "joint 2") & (own["task"] == ENTAILMENT.title)]["value"].iloc[0]
        value = found[(found["individual"] == individual) & (found["metric"] == "intransigence")]["value"].iloc[0]
        assert value == pytest.approx((joint - alone) / 2)


def test_an_aged_life_is_judged_by_the_aged_joint_twin(tmp_path):
    look = Probe(Score())
    young = school(*((Learn(task, by=weights(1)), look) for task in TASKS))
    aged = young.with_events(after=0, add=Age(to=0.5, by=Magnitude()))
    groups = {"young": young, "aged": aged, **joint_twins(young, look=look)}
    groups |= {f"aged {name}": twin for name, twin in joint_twins(aged, look=look).items()}
    simulate(Study(name="twins", groups=groups), tmp_path)
    whole = gather([read(tmp_path)])
    planted = whole.measurements["group"].map({"young": 0.3, "aged": 0.2, "joint 2": 0.9, "aged joint 2": 0.6})
    whole = replace(whole, measurements=whole.measurements.assign(value=planted))
    found = Analysis(whole).memories.query("metric == 'intransigence'").set_index("group")["value"]
    assert found["aged"] == pytest.approx((0.6 - 0.2) / 2)
    assert found["young"] == pytest.approx((0.9 - 0.3) / 2)
    assert without_joint_twin(whole) == []
    part = restricted(whole, ["young", "aged", "joint 2"])
    assert set(Analysis(part).memories.query("metric == 'intransigence'")["group"]) == {"young"}
    assert without_joint_twin(part) == ["aged"]
    assert "Intransigence is not known of aged" in " ".join(findings.sample_size_notes(Analysis(part)))


def test_joint_twins_need_two_tasks():
    with pytest.raises(ScenarioError, match=r"learns 1 task\(s\)"):
        joint_twins(school(Learn(SENTIMENT, by=weights(6))), look=Probe(Score()))


@pytest.mark.parametrize(
    ("metric", "labels", "constant"),
    [("accuracy", [0, 0, 1], 0), ("f1", [1, 1, 0], 1), ("matthews", [1, 0, 1], 1), ("spearman", [0.1, 0.2, 0.4], 0.3)],
)
def test_chance_is_what_the_best_constant_answer_scores(metric, labels, constant):
    answer = np.full(len(labels), constant)
    value = metrics.score(metric, answer, labels)
    assert metrics.chance(metric, labels) == pytest.approx(0.0 if np.isnan(value) else value)


def test_a_record_without_looks_has_no_memories(tmp_path):
    simulate(Study(name="none", groups={"one": school(Learn(SENTIMENT, by=weights(2)))}), tmp_path)
    assert memories(read(tmp_path)).empty
    assert list(memories(read(tmp_path)).columns) == ["group", "individual", "seed", "metric", "task", "value"]
    assert isinstance(memories(read(tmp_path)), pd.DataFrame)


def test_a_joint_learning_that_was_killed_goes_on_with_the_same_bits(tmp_path):
    joint = school(Learn(ENTAILMENT, also=(SENTIMENT,), by=weights(6)), Probe(Score(), every=4), EVALUATION)
    study = Study(name="joint", groups={"one": joint})
    simulate(study, tmp_path / "whole")
    stops = iter([False] * 6 + [True])
    with pytest.raises(Interrupted):
        simulate(study, tmp_path / "killed", every=2, should_stop=lambda: next(stops, True))
    simulate(study, tmp_path / "killed", every=2)
    ends = []
    for name in ("whole", "killed"):
        assert read(tmp_path / name).participants()["status"].tolist() == ["done"]
        ends.append(Store(tmp_path / name / "store").node(read(tmp_path / name).steps()["digest"].iloc[-1])["blobs"])
    assert ends[0] == ends[1]
    rows = [(tmp_path / name / "measurements.jsonl").read_bytes() for name in ("whole", "killed")]
    assert rows[0] == rows[1]


def test_a_joint_learning_is_planned_and_told_with_all_its_tasks(tmp_path):
    alone = [school(Learn(task, by=weights(6)), EVALUATION) for task in TASKS]
    joint = school(Learn(ENTAILMENT, also=(SENTIMENT,), by=weights(6)), EVALUATION)
    costs = []
    for life in (*alone, joint):
        plan = compile_study(Study(name="joint", groups={"one": life}), precision="fp32")
        costs.append(estimate(plan).nodes[plan.lives[0].steps[-1].digest])
    assert costs[2].optimizer_steps == 12 == costs[0].optimizer_steps + costs[1].optimizer_steps
    assert costs[2].examples == costs[0].examples + costs[1].examples
    simulate(Study(name="joint", groups={"one": joint}), tmp_path)
    analysis = Analysis(tmp_path)
    text = markdown(analysis, [])
    assert "learn micro-entailment with micro-sentiment" in " ".join(analysis.cohort.steps["stage"])
    assert "Learn(task=MicroTask(" in text and "also=(MicroTask(" in text and "12 optimizer steps" in text


def test_joint_learning_differs_from_learning_in_turn_and_from_another_order():
    lives = [(ENTAILMENT, (SENTIMENT,)), (SENTIMENT, (ENTAILMENT,)), (ENTAILMENT, ())]
    digests = set()
    for task, also in lives:
        life = school(Learn(task, also=also, by=weights(6)))
        digests.add(compile_study(Study(name="joint", groups={"one": life}), precision="fp32").lives[0].steps[-1].digest)
    assert len(digests) == 3


@pytest.mark.parametrize("by", [RigL(), SET(), Distilled(by=RigL(), teacher=1)])
def test_learners_of_one_mask_say_so_where_they_are_typed(by):
    with pytest.raises(ScenarioError, match=f"is more than {type(by).__name__} can learn at once"):
        Learn(ENTAILMENT, also=(SENTIMENT,), by=by)


def test_a_half_life_in_tasks_learned_since_is_recovered(tmp_path):
    names = ("sentiment", "entailment", "paraphrase", "inference")
    tasks = [MicroTask(name, train_examples=16, eval_examples=8) for name in names]
    simulate(Study(name="tasks", groups={"one": school(*((Learn(t, by=weights(2)), EVALUATION) for t in tasks))}), tmp_path)
    chance = {title: task["chance"] for title, task in read(tmp_path).study["tasks"].items()}
    rows = [json.loads(line) for line in (tmp_path / "measurements.jsonl").read_text().splitlines()]
    place = {task.title: step for step, task in enumerate(tasks, start=1)}
    for row in rows:
        if row["probe"] == "Score":
            floor = chance[row["task"]].get(row["metric"], 0.0)
            row["value"] = floor + 0.4 * 2 ** (-(row["step"] - place[row["task"]]) / 5)
    (tmp_path / "measurements.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = memories(read(tmp_path)).set_index(["metric", "task"])["value"]
    for task in tasks[:-2]:
        assert found["half_life_tasks", task.title] == pytest.approx(5, rel=1e-3)
        assert found["half_life_tasks_beyond", task.title] == 1
    assert ("half_life_tasks", tasks[-1].title) not in found.index
    assert found["forgetting_last", ""] == pytest.approx(np.mean([0.4 - 0.4 * 2 ** (-k / 5) for k in range(1, len(tasks))]))


def test_forward_transfer_needs_a_look_between_two_learnings(tmp_path):
    """A readout before all learning is not one right before the third task."""
    look = Probe(Readout(TASKS, examples=24))
    life = Scenario(name="life", subject=TINY, events=(look, *(Learn(task, by=weights(4)) for task in TASKS)))
    simulate(Study(name="early", groups={"life": life}), tmp_path, threads=1)
    assert "fwt" not in set(memories(read(tmp_path))["metric"])

"""Numbers of memory against slow references, and planted truths recovered from records."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import TASKS, TINY, weights
from synthetic import write_record

from lifespan import (
    Learn,
    Masks,
    MicroTask,
    Probe,
    Readout,
    Scenario,
    Score,
    Study,
    joint_twins,
    memory,
    metrics,
    read,
    simulate,
)
from lifespan.errors import ScenarioError
from lifespan.plan import compile_study
from lifespan.recall import memories

SENTIMENT, ENTAILMENT = TASKS


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
    table = memories(read(tmp_path)).set_index(["individual", "metric"])["value"]
    for individual in range(2):
        own = rows[(rows["individual"] == individual) & (rows["metric"] == "accuracy")]
        of = own[own["task"] == SENTIMENT.title]
        curve = [*of[(of["probe"] == "Score") & (of["step"] == 1)]["value"]]
        curve += [*of[(of["probe"] == "Score/during") & (of["step"] == 2)]["value"]]
        last = own[(own["task"] == ENTAILMENT.title) & (own["probe"] == "Score")]["value"].iloc[-1]
        assert len(curve) == 5
        assert table[individual, "min_acc"] == min(curve)
        assert table[individual, "wc_acc"] == pytest.approx((last + min(curve)) / 2)
        assert table[individual, "wf_2"] == pytest.approx(slow_windowed(curve, 2, 1))
        assert table[individual, "wp_10"] == pytest.approx(slow_windowed(curve, 10, -1))


def test_relearning_is_compared_with_the_first_learning(tmp_path):
    events = [
        (Learn(task, by=weights(20)), Probe(Score(split="train"), every=2)) for task in (SENTIMENT, ENTAILMENT, SENTIMENT)
    ]
    simulate(Study(name="again", groups={"one": school(*events)}), tmp_path)
    found = memories(read(tmp_path))
    saved = found[found["metric"] == "relearning_savings"]
    assert list(saved["task"]) in ([SENTIMENT.title], [])
    rows = read(tmp_path).measurements()
    of = rows[(rows["probe"] == "Score/during") & (rows["task"] == SENTIMENT.title) & (rows["metric"] == "accuracy")]
    chance = read(tmp_path).study["tasks"][SENTIMENT.title]["chance"]["accuracy"]
    criterion = chance + 0.95 * (of[of["step"] == 1]["value"].max() - chance)
    spent = [memory.steps_to_criterion(range(2, 22, 2), of[of["step"] == step]["value"], criterion) for step in (1, 3)]
    if np.isfinite(spent).all():
        assert saved["value"].iloc[0] == pytest.approx(memory.savings(*spent))


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
    from lifespan.store import Store

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

"""Looks of every kind: inside an event, at the past, between lives, and with outputs for every example."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TASKS, TINY, weights
from small_lives import lived

from lifespan import (
    Age,
    Between,
    Bulk,
    Calibration,
    Contrast,
    Develop,
    Effort,
    Learn,
    Magnitude,
    Masks,
    Measure,
    MicroText,
    NoRefit,
    NullInput,
    Outputs,
    Perplexity,
    Probe,
    Reading,
    Recover,
    Scenario,
    Score,
    Since,
    Sparsity,
    Study,
    Suffer,
    TaskInference,
    WeightNoise,
    read,
    simulate,
)
from lifespan.errors import ScenarioError
from lifespan.execution.estimate import estimate
from lifespan.randomness import Streams
from lifespan.record.store import Store
from lifespan.study.plan import compile_study
from lifespan.training.loop import Interrupted


@dataclass(frozen=True, kw_only=True)
class Distance(Contrast):
    """Euclidean distance of the weights, and the difference in sparsity."""

    def compare(self, first, second, tasks, streams) -> Iterator[Reading]:
        squares = sum(float((w.data - second.synapses[n].data).double().square().sum()) for n, w in first.synapses.items())
        yield Reading("distance", squares**0.5, first.count)
        yield Reading("died", second.sparsity - first.sparsity, first.count)
        for title in tasks:
            yield Reading("met", 1.0, 1, title)


@dataclass(frozen=True, kw_only=True)
class Lengths(Measure):
    """A row for every example."""

    def effort(self, tasks):
        return [Effort(task, passes=0.0) for task in tasks]

    def read(self, subject, tasks, streams) -> Iterator[Reading | Bulk]:
        for title, task in tasks.items():
            rows = task.examples("dev")
            lengths = np.array([len(text) for text in rows.first])
            yield Bulk({"task": np.array([title] * len(rows)), "length": lengths})
            yield Reading("length", float(lengths.mean()), len(rows), title)


CHILDHOOD = Develop(MicroText(number=300), steps=8, batch_size=16)
LEARNERS = [weights(12), Masks(steps=12, rate=5e-3)]


def life(*events, name="life"):
    return Scenario(name=name, subject=TINY, events=(CHILDHOOD, *events))


def study(*events, individuals=1, **more):
    return Study(name="looking", groups={"one": life(*events)}, individuals=individuals, **more)


def rows(directory, probe, name="measurements.jsonl"):
    found = [json.loads(line) for line in (directory / name).read_text().splitlines()]
    return [row for row in found if row["probe"] == probe]


def content(directory, name):
    return (directory / name).read_bytes()


@pytest.mark.parametrize("learner", LEARNERS, ids=["weights", "masks"])
def test_looking_inside_an_event_changes_nothing_and_ends_where_the_event_ends(tmp_path, learner):
    school = (Learn(TASKS[0], by=weights(4)), Learn(TASKS[1], by=learner))
    simulate(study(*school, Probe(Score(), every=4), Probe(Score())), tmp_path / "seen")
    simulate(study(*school), tmp_path / "unseen")
    blobs = [Store(tmp_path / which / "store").node(_last(tmp_path / which))["blobs"] for which in ("seen", "unseen")]
    assert blobs[0] == blobs[1]
    during, after = rows(tmp_path / "seen", "Score/during"), rows(tmp_path / "seen", "Score")
    ages = sorted({row["age"] for row in during})
    assert ages == [16, 20, 24]
    assert [{**row, "probe": "Score"} for row in during if row["age"] == 24] == after
    assert {row["task"] for row in during} == {task.title for task in TASKS}


def _last(directory):
    lines = (directory / "steps.jsonl").read_text().splitlines()
    return json.loads(lines[-1])["digest"]


def test_a_look_inside_that_was_asked_for_later_sees_the_same(tmp_path):
    school = Learn(TASKS[0], by=weights(12))
    fresh = study(school, Probe(Score(), every=5))
    simulate(fresh, tmp_path / "fresh")
    simulate(study(school), tmp_path / "later")
    simulate(fresh, tmp_path / "later")
    assert content(tmp_path / "fresh", "measurements.jsonl") == content(tmp_path / "later", "measurements.jsonl")
    assert len(rows(tmp_path / "later", "Score/during")) == 2


@pytest.mark.parametrize("asked", ["from the beginning", "after the kill"])
def test_a_life_killed_while_it_is_looked_into_goes_on_with_the_same_rows(tmp_path, asked):
    school = Learn(TASKS[0], by=Masks(steps=12, rate=5e-3))
    seen = study(school, Probe(Score(), Sparsity(), every=3))
    simulate(seen, tmp_path / "whole")
    stops = iter([False] * 2 + [False] * 7 + [True])
    first = seen if asked == "from the beginning" else study(school)
    with pytest.raises(Interrupted):
        simulate(first, tmp_path / "killed", every=2, should_stop=lambda: next(stops, True))
    simulate(seen, tmp_path / "killed", every=2)
    assert content(tmp_path / "whole", "measurements.jsonl") == content(tmp_path / "killed", "measurements.jsonl")
    assert {row["age"] for row in rows(tmp_path / "killed", "Score/during")} == {11, 14, 17, 20}


def test_looking_inside_a_recovery_sees_synapses_move_at_an_equal_count(tmp_path):
    events = (Learn(TASKS[0], by=weights(4)), Age(to=0.5, by=Magnitude()), Recover(steps=6), Probe(Sparsity(), every=2))
    simulate(study(*events), tmp_path)
    found = [row["value"] for row in rows(tmp_path, "Sparsity/during") if row["metric"] == "sparsity" and not row["task"]]
    assert len(found) == 3 and len(set(found)) == 1


@pytest.mark.parametrize("before", [(), (Age(to=0.5, by=Magnitude()),)], ids=["nothing", "an age"])
def test_only_a_learning_event_can_be_looked_into(before):
    behind = Learn(TASKS[0], by=weights(2)) if before else Suffer(WeightNoise(severity=0.1))
    with pytest.raises(ScenarioError, match="looks inside the event before it, which is no Develop, Learn or Recover"):
        life(behind, *before, Probe(Score(), every=2))
    with pytest.raises(ScenarioError, match=r"Probe\(every=0\): must be a whole number, at least 1"):
        Probe(Score(), every=0)


def test_a_life_is_compared_with_its_own_past(tmp_path):
    events = (Learn(TASKS[0], by=weights(4)), Probe(Since("development", Distance())), Age(to=0.5, by=Magnitude()))
    simulate(study(*events, Probe(Since("birth", Distance()), Since(2, Distance()))), tmp_path)
    learned = {r["metric"]: r["value"] for r in rows(tmp_path, "Distance since development")}
    aged = {r["metric"]: r["value"] for r in rows(tmp_path, "Distance since 2")}
    born = {r["metric"]: r["value"] for r in rows(tmp_path, "Distance since birth")}
    assert learned["distance"] > 0 and learned["died"] == 0 and "met" not in learned
    assert aged["distance"] == 0 and aged["died"] == 0.5 and aged["met"] == 1
    assert born["distance"] > learned["distance"]


def test_a_past_that_the_life_does_not_have_is_refused():
    with pytest.raises(ScenarioError, match="goes back to 3, but 1 events"):
        life(Probe(Since(3, Distance())))
    with pytest.raises(ScenarioError, match="must be a Contrast"):
        Since("birth", Score())
    with pytest.raises(ScenarioError, match=r'It compares two subjects: Probe\(Since\("birth", Distance'):
        Probe(Distance())


def test_lives_are_compared_with_their_twins_and_within_groups(tmp_path):
    school = Learn(TASKS[0], by=weights(4))
    well = life(school, Probe(Sparsity()))
    ill = life(school, Age(to=0.25, by=Magnitude()))
    between = (Between(Distance()), Between(Distance(), pairs="individuals", at="development"))
    both = Study(name="looking", groups={"well": well, "ill": ill}, individuals=3, between=between)
    simulate(both, tmp_path / "a")
    table = read(tmp_path / "a").contrasts()
    twins, individuals = (table[table["pairs"] == kind] for kind in ("twins", "individuals"))
    died = twins[twins["metric"] == "died"]
    assert list(died["group"]) == ["well"] * 3 and list(died["other_group"]) == ["ill"] * 3
    assert list(died["seed"]) == list(died["other_seed"]) == [0, 1, 2]
    assert died["value"].tolist() == [0.25] * 3
    assert (twins[twins["metric"] == "distance"]["value"] == 0).all()
    distances = individuals[individuals["metric"] == "distance"]
    assert len(distances) == 6 and (distances["value"] > 0).all() and (distances["step"] == 1).all()
    plain = replace(both, between=())
    assert [s.digest for _, s in compile_study(plain, precision="fp32").walk()] == [
        s.digest for _, s in compile_study(both, precision="fp32").walk()
    ]
    simulate(plain, tmp_path / "b")
    assert not (tmp_path / "b" / "contrasts.jsonl").exists()
    simulate(both, tmp_path / "b")
    assert content(tmp_path / "a", "contrasts.jsonl") == content(tmp_path / "b", "contrasts.jsonl")


def test_a_comparison_at_a_moment_that_a_group_does_not_have_is_refused():
    with pytest.raises(ScenarioError, match=r"group 'one': goes back to 9"):
        study(between=(Between(Distance(), at=9),))
    with pytest.raises(ScenarioError, match="which is no Between"):
        study(between=(Distance(),))
    with pytest.raises(ScenarioError, match=r"Between\(pairs='twin'\): is not known here. Did you mean 'twins'"):
        Between(Distance(), pairs="twin")


def test_outputs_for_every_example_go_to_parquet(tmp_path):
    events = [(Learn(task, by=weights(2)), Probe(Lengths())) for task in TASKS]
    simulate(Study(name="looking", groups={"one": life(*events), "two/ä": life(events[0])}, individuals=2), tmp_path)
    table = read(tmp_path).examples("Lengths")
    assert list(table.columns) == ["group", "individual", "seed", "step", "age", "stage", "task", "length"]
    counts = table.groupby(["group", "individual", "step", "task"]).size()
    assert (counts == 40).all() and len(counts) == 2 * (1 + 2) + 2 * 1
    for (group, individual, step, task), part in table.groupby(["group", "individual", "step", "task"]):
        own = [r for r in rows(tmp_path, "Lengths") if (r["group"], r["individual"], r["step"]) == (group, individual, step)]
        assert part["length"].mean() == pytest.approx(next(r["value"] for r in own if r["task"] == task))
    assert read(tmp_path).examples("Nothing").empty
    assert pd.read_parquet(tmp_path / "examples" / "Lengths.parquet").equals(table)


def test_what_looks_cost_is_told_by_the_measures(tmp_path):
    def looking(*events):
        plan = compile_study(study(Learn(TASKS[0], by=weights(12)), *events), precision="fp32")
        return sum(cost.evaluation_seconds for cost in estimate(plan).nodes.values())

    assert looking() == 0
    none, once, thin, inside = (
        looking(Probe(Sparsity())),
        *(looking(Probe(probe)) for probe in (Score(), Score(examples=10))),
        looking(Probe(Score(), every=3)),
    )
    assert none < thin < once < inside


def test_a_look_at_fewer_examples_is_the_same_for_everyone(tmp_path):
    simulate(study(Learn(TASKS[0], by=weights(2)), Probe(Score(examples=10), Score()), individuals=2), tmp_path)
    found = rows(tmp_path, "Score")
    assert {row["n"] for row in found} == {10, 40}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_outputs_that_are_not_finite_are_no_class(value):
    subject, _ = lived(Develop(MicroText(number=50), steps=1), *(Learn(task, by=Masks(steps=1), length=32) for task in TASKS))
    with torch.no_grad():
        for skill in subject.skills.values():
            skill.head.output.bias[0] = value
        next(parameter for name, parameter in subject.language.named_parameters() if name.endswith("bias"))[0] = value
    tasks = {task.title: task for task in TASKS}
    looks = (Score(), Calibration(), NullInput(), TaskInference(), Perplexity(MicroText(number=50)))
    for look in looks:
        readings = list(look.read(subject, tasks, Streams(0, "look")))
        assert readings and all(np.isnan(reading.value) for reading in readings), look.describe()
    bulk = next(iter(Outputs().read(subject, tasks, Streams(0, "look"))))
    assert np.isnan(bulk.columns["prediction"]).all() and np.isnan(bulk.columns["right"]).all()


def test_torch_is_as_it_was(tmp_path):
    before = torch.get_rng_state()
    simulate(study(Learn(TASKS[0], by=weights(4)), Probe(Score(), every=2), between=(Between(Distance()),)), tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_the_time_of_looking_is_told_apart_from_the_time_of_living(tmp_path):
    simulate(study(Learn(TASKS[0], by=weights(4)), Probe(Score(), every=2), Probe(Score())), tmp_path)
    steps = read(tmp_path).steps()
    assert (steps["look_seconds"] > 0).tolist() == [False, False, True]
    assert (steps["seconds"] > 0).all()


def test_a_recovery_that_is_refused_entirely_ends_though_somebody_looks_inside(tmp_path):
    events = (Learn(TASKS[0], by=weights(2)), Suffer(NoRefit(severity=1.0)), Recover(steps=4), Probe(Score(), every=2))
    life = Scenario(name="life", subject=TINY, events=events)
    simulate(Study(name="refused", groups={"life": life}), tmp_path, threads=1)
    assert read(tmp_path).participants()["status"].tolist() == ["done"]
    assert not (read(tmp_path).measurements()["probe"] == "Score/during").any()

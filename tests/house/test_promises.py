"""The promises of the design, on tiny lives, bit for bit."""

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, replace

import pytest
import torch
from conftest import TASKS, TINY, long_life, tiny_life, tiny_study, weights
from run_directories import KillAt, final_blobs, lines

from lifespan import (
    Age,
    Both,
    Develop,
    Disorder,
    HeadOnly,
    Learn,
    Magnitude,
    Masks,
    MicroText,
    Probe,
    Recover,
    Scenario,
    Score,
    Suffer,
    UnstableOptimizer,
    WeightNoise,
    read,
    simulate,
)
from lifespan.engines.inline import Observer
from lifespan.record.store import Store
from lifespan.study.plan import compile_study
from lifespan.training.loop import Interrupted


def test_looking_does_not_disturb(tmp_path):
    watched = tiny_life()
    unwatched = replace(watched, events=tuple(e for e in watched.events if not isinstance(e, Probe)))
    study, blind = tiny_study(life=watched), tiny_study(life=unwatched)
    digests = [[s.digest for life in compile_study(x, precision="fp32").lives for s in life.steps] for x in (study, blind)]
    assert digests[0] == digests[1]
    simulate(study, tmp_path / "a")
    simulate(blind, tmp_path / "b")
    assert final_blobs(tmp_path / "a", "life") == final_blobs(tmp_path / "b", "life")
    training = [line for line in lines(tmp_path / "a") if '"probe": "Training"' in line]
    assert training == [line for line in lines(tmp_path / "b") if '"probe": "Training"' in line]


class Witness(Observer):
    def __init__(self):
        self.lived = []

    def step_ends(self, life, step, seconds):
        self.lived.append(step.digest)


def test_a_common_childhood_is_lived_once_and_twins_are_identical_until_their_lives_differ(tmp_path):
    healthy = tiny_life()
    ill = healthy.with_events(after=3, add=Suffer(WeightNoise(severity=0.5)))
    study, witness = tiny_study(healthy=healthy, ill=ill), Witness()
    simulate(study, tmp_path, observer=witness)
    plan = compile_study(study, precision="fp32")
    assert len(witness.lived) == len(set(witness.lived)) == len(plan.nodes)
    assert plan.shared < plan.separate
    rows = [json.loads(line) for line in lines(tmp_path)]
    by_group = [
        [{k: v for k, v in r.items() if k != "group"} for r in rows if r["group"] == g and r["step"] < 3]
        for g in ("healthy", "ill")
    ]
    assert by_group[0] == by_group[1]
    assert final_blobs(tmp_path, "healthy") != final_blobs(tmp_path, "ill")


@pytest.mark.parametrize("disorder", [WeightNoise(severity=0.0), UnstableOptimizer(severity=0.0)])
def test_severity_zero_is_health(tmp_path, disorder):
    healthy = tiny_life()
    sham = healthy.with_events(after=0, add=Suffer(disorder))
    simulate(tiny_study(healthy=healthy, sham=sham), tmp_path)
    assert final_blobs(tmp_path, "healthy") == final_blobs(tmp_path, "sham")


def test_an_unstable_optimiser_changes_the_life_and_ends_where_it_should(tmp_path):
    healthy = tiny_life()
    ill = healthy.with_events(after=1, add=Suffer(UnstableOptimizer(severity=0.5), lasting=1))
    plan = compile_study(tiny_study(ill=ill), precision="fp32")
    assert [len(step.active) for step in plan.lives[0].steps][:5] == [0, 0, 0, 1, 0]
    simulate(tiny_study(healthy=healthy, ill=ill), tmp_path)
    assert final_blobs(tmp_path, "healthy") != final_blobs(tmp_path, "ill")


@pytest.mark.parametrize("by", [Masks(steps=6, rate=5e-3), Masks(steps=6, rate=5e-3, target=0.4), HeadOnly(steps=6)])
def test_structural_learning_leaves_every_weight_bit_for_bit(tmp_path, by):
    study = tiny_study(life=tiny_life(by=by))
    simulate(study, tmp_path)
    store, steps = Store(tmp_path / "store"), compile_study(study, precision="fp32").lives[0].steps
    developed, *later = [store.node(step.digest)["blobs"]["encoder"] for step in steps[1:]]
    assert set(later) == {developed}


def test_the_dead_stay_dead_outside_recovery_and_recovery_keeps_their_number(tmp_path):
    events = (
        Learn(TASKS[0], by=weights()),
        Age(to=0.4, by=Magnitude()),
        Learn(TASKS[1], by=weights()),
        Recover(steps=6),
        Age(to=0.7, by=Magnitude(scope="layer")),
        Learn(TASKS[0], by=Both(steps=6, masks=Masks(rate=5e-3))),
    )
    study = tiny_study(life=Scenario(name="x", subject=TINY, events=events))
    simulate(study, tmp_path)
    store = Store(tmp_path / "store")
    steps = compile_study(study, precision="fp32").lives[0].steps
    alive = [store.load_state(step.digest)[1]["alive"] for step in steps]
    encoder = [store.load_state(step.digest)[1]["encoder"] for step in steps]
    count = [sum(int(mask.sum()) for mask in masks.values()) for masks in alive]
    total = sum(mask.numel() for mask in alive[0].values())
    assert [total - c for c in count] == [0, 0, round(0.4 * total), round(0.4 * total), round(0.4 * total)] + [
        round(0.7 * total)
    ] * 2
    assert all(torch.equal(alive[2][name], alive[3][name]) for name in alive[2])
    assert any(not torch.equal(alive[3][name], alive[4][name]) for name in alive[3]), "recovery moved nothing"
    for name, mask in alive[2].items():
        assert torch.equal(encoder[2][name][~mask], encoder[3][name][~mask]), "a dead synapse learned"
    assert all(bool((alive[5][name] <= alive[4][name]).all()) for name in alive[4])


@pytest.mark.parametrize("by", [Masks(steps=6, rate=5e-3), weights(), Both(steps=6, masks=Masks(rate=5e-3))])
def test_interrupted_anywhere_and_resumed_the_rows_are_the_same(tmp_path, by):
    study = tiny_study(life=tiny_life(by=by))
    simulate(study, tmp_path / "whole")
    resumed = tmp_path / "resumed"
    for _ in range(40):
        killer = KillAt(3)
        try:
            simulate(study, resumed, observer=killer, should_stop=lambda k=killer: k.now)
            break
        except Interrupted:
            continue
    assert lines(tmp_path / "whole") == lines(resumed)
    assert final_blobs(tmp_path / "whole", "life") == final_blobs(resumed, "life")


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from conftest import long_life, tiny_study
from lifespan import simulate
simulate(tiny_study(life=long_life()), {out!r}, every=2, threads=1)
"""


@pytest.mark.slow
def test_kill_nine_inside_every_kind_of_event_and_again_the_rows_are_the_same(tmp_path):
    study = tiny_study(life=long_life())
    simulate(study, tmp_path / "whole", threads=1)
    out = tmp_path / "killed"
    script = textwrap.dedent(SCRIPT.format(tests=os.path.dirname(os.path.dirname(__file__)), out=str(out)))
    steps = compile_study(study, precision="fp32").lives[0].steps
    long = [step for step in steps if isinstance(step.event, Develop | Learn | Recover)]
    assert [type(step.event).__name__ for step in long] == ["Develop", "Learn", "Recover"]
    for step in long:
        process = subprocess.Popen([sys.executable, "-c", script])
        while process.poll() is None and not (out / "store" / step.digest / "partial.json").exists():
            time.sleep(0.002)
        assert process.poll() is None, f"the life ended before it could be killed in {step.event.label}"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (out / "store" / step.digest / "node.json").exists()
    simulate(study, out, threads=1)
    assert lines(tmp_path / "whole") == lines(out)
    assert final_blobs(tmp_path / "whole", "life") == final_blobs(out, "life")


def test_finished_work_is_not_redone_and_a_new_probe_is_only_looked_at(tmp_path):
    study = tiny_study(life=tiny_life())
    simulate(study, tmp_path)
    again = Witness()
    simulate(study, tmp_path, observer=again)
    assert again.lived == []
    more = tiny_study(life=tiny_life().with_events(after=-1, add=Probe(Score(split="test"))))
    simulate(more, tmp_path, observer=again)
    assert again.lived == []
    assert any('"split": "test"' in line for line in lines(tmp_path))


def test_divergence_ends_one_life_and_the_cohort_goes_on(tmp_path):
    wild = Scenario(
        name="wild",
        subject=TINY,
        events=(Learn(TASKS[0], by=weights(8).__class__(steps=12, rate=1e30, warmup=0.0, weight_decay=0.0)), Probe(Score())),
    )
    outcome = simulate(tiny_study(wild=wild, calm=tiny_life()), tmp_path)
    assert (outcome.diverged, outcome.done, outcome.failed) == (1, 1, 0)
    participants = (tmp_path / "participants.tsv").read_text()
    assert "diverged" in participants and "loss became" in participants
    rows = read(tmp_path).measurements().query("group == 'wild'")
    curve = rows[(rows["probe"] == "Training") & (rows["metric"] == "loss")]
    assert len(curve) >= 2 and curve["value"].iloc[0] > 0 and math.isnan(curve["value"].iloc[-1])
    step = read(tmp_path).steps().query("group == 'wild' and status == 'diverged'").iloc[0]
    assert step["optimizer_steps"] == curve["age"].iloc[-1] > 1


@dataclass(frozen=True, kw_only=True)
class Overflow(Disorder):
    """Every weight times `factor`. Native parameter: severity switches it on."""

    aetiology = "noise"
    factor: float = math.inf

    def strike(self, subject, streams):
        for parameter in subject.encoder.parameters():
            parameter.data.mul_(self.factor if self.severity else 1.0)
        return {"factor": self.factor}


@pytest.mark.parametrize("factor", [math.inf, 1e30])
def test_a_network_whose_outputs_are_not_finite_has_diverged(tmp_path, factor):
    events = (Learn(TASKS[0], by=weights(2)), Suffer(Overflow(severity=1.0, factor=factor)), Probe(Score()))
    study = tiny_study(ill=Scenario(name="ill", subject=TINY, events=events), calm=tiny_life())
    outcome = simulate(study, tmp_path)
    assert (outcome.diverged, outcome.done, outcome.failed) == (1, 1, 0)
    assert "not finite" in (tmp_path / "participants.tsv").read_text()
    rows = read(tmp_path).measurements().query("group == 'ill'")
    assert rows["probe"].eq("Injury/Overflow").any() and not rows["probe"].eq("Score").any()


def test_a_corrupt_checkpoint_is_said_and_lived_again(tmp_path):
    study = tiny_study(life=tiny_life())
    simulate(study, tmp_path)
    whole = lines(tmp_path)
    steps = compile_study(study, precision="fp32").lives[0].steps
    store = Store(tmp_path / "store")
    blob = store._blob_path(store.node(steps[2].digest)["blobs"]["skill/micro-sentiment"])
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(bytes(data))
    (tmp_path / "store" / steps[3].digest / "node.json").unlink()

    class Listener(Witness):
        said = []

        def warns(self, text):
            self.said.append(text)

    listener = Listener()
    simulate(study, tmp_path, observer=listener)
    assert "does not match its checksum" in listener.said[0]
    assert lines(tmp_path) == whole


def test_the_precision_is_part_of_every_digest():
    study = tiny_study(life=tiny_life())
    half = compile_study(study, precision="bf16").lives[0].steps[0].digest
    assert half != compile_study(study, precision="fp32").lives[0].steps[0].digest


def test_the_same_event_twice_draws_from_different_streams():
    twice = Scenario(name="x", subject=TINY, events=(Develop(MicroText(), steps=2), Develop(MicroText(), steps=2)))
    steps = compile_study(tiny_study(x=twice), precision="fp32").lives[0].steps
    assert steps[1].key != steps[2].key

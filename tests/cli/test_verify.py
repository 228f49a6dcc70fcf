"""`lifespan verify`: what it prints, where it finds the study, and its exit codes."""

import json

import pytest

LIFE = """\
from dataclasses import dataclass

from lifespan import *

STEPS = 9


@dataclass(frozen=True, kw_only=True)
class Smallest(Pruner):
    def choose(self, subject, sparsity, streams, learned=()):
        return Magnitude().choose(subject, sparsity, streams, learned)


study = Study(
    name="own",
    groups={
        name: Scenario(
            name=name,
            subject=Micro(layers=1, width=16, heads=2, feed_forward=32),
            events=(
                Develop(MicroText(number=60), steps=STEPS, batch_size=8),
                Probe(Sparsity()),
                Age(to=0.4, by=by),
                Probe(Sparsity()),
            ),
        )
        for name, by in {"mine": Smallest(), "plain": Magnitude()}.items()
    },
)
"""


@pytest.fixture
def made(run, tmp_path, monkeypatch):
    """(scenario file, run directory) of a life with a class of its own."""
    scenario, directory = tmp_path / "life.py", tmp_path / "own"
    scenario.write_text(LIFE)
    line = ["simulate", scenario, "--set", "STEPS=3", "--individuals", 2, "--out", directory, "--threads", 1, "--no-report"]
    monkeypatch.setattr("sys.argv", ["lifespan", *map(str, line)])
    code, _, said = run(*line)
    assert code == 0, said
    return scenario, directory


def test_the_verdict_and_the_scenario_of_the_recorded_command(run, made, tmp_path):
    _, directory = made
    code, out, said = run("verify", directory, "--all")
    assert (code, said) == (0, "")
    assert out.startswith("Verified: 8 of 8 steps and ")
    assert "equal, bit for bit; lifespan" in out
    assert "The study is that of the scenario." in out
    code, out, _ = run("verify", directory, "--steps", 2, "--seed", 3)
    assert code == 0
    assert "Verified: 2 of 2 sampled steps" in out
    assert "sampled with seed 3 among 8, from the stored states." in out


def test_a_planted_row_ends_with_code_1_and_is_named(run, made, tmp_path):
    _, directory = made
    path = directory / "measurements.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[4]["value"] = 0.777
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = run("verify", directory, "--steps", 1)
    assert code == 1
    assert out.startswith("Differs: 1 of 1 sampled step")
    assert "measurements.jsonl:5" in out
    assert "0.777" in out
    assert "1 difference." in out


def test_classes_of_a_scenario_that_is_not_at_hand(run, made, tmp_path):
    scenario, directory = made
    elsewhere = scenario.rename(tmp_path / "moved.py")
    code, out, said = run("verify", directory, "--all")
    assert code == 0
    assert "Verified: 6 of 8 steps" in out
    assert "is defined in a scenario file" in " ".join(said.split())
    assert "Not verified: mine-000, step 2" in said
    code, out, said = run("verify", directory, "--all", "--scenario", elsewhere)
    assert (code, said) == (0, "")
    assert "Verified: 8 of 8 steps" in out


def test_a_class_that_was_edited_since(run, made, tmp_path):
    scenario, directory = made
    scenario.write_text(LIFE.replace("return Magnitude()", "sparsity = sparsity + 0\n        return Magnitude()"))
    code, out, said = run("verify", directory, "--row", "mine,1,2,Sparsity,sparsity")
    assert code == 2
    assert "Nothing could be verified: 0 of 1 step" in out
    assert "class scenario:Smallest" in said
    assert "was changed on" in said
    assert run("verify", directory, "--row", "plain,1,2,Sparsity,sparsity")[0] == 0


def test_wrong_input(run, made, tmp_path):
    _, directory = made
    assert run("verify", tmp_path / "none")[::2] == (
        2,
        f"Error: {tmp_path / 'none'}: there is no such run directory.\n`lifespan simulate --out DIR` makes one.\n",
    )
    code, _, said = run("verify", directory, "--all", "--steps", 3)
    assert (code, said) == (2, "Error: --steps --all: ask for different steps.\nGive one of them.\n")
    code, _, said = run("verify", directory, "--scenario", tmp_path / "nowhere.py")
    assert code == 2
    assert "there is no such scenario file." in said
    code, _, said = run("verify", directory, "--from", "birth")
    assert (code, said) == (2, "Error: --from birth: is not known here.\nKnown: store, nothing.\n")

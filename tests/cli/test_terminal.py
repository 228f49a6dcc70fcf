"""What the command line looks like in a terminal: whole words, folded plans, methods by class, completion."""

import os
import subprocess
import sys

import pytest
from rich.text import Text

from lifespan.cli import display


@pytest.fixture
def terminal(monkeypatch, capsys):
    """The lines that a message takes on a terminal of 40 columns."""
    monkeypatch.setattr(display.errors, "_force_terminal", True)
    monkeypatch.setattr(display.errors, "_width", 40)
    monkeypatch.setattr(display.errors, "_height", 20)
    monkeypatch.setattr(display.errors, "_color_system", None)

    def lines(text):
        display._tell(Text(text))
        return capsys.readouterr().err.splitlines()

    return lines


def test_lines_end_between_words(terminal):
    names = "a_whole_life, against_forgetting, beside_avalanche, critical_period, development_flattens"
    found = terminal(names)
    assert len(found) > 2 and max(map(len, found)) <= 40
    assert " ".join(line.strip() for line in found) == names


@pytest.mark.parametrize(
    "text", ["    lifespan simulate first_life --out somewhere/else --resume", "in " + "x" * 60 + " there is nothing"]
)
def test_commands_and_paths_are_left_whole(terminal, text):
    assert "".join(terminal(text)) == text


def test_branches_that_look_alike_are_folded(run):
    said = run("plan", "severity_map")[1]
    assert "HighRate 0.25; HighRate 0.5; HighRate 0.75 (a branch each)" in said
    assert said.count("suffer HighRate") == 1 and len(said.splitlines()) < 80
    folded = run("plan", "first_life")[1]
    assert "masks; weights (a branch each)" in folded and folded.count("learn micro-") == 2


def test_disorders_are_listed_by_class(run):
    said = run("list", "disorders")[1]
    headings = [line for line in said.splitlines() if line.startswith("disorders")]
    assert len(headings) == len(set(headings)) > 6 and "disorders pruning schedule" in headings
    assert said.index("disorders noise") < said.index("WeightNoise")
    assert [line for line in run("list", "learners")[1].splitlines() if line.startswith("learners")] == ["learners"]


@pytest.mark.parametrize(
    ("words", "expected"), [("plan masks", "masks_or_weights"), ("show WeightN", "WeightNoise"), ("list dis", "disorders")]
)
def test_the_shell_completes_names(words, expected):
    typed = {**os.environ, "_LIFESPAN_COMPLETE": "complete_bash", "COMP_WORDS": f"lifespan {words}", "COMP_CWORD": "2"}
    call = [sys.executable, "-c", "from lifespan.cli.main import app; app(prog_name='lifespan')"]
    said = subprocess.run(call, env=typed, capture_output=True, text=True, check=False)
    assert expected in said.stdout.split()

"""What `simulate` shows in Python: HTML in a notebook, bars in a terminal, nothing in pipes and where it is to be quiet."""

import io
import sys
from types import SimpleNamespace

import pytest
from small_lives import TINY

from lifespan import Scenario, Study, simulate
from lifespan.execution import python_progress
from lifespan.execution.progress import Bars
from lifespan.execution.python_progress import InNotebook, Silent, shown_in_python
from lifespan.simulation import plan_for


@pytest.fixture(scope="module")
def study():
    return Study(name="shown", groups={"<b>one": Scenario(name="s", subject=TINY, events=())}, individuals=2)


class Cell:
    """What a notebook's cell shows, one entry for each update."""

    def __init__(self):
        self.shown = []

    def HTML(self, text):
        return text

    def display(self, html, display_id):
        self.shown.append(html)
        return SimpleNamespace(update=self.shown.append)


@pytest.fixture
def cell(monkeypatch):
    found = Cell()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=found))
    return found


def test_a_notebook_is_updated_in_place(study, cell, tmp_path, capsys):
    simulate(study, tmp_path / "run")
    assert "0 of 2 lives" in cell.shown[0] and "2 of 2 lives, lived in" in cell.shown[-1]
    assert "<b>shown</b>" in cell.shown[-1] and not any("<b>one" in html for html in cell.shown)
    assert capsys.readouterr() == ("", "")


def test_quiet_shows_nothing_anywhere(study, cell, tmp_path, capsys):
    simulate(study, tmp_path / "run", quiet=True)
    assert cell.shown == [] and capsys.readouterr() == ("", "")


def test_a_pipe_stays_empty(study, tmp_path, capsys):
    simulate(study, tmp_path / "run")
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_bars_on_standard_error(study, monkeypatch):
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", screen)
    plan = plan_for(study)
    assert isinstance(shown_in_python(plan, quiet=False), Bars)
    assert isinstance(shown_in_python(plan, quiet=True), Silent)


def test_a_terminal_of_ipython_is_no_notebook(study, monkeypatch):
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(), display=None)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    assert isinstance(shown_in_python(plan_for(study), quiet=False), Silent)


def test_a_notebook_names_event_loss_ends_and_warnings(study, monkeypatch):
    monkeypatch.setattr(python_progress, "PAUSE", -1.0)
    cell, plan = Cell(), plan_for(study)
    show = lambda html: cell.display(html, True).update  # noqa: E731
    with InNotebook(plan, None, show) as progress:
        life = plan.lives[0]
        progress.life_begins(life)
        progress.step_begins(life, life.steps[0])
        progress.advances(3, 40, 0.51234)
        assert "3 of 40 steps, loss 0.512" in cell.shown[-1] and "&lt;b&gt;one-0" in cell.shown[-1]
        progress.life_ends(life, "diverged", "loss <inf>")
        assert "1 of 2 lives, 1 diverged" in cell.shown[-1] and "loss &lt;inf&gt;" in cell.shown[-1]
    assert "steps, loss" not in cell.shown[-1]

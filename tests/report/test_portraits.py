"""Portraits that were planted in a record, read back from the figure and from the explorer of the page."""

import base64
import json
import re

import numpy as np
import pytest
from matplotlib import pyplot
from planted_portraits import EDGES, STEPS, WORDS, keep
from synthetic import GROUPS, TASKS, write_record

import lifespan
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.portraits import at_ages
from lifespan.errors import RecordError
from lifespan.report import explorer
from lifespan.report.figures import FIGURES
from lifespan.report.sections import extra_sections


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = write_record(tmp_path_factory.mktemp("run") / "lived")
    return keep(directory, GROUPS, STEPS)


@pytest.fixture(scope="module")
def analysis(run):
    return Analysis(run)


def shown(analysis):
    page = str(explorer.explorer(analysis).html)
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def test_the_figure_draws_what_was_planted(analysis):
    figure, table = FIGURES["portrait"].draw(analysis)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 4 * 4, "two groups, first and last"
    titles = [axes.get_title(loc="left") for axes in panels[:4]]
    assert titles == [f"{group}\nage {age}" for group in analysis.highlighted[:2] for age in (250, 500)]
    line = panels[0].get_lines()[0]
    assert np.allclose(line.get_xdata(), [-0.15, -0.05, 0.05, 0.15])
    assert np.allclose(line.get_ydata(), np.array([10, 20, 30, 42]) / 102)
    heads = panels[4].collections[0].get_array().reshape(2, 3)
    assert np.allclose(heads, [[0, 0.1, 0.2], [0.1, 0.2, 0.3]])
    seen = [panel.collections[0] for panel in panels[12:]]
    assert len({mesh.get_clim() for mesh in seen}) == 1, "twins share one scale"
    mean = np.mean([np.full((4, 4), 0.2) + 0.1 * k * np.eye(4) for k in (1, 2, 3)], axis=0)
    expected = np.mean(
        [m / m.sum(1, keepdims=True) for m in (np.full((4, 4), 0.2) + 0.1 * k * np.eye(4) for k in (1, 2, 3))], 0
    )
    assert mean.shape == expected.shape and np.allclose(seen[0].get_array().reshape(4, 4), expected)
    rows = table[(table["part"] == "attention") & (table["step"] == 5) & (table["group"] == GROUPS[0])]
    assert rows["value"].sum() == pytest.approx(4)


def test_a_portrait_of_an_age_is_the_last_made_by_then(run):
    plot = lifespan.read(run).plot
    panels = plot.portrait(age=300, groups=GROUPS[0])
    assert len(panels) == 4 and panels[0].get_title(loc="left").endswith("age 250")
    both = plot.portrait(age=(250, 10_000), groups=GROUPS[0])
    assert [axes.get_title(loc="left").partition("age ")[2] for axes in both[:2]] == ["250", "500"]
    with pytest.raises(RecordError, match=r"portrait\(age=3\): 'healthy' has none by then\. Ages of its portraits: 250, 500"):
        plot.portrait(age=3)
    pyplot.close("all")


def test_the_explorer_carries_what_was_planted(analysis):
    data = shown(analysis)
    assert data["groups"] == list(analysis.highlighted) and data["steps"] == [2, 5] and data["edges"] == EDGES[1:]
    last = data["portraits"][GROUPS[0]][1]
    assert last["age"] == 500 and last["weights"][""]["query"] == [[0, 10, 20, 30, 45, 0]] * 2
    assert list(base64.b64decode(last["heads"][""][1])) == [26, 51, 76]
    assert last["tokens"][TASKS[0]] == WORDS
    first_head = np.frombuffer(base64.b64decode(last["attention"][TASKS[0]][0][0]), dtype=np.uint8).reshape(4, 4)
    assert np.allclose(first_head / 255, (np.full((4, 4), 0.2) + 0.1 * np.eye(4)) / 0.9, atol=0.003)


def test_names_and_tokens_do_not_act_in_the_page(analysis):
    page = str(explorer.explorer(analysis).html)
    assert "<b>" not in page and page.count("</script>") == 1


def test_a_large_record_is_shown_in_less_detail(analysis, monkeypatch):
    whole = explorer._inert(shown(analysis))
    monkeypatch.setattr(explorer, "MOST", len(whole) - 1)
    less = shown(analysis)
    assert less["heads"] == 0 and len(less["portraits"][GROUPS[0]][0]["attention"][TASKS[0]][0]) == 1
    monkeypatch.setattr(explorer, "MOST", 10)
    assert shown(analysis)["portraits"][GROUPS[0]][0]["neurons"] == {}


def test_no_portraits_no_section(tmp_path, run):
    bare = Analysis(write_record(tmp_path / "bare"))
    assert explorer.explorer(bare) is None and FIGURES["portrait"].draw(bare) is None
    assert "explorer" not in [section.name for section in extra_sections(bare)]
    assert "explorer" in [section.name for section in extra_sections(Analysis(run))]
    assert at_ages(bare.portraits, GROUPS, ()) == []


def test_one_age_needs_no_slider(tmp_path):
    once = Analysis(keep(write_record(tmp_path / "once"), GROUPS[:1], [2]))
    assert explorer.explorer(once) is None and FIGURES["portrait"].draw(once) is not None

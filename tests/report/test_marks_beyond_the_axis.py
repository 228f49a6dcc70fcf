"""A mark that the axis has no room for stands at its edge with its value, and no mark is lost."""

from dataclasses import replace

import pandas as pd
import pytest
from synthetic_looks import write_looks

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.forest import FARTHEST, everything

PLANTED = {"one": 0.5, "two": -25.7, "three": 10.4, "four": -2.0}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    analysis = Analysis(write_looks(tmp_path_factory.mktemp("beyond") / "run"))
    rows = [
        {
            **{"outcome": name, "task": "", "direction": 1, "group": "ill", "control": "healthy", "difference": value / 10},
            **{"hedges_g_av": value, "g_low": value - 1, "g_high": value + 1, "p": 0.01, "p_bh": 0.01, "n": 10},
        }
        for name, value in PLANTED.items()
    ]
    analysis.outcome_comparisons = pd.DataFrame(rows)
    return everything(analysis)


def test_every_value_is_drawn_where_it_is_or_at_the_edge_with_its_number(drawn):
    figure, table = drawn
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    marks = {}
    for line in axes.lines:
        if line.get_marker() not in ("None", None, "") and len(line.get_xdata()) == 1:
            marks[list(PLANTED)[round(float(line.get_ydata()[0]))]] = (float(line.get_xdata()[0]), line.get_marker())
    assert set(marks) == set(PLANTED) and all(low < x < high for x, _ in marks.values())
    assert marks["one"][0] == 0.5 and marks["four"][0] == -2.0
    assert marks["two"] == (pytest.approx(-1.05 * FARTHEST), "<") and marks["three"] == (pytest.approx(1.05 * FARTHEST), ">")
    texts = {text.get_text() for text in axes.texts}
    assert texts == {"\N{MINUS SIGN}25.7", "10.4"}
    assert table.set_index("outcome")["hedges_g_av"].to_dict() == PLANTED


def test_an_axis_that_has_room_shows_no_arrow(tmp_path):
    analysis = Analysis(write_looks(tmp_path / "run"))
    near = analysis.outcome_comparisons.assign(hedges_g_av=1.0, g_low=0.5, g_high=1.5)
    analysis = replace_table(analysis, near)
    figure, _ = everything(analysis)
    assert not figure.axes[0].texts and figure.axes[0].get_xlim()[1] == pytest.approx(1.1 * 1.5)


def replace_table(analysis, table):
    again = Analysis(replace(analysis.cohort))
    again.outcome_comparisons = table
    return again

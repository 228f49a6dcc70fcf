"""Marks in the SVG of a figure name their group and say what they are; the drawing itself stays as it was."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from lifespan.report.figures import svg
from lifespan.report.figures.canvas import canvas
from lifespan.report.figures.marks import described, means, of_group

SVG = "{http://www.w3.org/2000/svg}"
ROWS = pd.DataFrame(
    {"age": [1.0, 2.0], "mean": [0.25, 0.5], "low": [0.2, float("nan")], "high": [0.3, float("nan")], "n": [4, 1]}
)
HOSTILE = 'a "b" <c> & d'


@pytest.fixture
def figure():
    made, (axes,) = canvas(2.0)
    with of_group(axes, HOSTILE):
        axes.fill_between(ROWS["age"], 0, 1)
        means(axes.plot(ROWS["age"], ROWS["mean"], marker="o"), ROWS)
    described(axes.axhline(0), "health")
    axes.set_title("task <1> (n = 4, 1)", loc="left")
    return made


def marks(vector):
    tree = ElementTree.fromstring(vector)
    return {node.get("id"): node for node in tree.iter(f"{SVG}g") if (node.get("id") or "").startswith("mark-")}


def test_points_say_group_panel_mean_interval_and_n(figure):
    found = marks(svg(figure))
    texts = [title.text for node in found.values() for title in node.iter(f"{SVG}title")]
    head = f"{HOSTILE} · task <1>"
    assert f"{head}\n0.250 (95% interval 0.200 to 0.300, n = 4), at 1" in texts
    assert f"{head}\n0.500 (no interval, n = 1), at 2" in texts
    assert "task <1>\nhealth" in texts and head in texts
    assert [node.get("data-group") for node in found.values()].count(HOSTILE) == 2


def test_the_drawing_is_the_same_every_time_and_without_its_marks(figure):
    vector = svg(figure)
    assert svg(figure) == vector
    for artist in figure.findobj():
        artist.set_gid(None)
    plain, bare = svg(figure), re.sub(r' data-group="[^"]*"|<title>[^<]*</title>', "", vector)
    shapes = r'<(?:path|use)[^>]* (?:d|x)="([^"]*)"'
    assert re.findall(shapes, bare) == re.findall(shapes, plain) and "data-group" not in plain


def test_a_gap_in_the_means_gives_no_point_a_strangers_words():
    made, (axes,) = canvas(2.0)
    rows = pd.concat([ROWS, ROWS.assign(age=3.0, mean=float("nan"))]).iloc[[0, 2, 1]]
    means(axes.plot(rows["age"], rows["mean"], marker="o"), rows)
    points = {use.get("x"): use[0].text for use in ElementTree.fromstring(svg(made)).iter(f"{SVG}use") if len(use)}
    assert len(points) == 2
    assert [points[x].split()[0] for x in sorted(points, key=float)] == ["0.250", "0.500"]

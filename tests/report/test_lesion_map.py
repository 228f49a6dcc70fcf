"""The lesion map shows what was planted: heads apart from whole layers, and n as individuals."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic_looks import GROUPS, INDIVIDUALS, write_looks

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.lesions import WHOLE_LAYER, maps

HEADS = {(0, 0): -0.1, (0, 1): -0.3, (1, 0): 0.0, (1, 1): -0.02}
LAYERS = {0: -0.7, 1: -0.4}
STEP = 3


def planted(cohort):
    """LesionMap rows of two probes at one step: heads and layers, each with its own score without a lesion."""
    rows = []
    for group in GROUPS:
        for individual in range(INDIVIDUALS):
            healthy = 0.9 + 0.01 * individual

            def add(name, value, group=group, individual=individual):
                who = {
                    "study": "looks",
                    "group": group,
                    "individual": individual,
                    "seed": individual,
                    "step": STEP,
                    "age": 200,
                }
                asked = {"stage": "learn b", "probe": "LesionMap", "task": "a", "split": "dev", "n": 100}
                rows.append({**who, **asked, "metric": f"accuracy@{name}", "value": value})

            add("none", healthy)
            for (layer, head), worth in HEADS.items():
                add(f"encoder.layer.{layer}/head {head}", healthy + worth)
            add("none", healthy)
            for layer, worth in LAYERS.items():
                add(f"encoder.layer.{layer}", healthy + worth)
    table = cohort.measurements
    table = table[table["probe"] != "LesionMap"]
    return table, rows


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    import pandas as pd

    cohort = Analysis(write_looks(tmp_path_factory.mktemp("lesions") / "run")).cohort
    table, rows = planted(cohort)
    return maps(Analysis(replace(cohort, measurements=pd.concat([table, pd.DataFrame(rows)], ignore_index=True))))


def test_heads_and_whole_layers_stand_apart_with_n_as_individuals(drawn):
    _, table = drawn
    own = table[table["group"] == "healthy"].set_index(["layer", "unit"])
    assert set(table["n"]) == {INDIVIDUALS}
    for place, worth in HEADS.items():
        assert own["change"][place] == pytest.approx(worth)
    for layer, worth in LAYERS.items():
        assert own["change"][layer, WHOLE_LAYER] == pytest.approx(worth)


def test_the_drawn_cells_are_the_planted_ones(drawn):
    figure, _ = drawn
    panels = [axes for axes in figure.axes if axes.get_title(loc="left").startswith("healthy")]
    (axes,) = panels
    assert f"(n = {INDIVIDUALS})" in axes.get_title(loc="left")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "all"]
    cells = np.asarray(axes.collections[0].get_array()).reshape(2, 3)
    expected = [[HEADS[layer, 0], HEADS[layer, 1], LAYERS[layer]] for layer in (0, 1)]
    assert cells == pytest.approx(np.array(expected))
    assert axes.get_xlabel() == "head, and the whole layer"

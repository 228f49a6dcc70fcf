"""Planted truths of a synthetic record come out in tables, figures and sentences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_looks import CYCLES, ED50, EXAMPLES, GROUPS, INDIVIDUALS, TASKS, write_looks

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.steps import describe
from lifespan.report import figures, findings


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return Analysis(write_looks(tmp_path_factory.mktemp("run") / "looks"))


def drawn(analysis, name):
    figure, table = figures.FIGURES[name].draw(analysis)
    return figure, table


def test_the_dose_that_halves_is_found(analysis):
    table = analysis.ed50s
    undone = table[table["source"] == "looks"]
    assert len(undone) == len(GROUPS) * len(TASKS) and undone["inside"].all()
    for row in undone.itertuples():
        assert row.ed50 == pytest.approx(ED50[row.group], abs=0.03)
        assert row.ed50_low <= ED50[row.group] + 0.01 and row.ed50_high >= ED50[row.group] - 0.01
    _, marks = drawn(analysis, "dose_response")
    assert len(marks) == len(GROUPS) * INDIVIDUALS * len(TASKS) * 9


def test_the_head_that_matters_stands_out(analysis):
    _, table = drawn(analysis, "lesion_map")
    worth = table[(table["task"] == "a") & (table["layer"] == 0) & (table["unit"] == 1)]["change"]
    assert np.allclose(worth, -0.2) and len(worth) == 2 * len(GROUPS)
    others = table.drop(worth.index)["change"]
    assert np.allclose(others, -0.01)


def test_losses_and_recoveries_are_reported(analysis):
    table = analysis.recoveries
    assert table.groupby("group").size().to_dict() == dict.fromkeys(GROUPS, CYCLES * INDIVIDUALS * len(TASKS))
    ill = table[(table["group"] == "ill") & (table["task"] == "b")]
    assert (ill["recovered"] - ill["after"]).mean() == pytest.approx(0.1, abs=0.002)
    sentences = dict(findings.further_results(analysis))["Loss and recovery"]
    (written,) = [sentence for sentence in sentences if sentence.startswith("On b, ill lost")]
    assert "recovery gave back 0.1" in written and "n = 10" in written


def test_a_function_that_is_lost_for_good_is_counted(analysis):
    table = analysis.lifetimes
    assert table.groupby(["group", "task"])["lost"].sum().to_dict() == {
        ("healthy", "a"): 0,
        ("healthy", "b"): 0,
        ("ill", "a"): INDIVIDUALS,
        ("ill", "b"): 0,
    }
    # Task a, learned at age 150, is gone at the second age: 50 steps for task b and 20 of recovery later.
    assert set(table[table["lost"]]["time"]) == {70.0}
    survivals = analysis.survivals.set_index(["task", "group"])
    assert survivals["p"]["a", "ill"] == 2 / 2**10 and np.isnan(survivals["p"]["b", "ill"])
    _, marks = drawn(analysis, "survival")
    assert len(marks) == len(GROUPS) * INDIVIDUALS * len(TASKS)


def test_decline_is_compared_between_twins(analysis):
    table = analysis.declines.set_index(["task", "group"])
    assert table["difference"]["a", "ill"] < 0 and table["high"]["a", "ill"] < 0
    assert table["control_slope"]["a", "ill"] == pytest.approx(0, abs=0.3)


def test_overlap_is_reported_against_chance(analysis):
    table = analysis.mask_overlaps
    assert set(table["pairs"]) == {"individuals", "self"}
    among = table[table["pairs"] == "individuals"]
    assert len(among) == len(GROUPS) * INDIVIDUALS * (INDIVIDUALS - 1) // 2
    assert among["corrected"].mean() == pytest.approx(0, abs=1e-3) and np.allclose(among["kappa"], 0.4)
    sentences = dict(findings.further_results(analysis))["Mask overlap"]
    assert any("with an earlier checkpoint of itself by 0.500 above chance" in sentence for sentence in sentences)


def test_barriers_are_drawn_between_individuals(analysis):
    _, table = drawn(analysis, "loss_barriers")
    middle = table[table["place"] == 0.5]["value"]
    assert np.allclose(middle, 0.5) and set(table["pairs"]) == {"between individuals"}


def test_all_tasks_and_all_examples_at_once(analysis):
    table = analysis.over_all_tasks.set_index("group")
    # 0.9 is 0.8 of the way from chance, 0.5, to the best.
    assert table["iqm"]["healthy"] == pytest.approx(0.8, abs=0.02) and np.isnan(table["improvement"]["healthy"])
    assert table["iqm"]["ill"] < 0.64 and table["improvement"]["ill"] < 0.05
    answers = analysis.over_examples.set_index(["task", "group"])
    for task in TASKS:
        row = answers.loc[task, "ill"]
        assert row["examples"] == EXAMPLES and row["n"] == INDIVIDUALS
        assert row["difference"] == pytest.approx(-0.2, abs=0.06) and row["difference_high"] < 0


def test_every_outcome_is_compared_with_twins(analysis):
    table = analysis.outcome_comparisons
    assert {"accuracy on a", "forgetting_max_normalised", "under WeightNoise on a", "dormant units on b"} <= set(
        table["outcome"]
    )
    noise = table[table["outcome"] == "under WeightNoise on a"].iloc[0]
    assert noise["difference"] == pytest.approx(-0.1, abs=0.02) and noise["direction"] == 1 and noise["p_bh"] < 0.05
    assert noise["g_low"] < noise["hedges_g_av"] < noise["g_high"] < 0
    sentences = dict(findings.further_results(analysis))["All outcomes (exploratory)"]
    assert any(sentence.startswith("ill, under WeightNoise on") for sentence in sentences)


def test_a_groups_disorder_is_read_from_its_scenario(analysis):
    table = analysis.exposures
    assert table.to_dict("records")[0] == {
        **{"group": "ill", "disorder": "WeightNoise", "severity": 0.25, "step": 2, "onset": 100.0},
        "lasting": pytest.approx(float("nan"), nan_ok=True),
    }
    assert len(table) == 1


def test_every_figure_of_this_record_is_drawn(analysis):
    made = {name for name, drawing in figures.FIGURES.items() if drawing.draw(analysis) is not None}
    assert {"dose_response", "lesion_map", "targeted_lesions", "loss_slices", "loss_barriers", "plasticity"} <= made
    assert {"survival", "recovery", "forgetting_curves", "mask_overlap", "outcomes", "differences", "estimation"} <= made


def with_groups(analysis, **events):
    """The analysis with groups that live the control's life after one disorder each."""
    healthy = analysis.cohort.groups[analysis.cohort.control]
    subject, own = healthy["scenario"].get("subject"), list(healthy["scenario"]["events"])
    groups = {analysis.cohort.control: healthy}
    for name, (disorder, changes) in events.items():
        suffered = {"class": "lifespan:Suffer", "revision": 1, "disorder": disorder}
        groups[name] = {**healthy, "scenario": {"subject": subject, "events": [suffered, *own], **changes}}
    return Analysis(dataclasses.replace(analysis.cohort, groups=groups))


def loss(severity, **settings):
    return {"class": "lifespan:HeadLoss", "revision": 1, "severity": severity, **settings}


def test_variants_of_a_disorder_have_dose_curves_of_their_own(analysis):
    several = with_groups(analysis, a=(loss(0.5), {}), b=(loss(0.5, by="random"), {}))
    assert several.exposures["disorder"].tolist() == ["HeadLoss()", "HeadLoss(by='random')"]
    alike = with_groups(analysis, a=(loss(0.25), {}), b=(loss(0.5), {}))
    assert alike.exposures["disorder"].tolist() == ["HeadLoss", "HeadLoss"]


def test_another_subject_is_not_the_controls_life_with_a_disorder_more(analysis):
    other = {"subject": {"class": "lifespan:Micro", "revision": 1, "width": 999}}
    assert with_groups(analysis, a=(loss(0.5), other)).exposures.empty


FATIGUE = {"class": "sleep_lab:Fatigue", "revision": 1}


def test_a_disorder_of_others_at_its_own_default_keeps_its_dose_where_the_record_has_it_whole(analysis):
    """The record leaves out what equals a default; the class of another package may not be here to ask."""
    bare = with_groups(analysis, a=(FATIGUE, {}), b=({**FATIGUE, "severity": 0.9}, {}))
    assert np.isnan(bare.exposures["severity"][0]) and bare.exposures["severity"][1] == 0.9
    groups = dict(bare.cohort.groups)
    for name, severity in (("a", 0.5), ("b", 0.9)):
        events = groups[name]["scenario"]["events"]
        whole = [{**events[0], "disorder": {**FATIGUE, "severity": severity, "by": "random"}, "lasting": None}, *events[1:]]
        groups[name] = {**groups[name], "whole": {"events": whole}}
    kept = Analysis(dataclasses.replace(bare.cohort, groups=groups))
    assert kept.exposures["severity"].tolist() == [0.5, 0.9]
    assert kept.exposures["disorder"].tolist() == ["Fatigue", "Fatigue"]
    suffered = groups["a"]["scenario"]["events"][0]
    assert describe(suffered) == "Suffer(disorder=Fatigue())"
    assert describe(suffered, groups["a"]["whole"]["events"][0]) == "Suffer(disorder=Fatigue(severity=0.5))"

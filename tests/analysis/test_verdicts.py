"""Verdicts on declared hypotheses: their rule, the family, looks, positive controls, and what was declared when."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from planted import ENTAILMENT, SENTIMENT, declared, lived, planted, study

from lifespan import Sequential, falling, non_inferior, ordered, read, rising, superior
from lifespan.analysis.evidence import Evidence, evidence_of
from lifespan.analysis.verdicts import verdicts

BOTH = (SENTIMENT, ENTAILMENT)
SPREAD = np.array([-0.02, -0.01, 0.0, 0.0, 0.01, 0.02, 0.015, -0.015, 0.005, -0.005])
"""Ten values around 0."""


def around(mean, scale=1.0):
    return mean + scale * SPREAD


def scores(**differences):
    """(group, task) -> scores on sentiment around 0.7, with the given differences."""
    return {(group, SENTIMENT): around(0.7 + more, 0.1) for group, more in differences.items()}


def verdict_of(record):
    return [each.verdict for each in verdicts(record).results]


def one(tmp_path, hypothesis, **groups):
    """The result of one hypothesis on planted scores of sentiment; the first group's scores scatter otherwise."""
    asked = study(*groups, tasks=(task_named(SENTIMENT),), hypotheses=(hypothesis,))
    values = {(g, SENTIMENT): np.asarray(v) for g, v in groups.items()}
    return verdicts(lived(asked, declared(asked, tmp_path / "run"), values)).results[0]


def task_named(title):
    from conftest import TASKS

    return next(task for task in TASKS if task.title == title)


@pytest.mark.parametrize(
    ("prediction", "margin", "mean", "verdict"),
    [
        *(("greater", 0.02, 0.05, "supported"), ("greater", 0.02, -0.05, "refuted")),
        *(("greater", 0.1, 0.0, "too small to matter"), ("greater", 0.1, 0.05, "too small to matter")),
        *(("greater", 0.005, 0.0, "undecided"), ("greater", 0.0, 0.002, "undecided")),
        *(("non-inferior", 0.03, 0.0, "supported"), ("non-inferior", 0.03, -0.1, "refuted")),
        *(("non-inferior", 0.03, -0.03, "undecided"), ("below", 0.5, 0.4, "supported"), ("below", 0.5, 0.6, "refuted")),
        *(("equivalent", 0.03, 0.0, "supported"), ("equivalent", 0.03, 0.06, "refuted")),
        *(("equivalent", 0.03, -0.06, "refuted"), ("equivalent", 0.005, 0.0, "undecided")),
    ],
)
def test_differences_become_a_verdict(prediction, margin, mean, verdict):
    assert evidence_of(around(mean), prediction, margin).verdict(0.05) == verdict


def test_evidence_is_that_of_t_tests_where_these_are_the_stricter():
    from scipy import stats

    found = evidence_of(around(0.01), "greater", 0.02)
    known = stats.ttest_1samp(around(0.01), 0.0, alternative="greater").pvalue
    assert found.supported >= known and found.supported == pytest.approx(known, abs=0.02)
    assert found.n == 10 and found.low < 0.01 < found.high
    assert evidence_of(np.full(8, 0.1), "greater", 0.02).p == 0.0 and evidence_of(np.zeros(8), "greater", 0.0).p == 1.0


def test_a_hypothesis_is_judged_by_its_twins(tmp_path):
    talent = np.linspace(0, 0.2, 10)
    found = one(tmp_path, superior("masks", over="head"), head=0.5 + talent, masks=0.6 + talent + SPREAD / 2)
    assert found.verdict == "supported" and found.evidence.n == 10 and found.evidence.estimate == pytest.approx(0.1)
    assert found.role == "primary" and found.level == 0.05 and found.scale == "raw" and found.tasks == (SENTIMENT,)


def test_several_groups_are_ordered_where_every_step_is(tmp_path):
    groups = {"old": around(0.5), "middle": around(0.6, -1), "young": around(0.7)}
    found = one(tmp_path / "a", ordered("old", "middle", "young"), **groups)
    assert found.verdict == "supported" and found.evidence.estimate == pytest.approx(0.1)
    assert one(tmp_path / "b", ordered("old", "young", "middle"), **groups).verdict == "refuted"
    flat = {**groups, "middle": around(0.5, -1)}
    assert one(tmp_path / "c", ordered("old", "middle", "young", margin=0.2), **flat).verdict == "too small to matter"
    assert one(tmp_path / "d", ordered("old", "middle", "young", margin=0.0), **flat).verdict == "undecided"


def test_values_rise_with_the_dose_where_no_step_falls(tmp_path):
    doses = {"none": 0.0, "half": 0.5, "full": 1.0}
    groups = {"none": around(0.5), "half": around(0.6, -1), "full": around(0.7)}
    found = one(tmp_path / "a", rising(doses), **groups)
    assert found.verdict == "supported" and found.evidence.estimate == pytest.approx(0.2)
    down = one(tmp_path / "b", falling(doses), **groups)
    assert down.verdict == "refuted" and down.evidence.estimate == pytest.approx(0.2)
    bent = {**groups, "half": around(0.9, -1)}
    assert one(tmp_path / "c", rising(doses), **bent).verdict == "undecided"


def test_scores_of_several_tasks_are_averaged_between_chance_and_the_best(tmp_path):
    asked = study("head", "masks", hypotheses=(superior("masks", over="head"),))
    values = {("head", t): around(0.5) for t in BOTH} | {("masks", t): around(0.6, -1) for t in BOTH}
    directory = declared(asked, tmp_path / "run")
    said = json.loads((directory / "study.json").read_text())
    chances = [said["tasks"][task]["chance"]["accuracy"] for task in BOTH]
    found = verdicts(lived(asked, directory, values)).results[0]
    assert found.scale == "normalised" and found.tasks == BOTH
    assert found.evidence.estimate == pytest.approx(np.mean([0.1 / (1 - chance) for chance in chances]))


def test_a_task_whose_positive_control_is_not_seen_does_not_count(tmp_path):
    assay = superior("weights", over="head", margin=0.05)
    asked = study("head", "masks", "weights", hypotheses=(non_inferior("masks", to="weights", margin=0.1, assay=assay),))
    values = {(group, task): around(0.5, scale) for group, scale in (("head", 1), ("masks", 0.5)) for task in BOTH}
    values |= {("weights", SENTIMENT): around(0.8, -1), ("weights", ENTAILMENT): around(0.5, -1)}
    found = verdicts(lived(asked, declared(asked, tmp_path / "a"), values)).results[0]
    assert found.tasks == (SENTIMENT,) and found.unseen == (ENTAILMENT,) and found.scale == "normalised"
    assert found.verdict == "refuted", "on both tasks together it would be less clear"
    values[("weights", SENTIMENT)] = around(0.5, -1)
    blind = verdicts(lived(asked, declared(asked, tmp_path / "b"), values)).results[0]
    assert blind.verdict == "not testable" and "seen on none of its tasks" in blind.why and blind.unseen == BOTH


def test_the_family_shares_one_error_by_holm(tmp_path):
    hypotheses = (superior("b", over="a", margin=0.0), superior("c", over="a", margin=0.0), superior("d", over="a"))
    alone = tuple(replace(each, secondary=True) for each in hypotheses[1:])
    values = scores(a=0.0, b=0.0, c=0.0, d=0.5)
    values["b", SENTIMENT] = values["a", SENTIMENT] + around(0.0105)
    values["c", SENTIMENT] = values["a", SENTIMENT] + around(0.0)
    shared = study("a", "b", "c", "d", tasks=(task_named(SENTIMENT),), hypotheses=hypotheses)
    apart = replace(shared, hypotheses=(hypotheses[0], *alone))
    together = verdicts(lived(shared, declared(shared, tmp_path / "a"), values)).results
    assert 0.025 < together[0].evidence.p < 0.05
    assert [each.verdict for each in together] == ["undecided", "undecided", "supported"]
    assert together[0].level == pytest.approx(0.025), "after the first of three, two are left"
    single = verdicts(lived(apart, declared(apart, tmp_path / "b"), values)).results
    assert [each.verdict for each in single] == ["supported", "undecided", "supported"]
    assert [each.role for each in single] == ["primary", "secondary", "secondary"]


def test_with_too_few_pairs_nothing_is_testable(tmp_path):
    asked = study("a", "b", individuals=5, tasks=(task_named(SENTIMENT),), hypotheses=(superior("b", over="a"),))
    values = {("a", SENTIMENT): around(0.5)[:5], ("b", SENTIMENT): around(0.9, -1)[:5]}
    found = verdicts(lived(asked, declared(asked, tmp_path / "run"), values)).results[0]
    assert (
        found.verdict == "not testable" and found.why == "5 of 5 pairs are complete, and 6 at least are needed at this level"
    )


def test_pairs_that_did_not_end_are_missing_and_counted(tmp_path):
    asked = study("a", "b", tasks=(task_named(SENTIMENT),), hypotheses=(superior("b", over="a"),))
    values = {("a", SENTIMENT): around(0.5), ("b", SENTIMENT): around(0.9, -1)}
    ends = {("b", 3): "diverged", ("a", 5): "failed"}
    found = verdicts(lived(asked, declared(asked, tmp_path / "run"), values, status=ends)).results[0]
    assert found.verdict == "supported" and found.evidence.n == 8 and found.individuals == 10


def test_before_all_lives_are_over_nothing_is_decided(tmp_path):
    asked = study("a", "b", tasks=(task_named(SENTIMENT),), hypotheses=(superior("b", over="a"),))
    values = {("a", SENTIMENT): around(0.5), ("b", SENTIMENT): around(0.9, -1)}
    found = verdicts(lived(asked, declared(asked, tmp_path / "run"), values, status={("b", 9): "pending"}))
    assert found.taken == 0 and not found.is_decided
    assert found.results[0].verdict == "undecided" and "first 10 individuals are not all over" in found.results[0].why


SEQUENTIAL = {"tasks": (task_named(SENTIMENT),), "hypotheses": (superior("b", over="a", margin=0.0),)}


def test_a_look_uses_its_own_individuals_and_its_decision_stands(tmp_path):
    asked = study("a", "b", individuals=20, design=Sequential(looks=(10, 20)), **SEQUENTIAL)
    more = np.concatenate([around(0.1), around(-0.3, -1)])
    values = {("a", SENTIMENT): np.full(20, 0.5), ("b", SENTIMENT): 0.5 + more}
    found = verdicts(lived(asked, declared(asked, tmp_path / "run"), values))
    assert found.results[0].verdict == "supported" and found.results[0].look == 1 and found.is_decided
    assert found.results[0].evidence.n == 10 and found.taken == 2
    assert found.results[0].level == pytest.approx(0.0052, abs=1e-4)


def test_a_look_that_is_not_enough_leaves_it_to_the_next(tmp_path):
    asked = study("a", "b", individuals=20, design=Sequential(looks=(10, 20)), **SEQUENTIAL)
    values = {("a", SENTIMENT): np.full(20, 0.5), ("b", SENTIMENT): 0.5 + np.tile(around(0.0105), 2)}
    record = lived(asked, declared(asked, tmp_path / "run"), values)
    first = verdicts(record, looks=1).results[0]
    assert first.verdict == "undecided" and first.evidence.p < 0.05 and "next look is at 20" in first.why
    last = verdicts(record).results[0]
    assert last.verdict == "supported" and last.look == 2 and last.level == pytest.approx(0.048, abs=1e-3)


def test_individuals_beyond_those_declared_confirm_nothing(tmp_path):
    asked = study("a", "b", individuals=10, **SEQUENTIAL)
    directory = declared(asked, tmp_path / "run")
    more = replace(asked, individuals=20)
    values = {("a", SENTIMENT): np.full(20, 0.5), ("b", SENTIMENT): 0.5 + np.tile(around(0.003), 2)}
    found = verdicts(lived(more, declared(more, directory, finished=20), values))
    assert found.results[0].evidence.n == 10 and found.looks == (10,)
    assert [one.individuals for one in found.late] == [20] and found.late[0].finished == 40


def test_what_is_declared_after_values_were_measured_is_post_hoc(tmp_path):
    before, after = superior("b", over="a"), superior("a", over="b", margin=0.0)
    asked = study("a", "b", tasks=(task_named(SENTIMENT),), hypotheses=(before,))
    directory = declared(asked, tmp_path / "run")
    changed = replace(asked, hypotheses=(after,))
    values = {("a", SENTIMENT): around(0.5), ("b", SENTIMENT): around(0.9, -1)}
    found = verdicts(lived(changed, declared(changed, directory, finished=3), values))
    assert [(each.role, each.verdict, each.dropped) for each in found.results] == [
        ("primary", "supported", True),
        ("post hoc", "refuted", False),
    ]
    assert found.late[0].measured > 0 and found.late[0].finished > 0


def test_a_hypothesis_may_be_reworded_and_one_may_be_changed_before_anything_is_measured(tmp_path):
    first, second = superior("b", over="a"), superior("b", over="a", margin=0.1)
    asked = study("a", "b", tasks=(task_named(SENTIMENT),), hypotheses=(first,))
    directory = declared(asked, tmp_path / "run")
    declared(replace(asked, hypotheses=(second,)), directory)
    reworded = replace(second, description="b wins")
    declared(replace(asked, hypotheses=(reworded,)), directory, finished=5)
    values = {("a", SENTIMENT): around(0.5), ("b", SENTIMENT): around(0.9, -1)}
    found = verdicts(lived(asked, directory, values))
    assert len((directory / "hypotheses.jsonl").read_text().splitlines()) == 2
    assert [(each.role, each.hypothesis.margin) for each in found.results] == [("primary", 0.1)] and not found.late


def test_a_record_without_hypotheses_has_no_verdicts(tmp_path):
    plain = study("a", "b")
    record = planted(plain, tmp_path / "run", {"a": 0.0, "b": 0.0})
    assert verdicts(record) is None and not (tmp_path / "run" / "hypotheses.jsonl").exists()
    late = replace(plain, hypotheses=(superior("b", over="a"),))
    declared(late, tmp_path / "run", finished=20)
    found = verdicts(read(tmp_path / "run"))
    assert [each.role for each in found.results] == ["post hoc"] and not found.primary and not found.is_decided


def test_numbers_that_are_none_decide_nothing():
    assert Evidence(0).verdict(0.05) == "undecided" and Evidence(0).p == 1.0 and math.isnan(Evidence(0).low)


def test_a_verdict_must_stand_with_and_without_the_pairs_in_which_one_collapsed(tmp_path):
    better = superior("masks", over="head", margin=0.0)
    head, masks = around(0.7, 0.2), around(0.74, 0.1)
    whole = one(tmp_path / "a", better, head=head, masks=masks)
    assert whole.verdict == "supported" and whole.evidence.collapsed == 0 and math.isnan(whole.evidence.others)
    fallen = head.copy()
    fallen[3] = 0.5
    found = one(tmp_path / "b", better, head=fallen, masks=masks)
    rest = evidence_of(np.delete(masks - fallen, 3), "greater", 0.0)
    assert found.evidence.collapsed == 1 and found.evidence.n == 10
    assert found.evidence.others == pytest.approx(rest.estimate) and found.evidence.others_low == pytest.approx(rest.low)
    assert found.evidence.supported == pytest.approx(
        max(rest.supported, evidence_of(masks - fallen, "greater", 0.0).supported)
    )
    alike = one(tmp_path / "c", superior("masks", over="head", margin=0.0), head=fallen, masks=around(0.7, 0.2))
    assert alike.verdict == "undecided", "the one collapse is all the difference that there is"
    assert alike.evidence.estimate == pytest.approx(0.02, abs=0.002)
    struck = masks.copy()
    struck[3] = 0.5
    harmless = one(tmp_path / "d", non_inferior("masks", to="head", margin=0.02), head=head, masks=struck)
    assert harmless.verdict == "undecided", "the others alone would be no worse"


def test_the_report_says_what_the_pairs_without_a_collapse_show(tmp_path):
    from lifespan.analysis.analysis import Analysis
    from lifespan.report.verdicts import verdict_sections

    fallen = around(0.7, 0.2)
    fallen[3] = 0.5
    asked = study("head", "masks", tasks=(task_named(SENTIMENT),), hypotheses=(superior("masks", over="head", margin=0.0),))
    values = {("head", SENTIMENT): fallen, ("masks", SENTIMENT): around(0.74, 0.1)}
    lived(asked, declared(asked, tmp_path / "run"), values)
    told = verdict_sections(Analysis(tmp_path / "run"))[1][1][0]
    assert "in 1 of them an individual collapsed: 0.040 without them" in told

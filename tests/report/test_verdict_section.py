"""A report leads with the verdicts on what its study declared, or says that nothing was declared."""

import re
from dataclasses import replace

import pytest
from planted import ENTAILMENT, SENTIMENT, declared, planted, study

from lifespan import Sequential, equivalent, non_inferior, superior
from lifespan.analysis.analysis import Analysis
from lifespan.cli.verdicts import power_data
from lifespan.report.html import write_report
from lifespan.report.markdown import brief
from lifespan.report.methods import markdown as methods_text
from lifespan.report.verdicts import NONE_DECLARED, verdict_sections

GROUPS = ("head", "masks", "weights")
ASSAY = superior("weights", over="head", margin=0.05)
HYPOTHESES = (
    superior("masks", over="head", margin=0.05),
    non_inferior("masks", to="weights", margin=0.1, assay=ASSAY),
    equivalent("masks", "weights", margin=0.2, secondary=True),
)
DIFFERENCES = {"head": -0.15, "masks": 0.0, "weights": 0.0}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    asked = study(*GROUPS, individuals=16, hypotheses=HYPOTHESES, design=Sequential(looks=(10, 16)))
    return planted(asked, tmp_path_factory.mktemp("runs") / "planted", DIFFERENCES).directory


def test_the_first_section_is_what_was_predicted(lived, tmp_path):
    page = write_report([lived], tmp_path, pdf=False).read_text()
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
    assert headings[:3] == ["What was predicted", "What was asked", "What came out (descriptive)"]
    first = page[page.index("What was predicted</h2>") : page.index("What was asked</h2>")]
    lead = "Of 2 primary hypotheses, 2 supported (family-wise error 0.05; decided at look 1 of 2, at 10 individuals)."
    assert f'<p class="lead">{lead}</p>' in first
    assert "<td>masks above head</td><td>primary</td><td>supported</td>" in first
    summary = (tmp_path / "summary.md").read_text()
    assert summary.index(lead) < summary.index("## What was asked")
    table = (tmp_path / "tables" / "hypotheses.csv").read_text().splitlines()
    assert len(table) == 1 + len(HYPOTHESES) and "masks no worse than weights" in table[2]


def test_a_sentence_says_what_its_verdict_rests_on(lived):
    sections = dict(verdict_sections(Analysis(lived)))
    primary = sections["Primary hypotheses"]
    assert primary[0].startswith("masks above head: supported (predicted: above 0; differences below 0.05 are too small to")
    assert f"the mean over {SENTIMENT} and {ENTAILMENT}, chance 0 and perfect 1" in primary[0]
    assert "at look 1 of 2; n = 10 pairs" in primary[0] and "p < 0.001, where 0.00" in primary[0]
    (beside,) = sections["Secondary hypotheses (each by itself: no part of the family)"]
    assert beside.startswith("masks equal to weights: supported (predicted: between −0.20 and 0.20;")


def test_methods_say_how_verdicts_are_given(lived):
    text = methods_text(Analysis(lived), [])
    assert "one family-wise error of 0.05 by Holm's step-down" in text
    assert "looked at when 10 and 16 individuals of every group have lived, by O'Brien and Fleming's bounds" in text
    assert "computed for their numbers of individuals by recursive integration (Armitage et al., 1969;" in text


def test_a_study_without_hypotheses_says_so_first(graceful):
    text = brief(Analysis(graceful))
    assert verdict_sections(Analysis(graceful)) == [("", [NONE_DECLARED])]
    assert text.index(NONE_DECLARED) < text.index("## What was asked")
    assert "none has a Holm-adjusted p" not in text and "have a Holm-adjusted p below" not in text
    assert "with n = 4 no Holm-adjusted p over 4 can fall below 0.05, so none is reported here" in text


def test_what_was_changed_when_values_were_there_is_told(tmp_path):
    asked = study("a", "b", hypotheses=(superior("b", over="a"),))
    directory = planted(asked, tmp_path / "run", {"a": 0.0, "b": 0.2}).directory
    declared(replace(asked, hypotheses=(superior("a", over="b"),)), directory, finished=20)
    sections = dict(verdict_sections(Analysis(directory)))
    (late,) = sections["Post hoc (declared when values had been measured: a lead, no test)"]
    assert late.startswith("a above b: refuted")
    (changed,) = sections["What was changed after values had been measured"]
    assert "20 lives over and" in changed and "verdicts are on what was declared before" in changed
    assert "a later version of the study left this hypothesis out" in sections["Primary hypotheses"][0]


def test_a_positive_control_that_is_not_seen_is_named(tmp_path):
    asked = study(*GROUPS, hypotheses=HYPOTHESES[1:2])
    directory = planted(asked, tmp_path / "run", {"head": 0.0, "masks": 0.0, "weights": 0.0}).directory
    sections = verdict_sections(Analysis(directory))
    assert sections[0][1][0].startswith("The primary hypothesis, masks no worse than weights, is not testable")
    assert "its positive control is seen on none of its tasks" in dict(sections)["Primary hypotheses"][0]


def test_several_records_each_lead_with_their_own(lived, tmp_path):
    asked = replace(study("a", "b", hypotheses=(superior("b", over="a"),)), name="other")
    other = planted(asked, tmp_path / "other", {"a": 0.0, "b": 0.2}).directory
    lead = verdict_sections(Analysis([lived, other]))[0][1]
    assert [text.partition(":")[0] for text in lead] == ["planted", "other"]


def test_a_plan_says_what_its_individuals_can_show():
    asked = study(*GROUPS, individuals=16, hypotheses=HYPOTHESES, design=Sequential(looks=(10, 16)))
    first, second, beside = power_data(asked, None)
    assert first["level"] == second["level"] < 0.025 < beside["level"] == 0.05
    assert first["detectable_sd"]["0.8"] < first["detectable_sd"]["0.9"] and first["least_pairs"] == 7
    few = power_data(study(*GROUPS, individuals=5, hypotheses=HYPOTHESES), None)
    assert [each["detectable_sd"]["0.8"] for each in few] == [None] * 3


def test_a_pilot_turns_margins_into_power(lived):
    asked = study(*GROUPS, individuals=12, hypotheses=HYPOTHESES)
    found = power_data(asked, lived)
    assert found[0]["pilot_sd"] == pytest.approx(0.08, abs=0.03)
    assert all(0 < each["power"] <= 1 and each["needed"] >= 6 for each in found)

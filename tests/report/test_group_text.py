"""Groups are described by what differs from the control, from the steps that the record plans."""

from dataclasses import replace

import pytest
from synthetic import GROUPS, write_record

from lifespan.analysis.analysis import Analysis
from lifespan.report.group_text import MOST, group_lines

LIFE = ["Micro()", "Develop(steps=200)", "Learn(rte)", "Age(to=0.5)"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return Analysis(write_record(tmp_path_factory.mktemp("text") / "run")).cohort


def lines(cohort, **lives):
    names = dict(zip(GROUPS, (lives.get("control", LIFE), lives.get("second", LIFE), lives.get("third", LIFE)), strict=True))
    groups = {
        name: {**group, "timeline": [{"step": n, "describe": text} for n, text in enumerate(names[name])]}
        for name, group in cohort.groups.items()
    }
    return dict(group_lines(Analysis(replace(cohort, groups=groups))))


def test_equal_docs_are_not_repeated_but_the_difference_is_said(cohort):
    ill = [*LIFE[:2], "Suffer(LabelNoise(severity=0.5))", *LIFE[2:]]
    found = lines(cohort, second=ill, third=[*LIFE[:3], "Age(to=0.9)"])
    assert found["healthy"] == "The healthy life. (the control)"
    assert found["unstable"] == "as healthy, but Suffer(LabelNoise(severity=0.5)) before Learn(rte)"
    assert found[GROUPS[2]] == "as healthy, but Age(to=0.9) instead of Age(to=0.5)"


def test_a_group_that_lives_the_controls_life_says_so_and_many_differences_are_counted(cohort):
    other = [text for event in LIFE for text in (event, f"more after {event}")]
    found = lines(cohort, third=other)
    assert found["unstable"] == "the life of healthy"
    assert found[GROUPS[2]].endswith(f"; differs from healthy in {MOST + 1} places")


def test_without_planned_events_the_groups_own_words_stay(cohort):
    assert dict(group_lines(Analysis(cohort)))["unstable"] == "The unstable life."

"""The answer in short: what it says for few groups, for many, and for records that compare nothing."""

from dataclasses import replace

import pandas as pd
import pytest
from synthetic import GROUPS, write_record

from lifespan.analysis.analysis import Analysis
from lifespan.report import lead
from lifespan.report.lives import lives


@pytest.fixture(scope="module")
def analysis(graceful):
    return Analysis(graceful)


class Tables:
    """What the answers read, planted."""

    class cohort:
        control = "sham"

    def __init__(self, differences, *, forgetting=(), known=True):
        half = 0.1 if known else float("nan")
        rows = [(group, task, value, value - half, value + half) for group, task, value in differences]
        self.comparisons = pd.DataFrame(rows, columns=["group", "task", "difference", "low", "high"])
        self.comparisons[["control", "n", "note"]] = "sham", 10, ""
        self.comparisons["clear"] = (self.comparisons["low"] > 0) | (self.comparisons["high"] < 0)
        self.forgetting_means = pd.DataFrame(
            [
                ("last task learned", lead.METRIC, group, value, value - 0.1, value + 0.1, 10, "")
                for group, value in forgetting
            ],
            columns=["moment", "metric", "group", "mean", "low", "high", "n", "note"],
        )
        self.statuses = pd.DataFrame({"group": ["sham"], "individuals": [10], "failed": [0], "diverged": [0]})


def test_few_groups_are_told_one_by_one_with_direction_interval_and_pairs():
    found = lead.answers(Tables([("ill", "rte", -0.5), ("ill", "mrpc", 0.05), ("treated", "rte", 0.02)]))
    assert found == [
        "Against its twins in sham, ill ended lower on rte (difference −0.500, 95% interval −0.600 to −0.400, n = 10 pairs); "
        "on mrpc no difference is clear.",
        "treated did not clearly differ from its twins in sham on rte.",
    ]


def test_many_groups_are_counted_and_the_farthest_named():
    table = Tables([(f"g{place}", "rte", place / 10) for place in range(-4, 5)])
    assert lead.answers(table) == [
        "Of 9 groups compared with the control, sham: 3 ended clearly lower on at least one task, g-4 farthest, on rte "
        "(difference −0.400, 95% interval −0.500 to −0.300, n = 10 pairs); 3 ended clearly higher on at least one task, g4 "
        "farthest, on rte (difference 0.400, 95% interval 0.300 to 0.500, n = 10 pairs)."
    ]
    alike = Tables([(f"g{place}", "rte", 0.0) for place in range(9)])
    assert lead.answers(alike)[0].endswith("none ended clearly higher or lower, which does not show that nothing differs.")


def test_where_nobody_forgot_no_group_forgot_most():
    none = Tables([("ill", "rte", 0.05)], forgetting=[("ill", 0.0), ("sham", -0.01)])
    assert lead.answers(none)[1] == (
        "Once the last task was learned, no group had forgotten anything: at most 0.000 (95% interval "
        "\N{MINUS SIGN}0.100 to 0.100, n = 10), in ill."
    )


def test_only_what_is_clear_for_the_whole_family_is_told_as_a_difference():
    one = Tables([("ill", "rte", -0.5), ("treated", "rte", -0.5)])
    one.comparisons["clear"] = [True, False]
    assert lead.answers(one)[1] == "treated did not clearly differ from its twins in sham on rte."
    many = Tables([(f"g{place}", "rte", -0.5) for place in range(9)])
    many.comparisons["clear"] = False
    assert lead.answers(many)[0].endswith("none ended clearly higher or lower, which does not show that nothing differs.")


def test_who_forgot_most_comes_first_and_the_control_is_there():
    kept = [("sham", 0.1), ("b", 0.4), ("c", -0.1), ("d", 0.2), ("e", 0.3)]
    (text,) = lead.answers(Tables([], forgetting=kept))
    assert text.startswith("Once the last task was learned, b had forgotten most: 0.400 (95% interval 0.300 to 0.500, n = 10)")
    assert text.endswith(
        "; sham 0.100 (95% interval 0.000 to 0.200, n = 10) and c −0.100 (95% interval −0.200 to 0.000, n = 10)."
    )


def test_without_intervals_the_estimate_is_given_and_called_that():
    (text,) = lead.answers(Tables([("ill", "rte", -0.5)], known=False))
    assert text == "Against its twins in sham, ill ended 0.500 lower on rte: too few pairs (n = 10) for an interval."
    (text,) = lead.answers(Tables([(f"g{place}", "rte", place / 10) for place in range(-4, 5)], known=False))
    ends = "g-4 0.400 lower on rte and g4 0.400 higher on rte"
    assert text == f"No interval can be given (n = 10 pairs). Farthest from the control ended {ends}."


def test_those_that_were_lost_are_named_and_nothing_is_said_of_nothing(analysis, tmp_path):
    assert lead.answers(analysis)[-1] == "Individuals that failed or diverged: 1 of 4 in unstable."
    assert "6 are needed" in lead.trust(analysis)
    young = Analysis(write_record(tmp_path / "young", lived=0))
    assert lead.answers(young) == [] and lead.trust(young) == ""


def test_lives_are_tables_of_which_others_show_what_differs(analysis):
    control, other, third = lives(analysis)
    assert (control.group, control.note, len(control.steps)) == (GROUPS[0], "8 steps", 8)
    assert control.steps[2].optimizer_steps == "60" and control.steps[2].lived == "4 of 4"
    assert [step.lived for step in other.steps] == ["3 of 4"] * 5 and other.note == "5 of 8 steps differ from healthy"
    assert (third.steps, third.note) == ((), "as healthy")
    bare = replace(analysis.cohort, steps=analysis.cohort.steps.iloc[:0])
    assert lives(Analysis(bare)) == []

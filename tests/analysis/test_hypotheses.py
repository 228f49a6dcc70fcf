"""Declared hypotheses: their rule, what they read from a record, and how mistakes in them are said."""

import math

import pandas as pd
import pytest

from lifespan import Study, Weights, read, simulate
from lifespan.analysis.hypotheses import (
    CompletedLives,
    HypothesisResult,
    claim_verdict,
    completed_lives,
    difference_by_task,
    evaluate,
    interval_verdict,
    is_measured,
    values,
)
from lifespan.errors import ScenarioError
from lifespan.study.hypotheses import SHARE_RETAINED, STEPS_RETAINED, Hypothesis, Quantity


def of(*groups, **settings):
    return Quantity(groups, **settings)


def lives_of(rows, tasks, functions=None):
    return CompletedLives(pd.DataFrame(rows), tasks, lambda: functions)


@pytest.mark.parametrize(
    ("prediction", "margin", "low", "high", "n", "verdict"),
    [
        ("greater", 0.02, 0.001, 0.1, 20, "supports"),
        ("greater", 0.02, -0.01, 0.1, 20, "undecided"),
        ("greater", 0.02, -0.01, 0.019, 20, "refutes"),
        ("greater", 0.02, -0.2, -0.1, 20, "refutes"),
        ("greater", 0.02, 0.001, 0.1, 5, "undecided"),
        ("non-inferior", 0.03, -0.02, 0.1, 20, "supports"),
        ("non-inferior", 0.03, -0.04, 0.1, 20, "undecided"),
        ("non-inferior", 0.03, -0.2, -0.031, 20, "refutes"),
        ("below", 0.5, 0.1, 0.4, 20, "supports"),
        ("below", 0.5, 0.4, 0.6, 20, "undecided"),
        ("below", 0.5, 0.6, 0.7, 20, "refutes"),
        ("greater", 0.02, math.nan, math.nan, 20, "undecided"),
        ("equivalent", 0.03, -0.02, 0.02, 20, "supports"),
        ("equivalent", 0.03, -0.02, 0.04, 20, "undecided"),
        ("equivalent", 0.03, 0.031, 0.04, 20, "refutes"),
    ],
)
def test_an_interval_becomes_a_verdict(prediction, margin, low, high, n, verdict):
    assert interval_verdict(prediction, margin, low, high, n) == verdict


def test_an_interval_that_is_one_individuals_doing_supports_nothing():
    assert interval_verdict("greater", 0.02, 0.001, 0.06, 20, p=0.2) == "undecided"
    assert interval_verdict("non-inferior", 0.03, 0.001, 0.06, 20, p=0.2) == "supports"


def results(*words, control="supports", post_hoc=()):
    quantity = of("a")
    tested = [(Hypothesis("x", quantity, quantity), word) for word in words]
    tested += [(Hypothesis("x", quantity, quantity, post_hoc=True), word) for word in post_hoc]
    tested.append((Hypothesis("x", quantity, quantity, positive_control=True), control))
    return [HypothesisResult(hypothesis, 20, 0.0, 0.0, 0.0, 0.0, 0.5, word) for hypothesis, word in tested]


def test_hypotheses_are_weighed_together():
    assert claim_verdict(results("supports", "supports")) == "supports"
    assert claim_verdict(results("refutes", "refutes")) == "refutes"
    assert claim_verdict(results("supports", "undecided")) == "supports in part"
    assert claim_verdict(results("refutes", "undecided")) == "refutes in part"
    assert claim_verdict(results("supports", "refutes", "undecided")) == "in part"
    assert claim_verdict(results("undecided", "undecided")) == "undecided"
    assert claim_verdict(results("supports", "supports", control="undecided")) == "undecided"
    assert claim_verdict(results("supports", post_hoc=("refutes",))) == "supports"
    assert claim_verdict(results("supports", "supports")[:2]) == "undecided", "no positive control"


def test_quantities_are_read_from_a_record(tmp_path):
    from conftest import TASKS, tiny_life

    groups = {"masks": tiny_life(), "weights": tiny_life(by=Weights(steps=6, rate=1e-3))}
    simulate(Study(name="tiny", groups=groups, individuals=2), tmp_path / "tiny", threads=1)
    lives, rows = completed_lives(read(tmp_path / "tiny")), read(tmp_path / "tiny").measurements()
    scores = rows[(rows["probe"] == "Score") & (rows["group"] == "masks") & (rows["metric"] == "accuracy")]
    one = scores[(scores["seed"] == scores["seed"].min()) & (scores["task"] == TASKS[0].title)].sort_values("step")["value"]
    seen = [values(lives, of("masks", tasks=(TASKS[0].title,), reading=reading)) for reading in ("first", "last")]
    assert [part.iloc[0] for part in seen] == [one.iloc[0], one.iloc[-1]]
    both = values(lives, of("masks", "weights"))
    apart = [values(lives, of(group)) for group in ("masks", "weights")]
    assert both.tolist() == pytest.approx(((apart[0] + apart[1]) / 2).tolist())
    gap = evaluate(lives, Hypothesis("x", of("masks"), of("weights")))
    assert gap.n == 2 and gap.estimate == pytest.approx(float((apart[0] - apart[1]).mean())) and gap.verdict == "undecided"


def test_individuals_that_did_not_end_have_no_part(tmp_path):
    from conftest import tiny_life

    simulate(Study(name="tiny", groups={"masks": tiny_life()}, individuals=2), tmp_path / "tiny", threads=1)
    people = tmp_path / "tiny" / "participants.tsv"
    second = people.read_text().splitlines()[-1]
    people.write_text(people.read_text().replace(second, second.replace("done", "diverged")))
    lives = completed_lives(read(tmp_path / "tiny"))
    assert len(values(lives, of("masks"))) == 1 and "Training" not in set(lives.rows["probe"])
    assert set(lives.functions["status"]) <= {"done"}


PLANTED = [
    {"seed": seed, "group": group, "task": task, "probe": "Score", "metric": "f1", "stage": s, "split": split, "value": value}
    for seed in range(6)
    for group, more in (("old", 0.0), ("young", 0.1))
    for task, worth in (("a", 0.0), ("b", 2 * more))
    for s, split, value in (
        *(("learn x", "test", 0.8 + more), ("learn x", "dev", 0.1)),
        *(("age", "test", 0.6), ("age", "test", 0.4 + more + worth), ("age", "dev", 0.2)),
    )
]
TASKS_PLANTED = {name: {"metrics": ["f1"], "chance": {"f1": 0.2}} for name in "ab"}


@pytest.fixture
def planted():
    collapsed = [{**row, "group": "collapsed", "value": math.nan} for row in PLANTED if row["group"] == "old"]
    return lives_of([*PLANTED, *collapsed], TASKS_PLANTED)


def test_a_course_is_of_one_split_and_can_end_with_a_stage(planted):
    readings = [of("old", reading="first"), of("old", stage="learn*"), of("old")]
    assert [values(planted, reading).iloc[0] for reading in readings] == pytest.approx([0.8, 0.8, 0.4])
    equal = evaluate(planted, Hypothesis("x", readings[1], readings[0], "non-inferior", 0.03))
    assert (equal.n, equal.low, equal.high, equal.verdict) == (6, 0.0, 0.0, "supports")


def test_tasks_are_told_apart_and_shares_are_above_chance(planted):
    assert difference_by_task(planted, Hypothesis("x", of("young"), of("old"))) == pytest.approx({"a": 0.1, "b": 0.3})
    share = values(planted, of("old", share_of=of("old", reading="first")))
    assert share.tolist() == pytest.approx([(0.4 - 0.2) / (0.8 - 0.2)] * 6)


def test_no_share_is_taken_of_next_to_nothing(planted):
    """Individuals with less than a tenth of the way from chance to the best are left out, here all of them."""
    rows = [{**row, "value": 0.21} if row["group"] == "young" else row for row in PLANTED]
    assert values(lives_of(rows, TASKS_PLANTED), of("old", share_of=of("young"))).empty
    rows = [{**row, "value": 0.3} if row["group"] == "young" else row for row in PLANTED]
    assert len(values(lives_of(rows, TASKS_PLANTED), of("old", share_of=of("young")))) == 6


def test_a_quantity_can_be_a_difference(planted):
    gained = values(planted, of("young", minus=of("old")))
    assert gained.tolist() == pytest.approx([0.2] * 6)
    assert difference_by_task(planted, Hypothesis("x", of("young", minus=of("old")), of("old"))) == {}


def test_a_score_that_does_not_exist_is_that_of_the_best_constant_answer(planted):
    assert values(planted, of("collapsed")).tolist() == [0.2] * 6


def test_the_last_layer_is_the_one_with_the_largest_number():
    place = {"seed": 0, "group": "a", "task": "x", "probe": "Likeness since 2", "stage": "s", "split": "dev"}
    rows = [{**place, "metric": f"cka/{layer}", "value": layer / 10} for layer in range(11)]
    deep = lives_of(rows, {"x": {"metrics": ["f1"]}})
    assert values(deep, of("a", metric="cka/last", probe="Likeness since *")).tolist() == [1.0]


def test_one_pair_is_told_and_decides_nothing():
    lives = lives_of([row for row in PLANTED if row["seed"] == 0], TASKS_PLANTED)
    one = evaluate(lives, Hypothesis("x", of("young"), of("old")))
    assert (one.n, one.verdict) == (1, "undecided") and one.estimate == pytest.approx(0.2) and math.isnan(one.low)


def test_functions_that_were_not_lost_are_counted():
    table = pd.DataFrame(
        {
            **{"group": ["old"] * 4 + ["ill"], "seed": [0, 0, 1, 1, 0]},
            **{"lost": [True, False, False, False, True], "time": [10.0, 20.0, 30.0, 30.0, 5.0]},
        }
    )
    lives = lives_of(PLANTED, TASKS_PLANTED, table)
    assert values(lives, of("old", metric=SHARE_RETAINED)).to_dict() == {0: 0.5, 1: 1.0}
    assert values(lives, of("old", metric=STEPS_RETAINED)).to_dict() == {0: 15.0, 1: 30.0}


def test_what_a_record_lacks_is_not_measured(planted):
    assert is_measured(planted, Hypothesis("x", of("young"), of("old")))
    assert not is_measured(planted, Hypothesis("x", of("young"), of("elsewhere")))
    assert not is_measured(planted, Hypothesis("x", of("young", probe="Sharpness", metric="trace"), None))
    nobody = evaluate(planted, Hypothesis("x", of("young"), of("elsewhere")))
    assert (nobody.n, nobody.verdict) == (0, "undecided")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Hypothesis("a - b", of("a"), of("b"), "greate"), r"Hypothesis 'a - b': prediction='greate'.*'greater'\?"),
        (lambda: Hypothesis("a - b", of("a"), None, "below", math.nan), r"margin=nan is no finite number"),
        (lambda: Quantity("control"), r"groups='control' is no tuple.*groups=\('control',\)"),
        (lambda: Quantity(()), r"groups=\(\) is no tuple"),
        (lambda: of("a", reading="lats"), r"reading='lats' is not known\. Did you mean 'last'\?"),
    ],
)
def test_a_mistake_is_said_where_it_is_written(made, said):
    with pytest.raises(ScenarioError, match=said):
        made()

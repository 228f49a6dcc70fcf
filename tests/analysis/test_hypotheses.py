"""The page that answers the essay: its rule, what it reads from a record, and that it is up to date."""

import importlib.util
import math
import sys
from pathlib import Path

import pandas as pd
import pytest

from lifespan import Study, Weights, read, simulate

REPORTS = Path(__file__).parents[2] / "reports"


def module(name):
    """A script of `reports/` as a module."""
    known = importlib.util.spec_from_file_location(name, REPORTS / f"{name}.py")
    found = importlib.util.module_from_spec(known)
    sys.modules[name] = found
    known.loader.exec_module(found)
    return found


claims = module("claims")
build = module("build")


@pytest.mark.parametrize(
    ("predicted", "margin", "low", "high", "n", "says"),
    [
        ("more", 0.02, 0.001, 0.1, 20, "supports"),
        ("more", 0.02, -0.01, 0.1, 20, "undecided"),
        ("more", 0.02, -0.01, 0.019, 20, "refutes"),
        ("more", 0.02, -0.2, -0.1, 20, "refutes"),
        ("more", 0.02, 0.001, 0.1, 5, "undecided"),
        ("no less", 0.03, -0.02, 0.1, 20, "supports"),
        ("no less", 0.03, -0.04, 0.1, 20, "undecided"),
        ("no less", 0.03, -0.2, -0.031, 20, "refutes"),
        ("below", 0.5, 0.1, 0.4, 20, "supports"),
        ("below", 0.5, 0.4, 0.6, 20, "undecided"),
        ("below", 0.5, 0.6, 0.7, 20, "refutes"),
        ("more", 0.02, math.nan, math.nan, 20, "undecided"),
        ("alike", 0.03, -0.02, 0.02, 20, "supports"),
        ("alike", 0.03, -0.02, 0.04, 20, "undecided"),
        ("alike", 0.03, 0.031, 0.04, 20, "refutes"),
    ],
)
def test_an_interval_becomes_a_verdict(predicted, margin, low, high, n, says):
    assert claims.judge(predicted, margin, low, high, n) == says


def test_an_interval_that_is_one_individuals_doing_supports_nothing():
    assert claims.judge("more", 0.02, 0.001, 0.06, 20, p=0.2) == "undecided"
    assert claims.judge("no less", 0.03, 0.001, 0.06, 20, p=0.2) == "supports"


def results(*words, control="supports", afterwards=()):
    quantity = claims.of("a")
    tests = [(claims.Test("x", quantity, quantity), word) for word in words]
    tests += [(claims.Test("x", quantity, quantity, afterwards=True), word) for word in afterwards]
    tests.append((claims.Test("x", quantity, quantity, control=True), control))
    return [claims.Found(test, 20, 0.0, 0.0, 0.0, 0.0, 0.5, word) for test, word in tests]


def test_tests_are_weighed_together():
    assert claims.verdict(results("supports", "supports")) == "supports"
    assert claims.verdict(results("refutes", "refutes")) == "refutes"
    assert claims.verdict(results("supports", "undecided")) == "supports in part"
    assert claims.verdict(results("refutes", "undecided")) == "refutes in part"
    assert claims.verdict(results("supports", "refutes", "undecided")) == "in part"
    assert claims.verdict(results("supports", "supports", control="undecided")) == "undecided"
    assert claims.verdict(results("supports", afterwards=("refutes",))) == "supports"
    assert claims.verdict(results("supports", "supports")[:2]) == "undecided", "no positive control"


def test_quantities_are_read_from_a_record(tmp_path, monkeypatch):
    from conftest import TASKS, tiny_life

    lives = {"masks": tiny_life(), "weights": tiny_life(by=Weights(steps=6, rate=1e-3))}
    simulate(Study(name="tiny", groups=lives, individuals=2), tmp_path / "tiny", threads=1)
    monkeypatch.setattr(claims, "HERE", tmp_path)
    claims.rows_of.cache_clear()
    claims.readings.cache_clear()
    rows = read(tmp_path / "tiny").measurements()
    scores = rows[(rows["probe"] == "Score") & (rows["group"] == "masks") & (rows["metric"] == "accuracy")]
    one = scores[(scores["seed"] == scores["seed"].min()) & (scores["task"] == TASKS[0].title)].sort_values("step")["value"]
    seen = [claims.values("tiny", claims.of("masks", tasks=(TASKS[0].title,), at=at)) for at in ("first", "last")]
    assert [part.iloc[0] for part in seen] == [one.iloc[0], one.iloc[-1]]
    both = claims.values("tiny", claims.of("masks", "weights"))
    apart = [claims.values("tiny", claims.of(group)) for group in ("masks", "weights")]
    assert both.tolist() == pytest.approx(((apart[0] + apart[1]) / 2).tolist())
    gap = claims.found("tiny", claims.Test("x", claims.of("masks"), claims.of("weights")))
    assert gap.n == 2 and gap.estimate == pytest.approx(float((apart[0] - apart[1]).mean())) and gap.verdict == "undecided"
    claims.rows_of.cache_clear()
    claims.readings.cache_clear()


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


@pytest.fixture
def planted(monkeypatch):
    tasks = {name: {"metrics": ["f1"], "chance": {"f1": 0.2}} for name in "ab"}
    collapsed = [{**row, "group": "collapsed", "value": math.nan} for row in PLANTED if row["group"] == "old"]
    monkeypatch.setattr(claims, "rows_of", lambda folder: (pd.DataFrame([*PLANTED, *collapsed]), tasks))
    claims.readings.cache_clear()
    yield "planted"
    claims.readings.cache_clear()


def test_a_course_is_of_one_split_and_can_end_with_a_stage(planted):
    readings = [claims.of("old", at="first"), claims.of("old", stage="learn*"), claims.of("old")]
    assert [claims.values(planted, reading).iloc[0] for reading in readings] == pytest.approx([0.8, 0.8, 0.4])
    equal = claims.found(planted, claims.Test("x", readings[1], readings[0], "no less", 0.03))
    assert (equal.n, equal.low, equal.high, equal.verdict) == (6, 0.0, 0.0, "supports")
    assert "all equal" in build.interval(equal.estimate, equal.low, equal.high)


def test_tasks_are_told_apart_and_shares_are_above_chance(planted):
    test = claims.Test("x", claims.of("young"), claims.of("old"))
    assert claims.by_task(planted, test) == pytest.approx({"a": 0.1, "b": 0.3})
    share = claims.values(planted, claims.of("old", over=claims.of("old", at="first")))
    assert share.tolist() == pytest.approx([(0.4 - 0.2) / (0.8 - 0.2)] * 6)


def test_a_score_that_does_not_exist_is_that_of_the_best_constant_answer(planted):
    assert claims.values(planted, claims.of("collapsed")).tolist() == [0.2] * 6


def test_the_last_layer_is_the_one_with_the_largest_number(monkeypatch):
    place = {"seed": 0, "group": "a", "task": "x", "probe": "Likeness since 2", "stage": "s", "split": "dev"}
    rows = pd.DataFrame([{**place, "metric": f"cka/{layer}", "value": layer / 10} for layer in range(11)])
    monkeypatch.setattr(claims, "rows_of", lambda folder: (rows, {"x": {"metrics": ["f1"]}}))
    claims.readings.cache_clear()
    assert claims.values("deep", claims.of("a", metric="cka/last", probe="Likeness since *")).tolist() == [1.0]
    claims.readings.cache_clear()


def test_one_pair_is_told_and_decides_nothing(monkeypatch):
    tasks = {name: {"metrics": ["f1"], "chance": {"f1": 0.2}} for name in "ab"}
    monkeypatch.setattr(claims, "rows_of", lambda folder: (pd.DataFrame(PLANTED).query("seed == 0"), tasks))
    claims.readings.cache_clear()
    one = claims.found("one", claims.Test("x", claims.of("young"), claims.of("old")))
    assert (one.n, one.verdict) == (1, "undecided") and one.estimate == pytest.approx(0.2) and math.isnan(one.low)
    assert build.interval(one.estimate, one.low, one.high) == "+.200 (no interval)"
    claims.readings.cache_clear()


def test_functions_that_were_not_lost_are_counted(monkeypatch):
    table = pd.DataFrame(
        {
            **{"group": ["old"] * 4 + ["ill"], "seed": [0, 0, 1, 1, 0]},
            **{"lost": [True, False, False, False, True], "time": [10.0, 20.0, 30.0, 30.0, 5.0]},
        }
    )
    monkeypatch.setattr(claims, "functions_of", lambda folder: table)
    assert claims.values("planted", claims.of("old", metric=claims.KEPT)).to_dict() == {0: 0.5, 1: 1.0}
    assert claims.values("planted", claims.of("old", metric=claims.LASTED)).to_dict() == {0: 15.0, 1: 30.0}


def test_every_test_of_a_kept_record_finds_its_twins():
    missing = [
        f"{folder}: {result.test.what}"
        for claim in claims.CLAIMS
        for _, folder, results in build.lived(claim)
        for result in results
        if not result.n
    ]
    assert not missing


def test_the_page_of_answers_is_up_to_date():
    page = build.answers()
    assert page == (REPORTS / "answers.md").read_text(encoding="utf-8"), "run: python reports/build.py"
    assert build.gallery(page) == (REPORTS / "index.html").read_text(encoding="utf-8"), "run: python reports/build.py"


def test_the_gallery_links_only_what_is_there():
    import re

    page = (REPORTS / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'(?:href|src)="([^"#]+)"', page)
    own = [link for link in links if not link.startswith("https://")]
    assert own and all((REPORTS / link).is_file() for link in own)
    kept = {path.parent.relative_to(REPORTS).as_posix() for path in REPORTS.rglob("report.html")}
    assert kept == {link.removesuffix("/report.html") for link in links if link.endswith("report.html")}

"""Final scores of a planted record in which one individual collapses, and intervals that count the test items."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from synthetic import GROUPS, write_record

from lifespan.analysis import item_draws, scores
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import gather
from lifespan.record import record
from lifespan.report import sentences
from lifespan.stats import intervals, items

ITEMS = 64


@pytest.fixture
def collapsed(tmp_path):
    """A record of eight individuals, of whom the third of the last group scores 0.01 on both tasks in the end."""
    directory = write_record(tmp_path / "run", individuals=8)
    lines = [json.loads(line) for line in (directory / "measurements.jsonl").read_text().splitlines()]
    for line in lines:
        if (line["group"], line["individual"], line["step"], line["probe"]) == (GROUPS[2], 3, 7, "Score"):
            line["value"] = 0.01
    (directory / "measurements.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Analysis(directory)


def test_a_collapse_stands_beside_the_mean_of_the_others(collapsed):
    final = collapsed.final_scores
    table = collapsed.collapses.set_index(["task", "group"])
    row = table.loc["rte", GROUPS[2]]
    others = final[(final["task"] == "rte") & (final["group"] == GROUPS[2]) & (final["value"] > 0.1)]
    expected = intervals.mean_interval(others["value"].to_numpy())
    assert (row["n"], row["collapsed"], row["broke_off"], row["others_n"]) == (8, 1, 0, 7)
    assert (row["others_low"], row["others_high"]) == pytest.approx((expected.low, expected.high))
    assert (row["share"], row["share_high"]) == pytest.approx((1 / 8, intervals.share_interval(1, 8).high))
    assert row["p"] == 1.0 and row["pairs"] == 7
    assert table.loc["rte", GROUPS[0]]["collapsed"] == 0 and np.isnan(table.loc["rte", GROUPS[0]]["p"])


def test_no_interval_is_printed_over_a_collapse_and_the_report_says_why(collapsed):
    means = collapsed.final_means.set_index(["task", "group"])
    assert means.loc["rte", GROUPS[2]]["note"] == "no interval: 1 of 8 individuals collapsed"
    assert np.isnan(means.loc["rte", GROUPS[2]]["low"]) and np.isfinite(means.loc["rte", GROUPS[0]]["low"])
    gaps = collapsed.comparisons.set_index(["task", "group"])
    assert gaps.loc["rte", GROUPS[2]]["note"] == "no interval: 1 of 8 pairs collapsed"
    told = dict(sentences.results(collapsed))
    assert any("(no interval: 1 of 8 individuals collapsed, n = 8)" in text for text in told["Final scores"])
    assert told["Collapses"][0].startswith(
        f"1 of 8 in {GROUPS[2]} ended near chance on mrpc, far below the others (share 0.12"
    )
    assert "Pairs in which neither twin did differ by" in told["Collapses"][0]
    assert any(text.startswith("On mrpc and rte intervals speak of this test set only") for text in told["Final scores"])


def answered(final, task, draw):
    """Answers whose share of right ones is each final score, rounded to the number of items."""
    rows, labels = [], draw.integers(0, 2, size=ITEMS)
    for _, own in final[final["task"] == task].iterrows():
        right = draw.permutation(ITEMS) < round(own["value"] * ITEMS)
        for example in range(ITEMS):
            label = int(labels[example])
            rows.append(
                [own["group"], own["individual"], own["seed"], 7, task, example, label, label if right[example] else 1 - label]
            )
    return pd.DataFrame(rows, columns=["group", "individual", "seed", "step", "task", "example", "label", "prediction"])


def test_intervals_count_the_items_that_were_answered(tmp_path):
    cohort = gather([record.read(write_record(tmp_path / "run", individuals=6))])
    final = scores.final_scores(scores.primary_scores(cohort))
    final = final.assign(value=(final["value"] * ITEMS).round() / ITEMS)
    answers = answered(final, "rte", np.random.default_rng(4))
    draws = item_draws.item_draws(cohort, answers, final)
    assert set(draws) == {("rte", group) for group in GROUPS}
    means, alone = (scores.final_means(cohort, final, known).set_index(["task", "group"]) for known in (draws, None))
    own, before = means.loc["rte", "healthy"], alone.loc["rte", "healthy"]
    right = answers[answers["group"] == "healthy"].assign(right=lambda rows: rows["label"] == rows["prediction"])
    cells = right.pivot_table(index="seed", columns="example", values="right").to_numpy(dtype=float)
    expected = items.crossed_mean(cells)
    assert (own["items"], before["items"], means.loc["mrpc", "healthy"]["items"]) == (ITEMS, 0, 0)
    assert own["low"] < before["low"] and own["mean"] == before["mean"]
    assert (own["low"], own["high"]) == pytest.approx((expected.low, expected.high), abs=0.02)
    gaps = scores.comparisons(cohort, final, dict.fromkeys(cohort.tasks, cohort.control), draws).set_index(["task", "group"])
    assert gaps.loc["rte", GROUPS[2]]["items"] == ITEMS and gaps.loc["mrpc", GROUPS[2]]["items"] == 0


def test_answers_of_another_moment_or_of_words_are_left_out(tmp_path):
    cohort = gather([record.read(write_record(tmp_path / "run", individuals=4))])
    final = scores.final_scores(scores.primary_scores(cohort))
    final = final.assign(value=(final["value"] * ITEMS).round() / ITEMS)
    answers = answered(final, "rte", np.random.default_rng(5))
    assert item_draws.item_draws(cohort, answers, final.assign(value=final["value"] - 0.25)) == {}
    assert item_draws.item_draws(cohort, answers.assign(word=0), final) == {}
    assert item_draws.item_draws(cohort, answers.iloc[:0], final) == {}


def test_no_other_interval_is_printed_over_a_collapse_either(collapsed):
    forgotten = collapsed.forgetting_means.set_index(["moment", "metric", "group"])
    struck = forgotten.xs(GROUPS[2], level="group")
    assert struck["low"].isna().all() and (struck["note"] == "no interval: an individual collapsed").all()
    assert forgotten.xs(GROUPS[0], level="group")["low"].notna().any()
    outcomes = collapsed.outcome_comparisons
    assert outcomes[outcomes["group"] == GROUPS[2]][["low", "high", "g_low", "g_high"]].isna().all(axis=None)
    assert outcomes[outcomes["group"] == GROUPS[1]]["low"].notna().any()
    memory = collapsed.memory_means
    assert memory[memory["group"] == GROUPS[2]]["low"].isna().all()

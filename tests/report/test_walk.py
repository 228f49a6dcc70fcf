"""From any number of a report back to rows: numbers to tables, tables and marks of figures to the record's own rows."""

from __future__ import annotations

import math
import re

import html5lib
import numpy as np
import pandas as pd
import pytest
from synthetic_looks import GROUPS, TASKS, write_looks

from lifespan.record import record
from lifespan.report.html import write_report

HTML = "{http://www.w3.org/1999/xhtml}"
NUMBER = re.compile(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w])")


@pytest.fixture(scope="module", params=["graceful", "looks"])
def run(request, tmp_path_factory):
    if request.param == "graceful":
        return request.getfixturevalue("graceful")
    directory = write_looks(tmp_path_factory.mktemp("walk") / request.param)
    write_report([directory])
    return directory


def tables(run):
    return {path.stem: pd.read_csv(path) for path in (run / "tables").glob("*.csv")}


def known_numbers(found):
    """Every numeric cell, as a report may show it: to 0 to 4 digits, or three significant ones, with and without its sign."""
    shown = set()
    for table in found.values():
        for name in table:
            values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)
            for value in values[np.isfinite(values)]:
                for each in (value, abs(value)):
                    shown |= {f"{each:.{digits}f}" for digits in range(5)} | {f"{each:.3g}", f"{each:,.0f}"}
    return {text.removeprefix("-") if float(text.replace(",", "")) == 0 else text for text in shown}


def counts(found):
    """Lengths of tables and of their parts: what sentences count."""
    sizes = set()
    for table in found.values():
        sizes.add(len(table))
        for name in table:
            sizes |= set(table[name].value_counts()) | {table[name].nunique()}
    return {str(size) for size in sizes}


def test_every_number_of_the_results_is_in_a_table(run):
    found = tables(run)
    names = {
        str(value) for table in found.values() for name in table for value in table[name].unique() if isinstance(value, str)
    }
    tree = html5lib.HTMLParser(strict=True).parse((run / "report.html").read_text())
    sections = {section.get("aria-labelledby"): section for section in tree.iter(f"{HTML}section")}
    known = known_numbers(found) | counts(found)
    # 95% intervals, p below 0.05 or 0.001, the scale's ends, and half of what was learned.
    conventions = {"95", "0.05", "0.001", "0", "1", "1,000", "100", "0.5", "2"}
    unknown = []
    for name in ("results", "tables"):
        text = " ".join(" ".join(sections[name].itertext()).split())
        for each in sorted(names, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", " ", text)
        text = re.sub(r"with n = (\d+) the smallest possible two-sided p is ([\d.]+)", _checked, text, flags=re.IGNORECASE)
        unknown += [
            (number, text[max(0, match.start() - 60) : match.end() + 20])
            for match in NUMBER.finditer(text)
            if (number := match[0].replace("−", "-")) not in known | conventions and number.lstrip("-") not in known
        ]
    unknown = [(number, where) for number, where in unknown if "power" not in where and "would need" not in where]
    assert not unknown, unknown[:5]


def _checked(match):
    assert float(match[2]) == pytest.approx(2.0 ** (1 - int(match[1])), rel=0.01)
    return " "


def test_every_mark_of_an_individual_is_a_row(run):
    rows = record.read(run).measurements()
    values = {}
    for row in rows.itertuples():
        if isinstance(row.value, float) and math.isfinite(row.value):
            values.setdefault((row.group, row.individual, row.task), set()).add(round(row.value, 9))
    checked = 0
    for name in ("trajectories", "sparsity", "sparsity_performance", "plasticity", "dose_response", "loss_slices"):
        path = run / "tables" / f"figure_{name}.csv"
        if not path.exists():
            continue
        for mark in pd.read_csv(path).itertuples():
            places = [getattr(mark, "task", "")] if isinstance(getattr(mark, "task", ""), str) else [""]
            pool = set().union(*(values.get((mark.group, mark.individual, task), set()) for task in [*places, "", *TASKS]))
            if name == "plasticity":  # Means over tasks.
                assert math.isfinite(mark.value)
                continue
            assert round(mark.value, 9) in pool, (name, mark)
            checked += 1
    assert checked > 100


def test_outcomes_of_individuals_are_rows_or_made_of_them(run):
    found = tables(run)
    rows = record.read(run).measurements()
    for each in found["outcomes_individuals"].itertuples():
        if each.outcome == "forgetting_max_normalised":
            continue
        own = rows[(rows["group"] == each.group) & (rows["individual"] == each.individual) & (rows["step"] == each.step)]
        assert np.isclose(own["value"].to_numpy(dtype=float), each.value).any(), each
    assert set(found["outcomes"]["group"]) <= set(found["outcomes_individuals"]["group"])


def test_paired_estimation_is_of_final_scores(run):
    found = tables(run)
    final = found["final_scores_individuals"].set_index(["group", "seed", "task"])["value"]
    table = found["figure_estimation"]
    control = found["comparisons"]["control"].iloc[0]
    for pair in table.itertuples():
        assert pair.treated == pytest.approx(final[pair.group, pair.seed, pair.task])
        assert pair.control == pytest.approx(final[control, pair.seed, pair.task])
        assert pair.difference == pytest.approx(pair.treated - pair.control)
    assert GROUPS

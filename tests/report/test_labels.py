"""People read labels; rows and tables keep their names."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from synthetic import write_record
from synthetic_looks import write_looks

from lifespan.analysis.analysis import Analysis
from lifespan.report import figures, sentences
from lifespan.report.html import write_report
from lifespan.report.labels import METRICS, metric_label
from lifespan.report.references import REFERENCES


def test_each_label_stands_for_one_name():
    assert len(set(METRICS.values())) == len(METRICS)
    assert metric_label("accuracy") == "accuracy" and metric_label("token_f1") == "token f1"


@pytest.mark.slow
def test_sentences_and_the_page_show_labels_and_the_tables_names(tmp_path):
    run = write_record(tmp_path / "run")
    page = write_report([run]).read_text()
    assert "On mrpc the mean final F1 is" in page and re.search(r">\s*F1\s*<", page) and not re.search(r">\s*f1\s*<", page)
    assert "At the end of life, chance-normalised forgetting (max) is" in page and "forgetting_max" not in page
    assert set(pd.read_csv(run / "tables" / "final_scores.csv")["metric"]) == {"f1", "accuracy"}
    assert "forgetting_max_normalised" in set(pd.read_csv(run / "tables" / "forgetting.csv")["metric"])


def test_the_primary_outcome_is_named_by_its_label(tmp_path):
    cohort = Analysis(write_record(tmp_path / "run")).cohort
    tasks = {title: {**task, "metrics": ["matthews"]} for title, task in cohort.tasks.items()}
    (sentence,) = [text for text in sentences.questions(Analysis(replace(cohort, tasks=tasks))) if "primary outcome" in text]
    assert "Matthews correlation on mrpc" in sentence


def test_a_barrier_to_an_earlier_checkpoint_names_it_in_words(tmp_path):
    cohort = Analysis(write_looks(tmp_path / "looks")).cohort
    first = cohort.measurements.iloc[[0]].assign(task="a", metric="loss@0.5", value=0.5)
    rows = [first.assign(probe=f"Barrier since {moment}") for moment in ("birth", "development", "3")]
    changed = replace(cohort, measurements=pd.concat([cohort.measurements, *rows], ignore_index=True))
    _, table = figures.FIGURES["loss_barriers"].draw(Analysis(changed))
    assert {"with itself at birth", "with itself after development", "with itself after event 3"} < set(table["pairs"])


def test_an_escaped_ampersand_is_read_as_one():
    assert "Progress & Compress" in REFERENCES["schwarz2018progress"].text
    assert r"Progress \& Compress" in REFERENCES["schwarz2018progress"].bibtex()

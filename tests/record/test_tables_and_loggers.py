"""Records outside the report: long tables, Markdown, notebooks, TensorBoard and MLflow."""

from __future__ import annotations

import sys

import html5lib
import pandas as pd
import pytest
from conftest import tiny_life, tiny_study
from rich.console import Console
from synthetic import GROUPS, write_record

import lifespan
from lifespan.cli import display
from lifespan.record.loggers import log
from lifespan.record.record import MEASUREMENT_COLUMNS, TIDY_COLUMNS, dictionary
from lifespan.study.plan import compile_study


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("runs") / "graceful")


def test_the_long_table_has_every_value_and_what_belongs_to_it(run_dir):
    record = lifespan.read(run_dir)
    table, rows = record.tidy(), record.measurements()
    assert list(table) == [*MEASUREMENT_COLUMNS, *TIDY_COLUMNS] and len(table) == len(rows)
    pd.testing.assert_series_equal(table["value"], rows["value"])
    lost = table[table["status"] == "diverged"]
    assert set(lost["group"]) == {"unstable"} and set(lost["individual"]) == {2}
    assert set(table[table["control"]]["group"]) == {GROUPS[0]}
    late = table[(table["step"] == 7) & (table["probe"] == "Score")]
    assert set(late["sparsity"]) == {0.6} and set(late["kind"]) == {"Recover"}
    assert set(table) | {"run"} == set(dictionary()["lifespan table"])


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz", ".tsv"])
def test_tables_are_written_and_read_back(run, run_dir, tmp_path, ending):
    out = tmp_path / f"rows{ending}"
    code, said, _ = run("table", run_dir, run_dir, "--out", out)
    found = pd.read_parquet(out) if ending == ".parquet" else pd.read_csv(out, sep="\t" if ending == ".tsv" else ",")
    assert code == 0 and len(found) == 2 * len(lifespan.read(run_dir).measurements()) and f"{len(found):,} rows" in said
    assert set(found["run"]) == {str(run_dir)}


def test_wrong_tables_are_refused_and_nothing_is_left(run, run_dir, tmp_path):
    code, _, said = run("table", run_dir, "--out", tmp_path / "rows.xlsx")
    assert code == 2 and "has no known ending" in said and ".parquet" in said
    code, _, said = run("table", tmp_path / "nowhere", "--out", tmp_path / "rows.csv")
    assert code == 2 and "there is no such run directory" in " ".join(said.split())
    assert list(tmp_path.iterdir()) == []


def test_markdown_tells_the_findings_and_escapes_names(run, run_dir):
    code, said, _ = run("report", run_dir, "--markdown")
    assert code == 0 and "# graceful-aging" in said and "## What came out" in said
    assert "&lt;b>over & pruned&lt;/b>" in said and "<b>" not in said and "<script>" not in said
    assert "chance-normalised forgetting (max)" in said and "11 of 12 individuals lived to the end" in said
    table = [line for line in said.splitlines() if line.startswith("| rte | unstable")]
    assert len(table) == 2 and not (run_dir / "report.html").exists()


def test_a_terminal_of_80_columns_shows_it(run_dir, monkeypatch, capsys):
    monkeypatch.setattr(display, "console", Console(force_terminal=True, width=80))
    from lifespan.cli.simulate import brief_on

    display.show_markdown(brief_on([run_dir]))
    said = capsys.readouterr().out
    assert "────" in said and "What came out" in said and "## " not in said


def parsed(html):
    return html5lib.HTMLParser(strict=True).parseFragment(html)


def test_everything_shows_itself_in_a_notebook(run_dir):
    life = tiny_life("lived")
    study = tiny_study(individuals=2, healthy=life, ill=life)
    plan = compile_study(study, precision="fp32")
    shown = {name: each._repr_html_() for name, each in {"life": life, "study": study, "plan": plan}.items()}
    for html in shown.values():
        parsed(html)
        assert "<script" not in html and html.count("learn micro-sentiment") >= 1
    assert "2 groups of 2" in shown["study"] and "4 lives" in shown["plan"]
    record = lifespan.read(run_dir)._repr_html_()
    parsed(record)
    assert "1 diverged in unstable" in record and "&lt;b&gt;over" in record and "<b>over" not in record
    scores = lifespan.read(run_dir).measurements().query("probe == 'Score' and metric == 'f1' and group == 'healthy'")
    assert f"{scores.sort_values('step').groupby('individual')['value'].last().mean():.3f}" in record


def test_tensorboard_reads_what_was_logged(run, run_dir, tmp_path):
    pytest.importorskip("tensorboardX")
    code, said, _ = run("log", run_dir, "--to", "tensorboard", "--out", tmp_path / "tb")
    known = lifespan.read(run_dir).measurements().dropna(subset=["value"])
    assert code == 0 and f"{len(known):,} values" in said and "tensorboard --logdir" in said
    events = sorted((tmp_path / "tb" / "graceful-aging").glob("*/events.*"))
    assert len(events) == 12
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulators.EventAccumulator(str(events[0].parent)).Reload().Scalars("Score/rte/accuracy")
    own = known[
        (known["group"] == GROUPS[2]) & (known["individual"] == 0) & (known["task"] == "rte") & (known["metric"] == "accuracy")
    ]
    assert [round(point.value, 5) for point in found] == [round(value, 5) for value in own["value"]]


@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_what_was_logged(run_dir, tmp_path):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    from mlflow import MlflowClient

    count = log(lifespan.read(run_dir), "mlflow", tmp_path / "ml")
    known = lifespan.read(run_dir).measurements().dropna(subset=["value"])
    assert count == len(known)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'ml' / 'mlflow.db'}")
    (experiment,) = [each for each in client.search_experiments() if each.name == "graceful-aging"]
    lives = client.search_runs([experiment.experiment_id])
    assert len(lives) == 12
    (one,) = [each for each in lives if each.info.run_name == "healthy-000"]
    history = client.get_metric_history(one.info.run_id, "Score/rte/accuracy")
    own = known.query("group == 'healthy' and individual == 0 and task == 'rte' and metric == 'accuracy'")
    assert sorted(point.value for point in history) == pytest.approx(sorted(own["value"]))
    assert one.data.params["status"] == "done" and one.data.params["seed"] == "7"
    with pytest.raises(lifespan.UserError, match="holds the experiment 'graceful-aging' already"):
        log(lifespan.read(run_dir), "mlflow", tmp_path / "ml")


def test_what_is_missing_is_told_with_the_way_to_it(run, run_dir, tmp_path, monkeypatch):
    for extra, package in (("tensorboard", "tensorboardX"), ("mlflow", "mlflow"), ("wandb", "wandb"), ("trackio", "trackio")):
        monkeypatch.setitem(sys.modules, package, None)
        code, _, said = run("log", run_dir, "--to", extra, "--out", tmp_path)
        assert code == 2 and f"pip install 'lifespan[{extra}]'" in " ".join(said.split())
    code, _, said = run("log", run_dir, "--to", "tensorbord")
    assert code == 2 and "Did you mean 'tensorboard'" in said

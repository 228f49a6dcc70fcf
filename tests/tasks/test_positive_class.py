"""A class can be chosen as the positive one: it reaches scores, rows' meanings and the report; old digests stay."""

import numpy as np
import pytest
from conftest import TINY, weights

from lifespan import (
    Glue,
    Items,
    Learn,
    OutOfDomain,
    Probe,
    Readout,
    Response,
    Scenario,
    Score,
    Study,
    WeightNoise,
    read,
    simulate,
)
from lifespan.analysis.analysis import Analysis
from lifespan.errors import ScenarioError
from lifespan.report import methods
from lifespan.report.labels import primary_label
from lifespan.stats import metrics
from lifespan.stats.class_metrics import auc
from lifespan.tasks.table import TableTask
from lifespan.training.evaluation import task_scores

METRICS = ("f1", "auc", "macro_f1", "precision", "recall", "accuracy")


def pairs(tmp_path, name="pairs", **arguments):
    """A table of 60 rows with twice as many of one class as of the other."""
    path = tmp_path / f"{name}.csv"
    rows = [f"the cat sat {i},the dog ran {i},{'duplicate' if i % 3 else 'not_duplicate'}" for i in range(60)]
    path.write_text("\n".join(["first,second,label", *rows]), encoding="utf-8")
    return TableTask(path, **{"name": name, "first": "first", "second": "second", "scored_by": METRICS, **arguments})


def test_the_positive_class_is_the_last_unless_chosen(tmp_path):
    assert pairs(tmp_path).labels == ("duplicate", "not_duplicate") and pairs(tmp_path).positive_class == 1
    assert pairs(tmp_path, positive="duplicate").positive_class == 0
    assert Items(pairs(tmp_path, positive="duplicate")).positive_class == 0


def test_the_digest_changes_only_where_a_class_is_chosen(tmp_path):
    assert "positive" not in pairs(tmp_path).to_data()
    assert pairs(tmp_path, positive="duplicate").to_data()["positive"] == "duplicate"
    assert Glue("qqp").digest() != Glue("qqp", positive="not_duplicate").digest()


def test_scores_are_those_of_the_chosen_class(tmp_path):
    outputs = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 3.0]], dtype=np.float32)
    labels = np.array([0, 1, 0, 1])
    for task, positive in ((pairs(tmp_path), 1), (pairs(tmp_path, positive="duplicate"), 0)):
        found = task_scores(task, outputs, labels)
        assert list(found) == list(METRICS)
        predicted = outputs.argmax(axis=1)
        assert found["f1"] == metrics.f1(predicted, labels, positive)
        assert found["auc"] == auc(outputs, labels, positive) == 0.75
        assert found["recall"] == 0.5
    rare = np.array([0, 0, 0, 1])
    assert task_scores(pairs(tmp_path), outputs, rare)["precision"] == 0.5
    assert task_scores(pairs(tmp_path, positive="duplicate"), outputs, rare)["precision"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positive": "duplicat"}, r"TableTask\(positive='duplicat'\): is no class of the data. Did you mean 'duplicate'\?"),
        ({"positive": "1", "kind": "score", "label": "number", "scored_by": None}, r"has no use for a score"),
        (
            {"positive": "a", "label": "third", "scored_by": ("auc",)},
            r"is one of 3 classes \(a, b, c\), and a positive class is one of two. Leave it out: macro_f1 and auc are means",
        ),
    ],
)
def test_a_positive_class_that_is_none_is_said_before_anything_is_learned(tmp_path, arguments, message):
    path = tmp_path / "rows.csv"
    rows = [f"text {i},other {i},{'duplicate' if i % 2 else 'not_duplicate'},0.5,{'abc'[i % 3]}" for i in range(30)]
    path.write_text("\n".join(["first,second,label,number,third", *rows]), encoding="utf-8")
    task = TableTask(path, **{"name": "rows", "first": "first", "scored_by": ("f1",), **arguments})
    with pytest.raises(ScenarioError, match=message):
        task.examples("train")


def test_arguments_are_checked_where_they_are_typed(tmp_path):
    with pytest.raises(ScenarioError, match=r"TableTask\(positive=1\): must be the name of a class, as text"):
        pairs(tmp_path, positive=1)
    with pytest.raises(ScenarioError, match=r"positive='duplicate'\): is the inner task's business. Write it there"):
        Items(pairs(tmp_path), positive="duplicate")


def test_metrics_of_two_classes_need_two(tmp_path):
    path = tmp_path / "three.csv"
    path.write_text("\n".join(["first,label", *(f"text {i},{'abc'[i % 3]}" for i in range(30))]), encoding="utf-8")
    for metric in ("precision", "recall"):
        task = TableTask(path, name="three", first="first", scored_by=(metric,))
        with pytest.raises(Exception, match=rf"has 3 classes \(a, b, c\), but {metric} needs exactly two.*such as macro_f1"):
            task.load("train")
    assert len(TableTask(path, name="three", first="first", scored_by=("macro_f1", "auc")).load("train")) > 0


def test_a_life_scored_by_area_and_a_chosen_class_says_so_in_rows_and_report(tmp_path):
    task, other = pairs(tmp_path, positive="duplicate"), pairs(tmp_path, "elsewhere", positive="duplicate")
    noise = Response(WeightNoise(), severities=(0.5,))
    probes = Probe(Score(), noise, OutOfDomain("pairs", other), Readout((task,), examples=40))
    life = Scenario(name="scored", subject=TINY, events=(Learn(task, by=weights(4)), probes))
    simulate(Study(name="scored", groups={"one": life}), out=tmp_path / "run", threads=1)
    record = read(tmp_path / "run")
    entry = record.study["tasks"]["pairs"]
    assert entry["positive"] == "duplicate" and entry["chance"]["auc"] == 0.5 and entry["chance"]["recall"] == 1.0
    rows = record.measurements()
    for probe, pattern in (("Score", "{}"), (noise.title, "{}@0.5"), ("pairs on elsewhere", "{}"), ("Readout", "readout_{}")):
        own = rows[rows["probe"] == probe].set_index("metric")["value"]
        assert all(0 <= own[pattern.format(metric)] <= 1 for metric in METRICS), probe
    told = record.dictionary()["tasks"]["pairs"]
    assert told["positive"] == "duplicate" and told["metrics"]["auc"].startswith("Area under the ROC curve")
    assert told["meaning"] == "classes duplicate, not_duplicate; f1, auc, precision, recall of the positive class duplicate"
    analysis = Analysis(tmp_path / "run")
    assert primary_label(analysis.cohort, "pairs") == "F1 of duplicate"
    text = methods.markdown(analysis, [])
    assert "The positive class of F1, precision, recall and the area under the ROC curve is duplicate on pairs." in text

"""A user's own table as a task: formats, splits, and mistakes."""

from __future__ import annotations

import doctest
from dataclasses import replace

import datasets
import numpy as np
import pandas
import pytest

from lifespan.errors import DataError, ScenarioError
from lifespan.tasks import table
from lifespan.tasks.table import TableTask

REVIEWS = 'text,stars\nFine film,3\n"Dull, long",1\n"He said ""no""\nand left",2\nFine again,10\nBad,1\n'


def reviews(tmp_path, content=REVIEWS, file="reviews.csv", **arguments):
    path = tmp_path / file
    path.write_text(content, encoding="utf-8", newline="")
    return TableTask(path, **{"name": "reviews", "first": "text", "label": "stars", **arguments})


def test_doctests_hold():
    assert doctest.testmod(table).failed == 0


def test_csv_follows_quotes(tmp_path):
    task = reviews(tmp_path)
    train, dev = task.load("train"), task.load("dev")
    assert sorted([*train.first, *dev.first]) == sorted(
        ["Fine film", "Dull, long", 'He said "no"\nand left', "Fine again", "Bad"]
    )
    assert (len(train), len(dev)) == (4, 1)
    assert train.second is None
    assert train.labels.dtype == np.int64
    assert task.labels == ("1", "2", "3", "10")
    assert task.metrics == ("accuracy",)
    assert task.splits == ("train", "dev")
    assert task.title == "reviews"


def test_tsv_takes_quotes_as_text_unless_told(tmp_path):
    content = 'text\tstars\n"A\tgood\n"B"\tbad\n'
    task = reviews(tmp_path, content, "reviews.tsv", held_out=0.5)
    assert sorted([*task.load("train").first, *task.load("dev").first]) == ['"A', '"B"']
    content = 'text\tstars\n"A"\tgood\n"B"\tbad\n'
    task = reviews(tmp_path, content, "quoted.tsv", held_out=0.5, quoted=True)
    assert sorted([*task.load("train").first, *task.load("dev").first]) == ["A", "B"]


def test_unusual_line_separators_are_text_in_csv(tmp_path):
    rows = reviews(tmp_path, "text,stars\none\u2028two,1\nthree,2\n", held_out=0.5)
    assert {rows.load("train").first[0], rows.load("dev").first[0]} == {"one\u2028two", "three"}


def test_held_out_rows_depend_on_their_number_only(tmp_path):
    content = "text,stars\n" + "".join(f"row {i},{i % 3}\n" for i in range(50))
    one, other = reviews(tmp_path, content), reviews(tmp_path, content, "copy.csv", name="another")
    assert len(one.load("dev")) == 10
    assert one.load("dev").first == other.load("dev").first
    assert not set(one.load("train").first) & set(one.load("dev").first)
    assert len(one.load("train")) == 40
    assert one.load("train").first == sorted(one.load("train").first, key=lambda text: int(text[4:]))


def test_separate_files_and_thinning(tmp_path):
    (tmp_path / "dev.tsv").write_text("text\tstars\nso-so\t3\n", encoding="utf-8")
    pandas.DataFrame({"text": ["x", "y"], "stars": [1, 2.0]}).to_parquet(tmp_path / "test.parquet")
    task = reviews(tmp_path, dev=tmp_path / "dev.tsv", test=str(tmp_path / "test.parquet"), train_examples=2)
    assert task.splits == ("train", "dev", "test")
    assert [len(task.examples(split)) for split in task.splits] == [2, 1, 2]
    assert len(task.load("train")) == 5
    assert task.load("dev").labels.tolist() == [2]
    assert task.load("test").labels.tolist() == [0, 1]
    with pytest.raises(DataError, match=r"has no split 'validation'. Splits: train, dev, test"):
        task.load("validation")


def test_pairs_with_scores(tmp_path):
    content = "a,b,score\nA dog,A hound,0.9\nA dog,A car,0.1\n"
    task = reviews(tmp_path, content, kind="score", first="a", second="b", label="score", held_out=0.5)
    assert task.labels == ()
    assert task.metrics == ("pearson", "spearman")
    assert task.score_range == (0.0, 1.0)
    assert task.load("train").labels.dtype == np.float64
    assert {*task.load("train").second, *task.load("dev").second} == {"A hound", "A car"}


def test_parquet_with_named_classes_in_a_chosen_order(tmp_path):
    pandas.DataFrame({"text": ["x", "y", "z"], "mood": ["sad", "glad", "sad"]}).to_parquet(tmp_path / "moods.parquet")
    task = TableTask(tmp_path / "moods.parquet", name="moods", first="text", label="mood", classes=("sad", "glad"))
    assert task.labels == ("sad", "glad")
    expected = {"x": 0, "y": 1, "z": 0}
    for split in task.splits:
        rows = task.load(split)
        assert rows.labels.tolist() == [expected[text] for text in rows.first]


def saved(tmp_path, **splits):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    rows = {name: datasets.Dataset.from_dict(data, features=features) for name, data in splits.items()}
    folder = tmp_path / "-".join(splits)
    (datasets.DatasetDict(rows) if len(rows) > 1 else rows["train"]).save_to_disk(str(folder))
    return folder


def test_datasets_folder_with_and_without_validation(tmp_path):
    rows = {"text": ["x", "y"], "label": [1, 0]}
    split = saved(tmp_path, train=rows, validation={"text": ["z"], "label": [1]})
    task = TableTask(split, name="answers", first="text")
    assert task.labels == ("no", "yes")
    assert task.load("train").labels.tolist() == [1, 0]
    assert task.load("dev").first == ["z"]
    assert TableTask(split, name="answers", first="text", classes=("yes", "no")).load("train").labels.tolist() == [0, 1]
    whole = TableTask(saved(tmp_path, train=rows), name="answers", first="text")
    assert (len(whole.load("train")), len(whole.load("dev"))) == (1, 1)


def test_parquet_keeps_class_names(tmp_path):
    folder = saved(tmp_path, train={"text": ["x", "y"], "label": [1, 0]})
    datasets.load_from_disk(str(folder)).to_parquet(str(tmp_path / "rows.parquet"))
    assert TableTask(tmp_path / "rows.parquet", name="answers", first="text").labels == ("no", "yes")


def test_files_are_read_again_only_when_they_change(tmp_path):
    task = reviews(tmp_path)
    assert task.load("train") is replace(task, train_examples=1).load("train")
    reviews(tmp_path, REVIEWS + "More,1\n")
    assert len(task.load("train")) == 5


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("text,stars\nA,1,2\n", {}, r"reviews.csv, line 2: has 3 columns where 2 are expected \(text, stars\)"),
        ('text,stars\n"A\nB",1\nC\n', {}, "line 4: has 1 columns where 2"),
        ('text,stars\n"A"B,1\n', {}, "line 2: is not valid CSV .*or write quoted=False"),
        ("txt,stars\nA,1\nB,2\n", {}, r"reviews.csv: has no column 'text'. Did you mean 'txt'\? Known: txt, stars"),
        ("text,star\nA,1\nB,2\n", {}, r"has no column 'stars'. Did you mean 'star'\?"),
        (REVIEWS, {"second": "reply"}, r"has no column 'reply'. Known: text, stars"),
        ("text,stars\n ,1\nB,2\n", {}, "line 2: 'text' is empty, but must be text. Fill it in or drop the row"),
        ("text,stars\nA,1\nB,\n", {}, "line 3: 'stars' is empty: the row has no label"),
        ("text,stars\nA,1\nB,2.5\n", {}, "line 3: 'stars' is 2.5, a number with a fraction.* Write kind='score'"),
        ("text,stars\nA,1\nB,1\n", {}, "'stars' has 1 class; learning needs at least two"),
        (
            REVIEWS,
            {"classes": ("1", "2", "3")},
            r"line 6: the label '10' is not known. Did you mean '1'\? Known: 1, 2, 3",
        ),
        (REVIEWS, {"scored_by": ("f1",)}, r"has 4 classes \(1, 2, 3, 10\), but f1 needs exactly two"),
        (REVIEWS, {"kind": "score", "scores": (0, 5)}, r"line 6: 'stars' is '10', but must be a number in \[0, 5\]"),
        (
            "text,stars\nA,1\n",
            {"classes": ("1", "2")},
            "has 1 rows; at least 2 are needed to hold one out. Or give a dev",
        ),
        ("", {}, "reviews.csv: is empty. The first line must name the columns"),
    ],
)
def test_mistakes_in_the_table_name_file_row_and_rule(tmp_path, content, arguments, message):
    with pytest.raises(DataError, match=message):
        reviews(tmp_path, content, **arguments).load("train")


def test_labels_of_dev_must_be_known_from_train(tmp_path):
    (tmp_path / "dev.csv").write_text("text,stars\nso-so,7\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"dev.csv, line 2: the label '7' is not known. Known: 1, 2, 3, 10"):
        reviews(tmp_path, dev=tmp_path / "dev.csv").load("train")


def test_missing_and_foreign_sources(tmp_path):
    arguments = {"name": "reviews", "first": "text"}
    with pytest.raises(DataError, match=r"gone.csv: there is no such file or folder. Looked in /"):
        TableTask(tmp_path / "gone.csv", **arguments).load("train")
    with pytest.raises(DataError, match=r"is no folder written by save_to_disk. Files may be .csv, .tsv, .parquet"):
        TableTask(tmp_path, **arguments).load("train")
    (tmp_path / "table").write_text("text\n")
    with pytest.raises(DataError, match=r"table: is no table. Files may be"):
        TableTask(tmp_path / "table", **arguments).load("train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "My Reviews"}, r"TableTask\(name='My Reviews'\): must be a short lower-case name"),
        (
            {"path": "x.xlsx"},
            r"path='x.xlsx'\): is no table. Convert it: `pandas.* Known: .csv, .tsv, .* or a folder",
        ),
        ({"dev": 3}, r"dev=3\): must be a path"),
        ({"kind": "scores"}, r"kind='scores'\): is not known here. Did you mean 'score'\?"),
        ({"held_out": 0}, r"held_out=0\): must be above 0"),
        ({"held_out": 20}, r"must be a number in \[0, 1\)\. For 20 percent write 0.2"),
        ({"classes": ("a", "a")}, "must be a tuple of at least two different class names"),
        ({"classes": ("a", "b"), "kind": "score"}, "has no use for a score"),
        ({"scores": (1, 0), "kind": "score"}, r"must be \(smallest, largest\)"),
        ({"scores": (0, 5)}, "has no use for classes"),
        ({"scored_by": "accuracy"}, "must be a tuple"),
        ({"scored_by": ("acuracy",)}, r"'acuracy' is no metric. Did you mean 'accuracy'\?"),
        ({"scored_by": ("pearson",)}, "'pearson' does not measure classes. For kind='classes': accuracy, f1, matthews"),
        ({"labels": "stars"}, r"TableTask\(labels=...\): there is no such argument. Did you mean 'label'\?"),
    ],
)
def test_arguments_are_checked(arguments, message):
    arguments = {"path": "reviews.csv", "name": "reviews", "first": "text", **arguments}
    with pytest.raises(ScenarioError, match=message):
        TableTask(arguments.pop("path"), **arguments)

"""What is held out of a table: groups together, classes evenly, nothing twice; or nothing at all."""

import numpy as np
import pytest

from lifespan import TableTask
from lifespan.errors import DataError, ScenarioError
from lifespan.tasks._holdout import held_out_rows


def table(tmp_path, rows, header="text,label,person", **arguments):
    (tmp_path / "r.csv").write_text("\n".join([header, *rows]) + "\n")
    return TableTask(tmp_path / "r.csv", **{"name": "reviews", "first": "text", **arguments})


ROWS = [f"text {i},{i % 2},p{i // 5}" for i in range(50)]


def test_rows_of_a_group_are_held_out_together(tmp_path):
    task = table(tmp_path, ROWS, group="person")
    groups = {split: set(task.groups_of(split)) for split in task.splits}
    assert not groups["train"] & groups["dev"] and len(groups["dev"]) == 2 and len(task.load("dev")) == 10
    assert task.load("train").first == [text for i in range(50) if f"p{i // 5}" in groups["train"] for text in [f"text {i}"]]
    again = table(tmp_path, ROWS, group="person", name="another")
    assert again.load("dev").first == task.load("dev").first


def test_groups_of_unequal_size_come_near_the_fraction():
    groups = ["big"] * 60 + [f"small{i}" for i in range(40)]
    kept, out = held_out_rows(100, 0.2, "here", groups=groups)
    assert len(kept) + len(out) == 100 and 0 < len(out) < 100
    assert {groups[i] for i in kept}.isdisjoint({groups[i] for i in out})


def test_every_class_gives_its_share():
    classes = np.array([0] * 90 + [1] * 9 + [2])
    kept, out = held_out_rows(100, 0.2, "here", classes=classes)
    assert np.bincount(classes[out], minlength=3).tolist() == [18, 2, 0]
    assert sorted([*kept, *out]) == list(range(100))


def test_a_stratified_table(tmp_path):
    task = table(tmp_path, [f"text {i},{int(i < 5)},p" for i in range(50)], stratified=True)
    assert np.bincount(task.load("dev").labels).tolist() == [9, 1]


def test_the_plain_draw_is_as_it_was():
    draw = np.random.default_rng(int.from_bytes(__import__("hashlib").sha256(b"held out").digest()[:8], "big"))
    assert held_out_rows(30, 0.2, "here")[1].tolist() == sorted(draw.permutation(30)[:6].tolist())


def test_a_table_to_evaluate_on_only(tmp_path):
    task = table(tmp_path, ROWS, held_out=1.0)
    assert task.splits == ("all", "all") and task.load("all").first == [f"text {i}" for i in range(50)]
    with pytest.raises(DataError, match="has no split 'train'"):
        task.load("train")


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_held_out_file_that_is_the_training_file(tmp_path, split):
    same = table(tmp_path, ROWS, **{split: tmp_path / "r.csv"})
    with pytest.raises(
        DataError, match=rf"holds the rows of the training file .*r.csv\. Name other rows, or leave out {split}="
    ):
        same.load("train")
    (tmp_path / "copy.tsv").write_text((tmp_path / "r.csv").read_text().replace(",", "\t"))
    with pytest.raises(DataError, match=r"copy\.tsv: holds the rows of the training file"):
        table(tmp_path, ROWS, **{split: tmp_path / "copy.tsv"}).load("train")


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        (["a,0,x", "b,1,x"], {"group": "person"}, "has one group of rows only"),
        (["a,0,x", "b,1,", "c,1,y"], {"group": "person"}, "line 3: 'person' is empty: the row belongs to no group"),
        (["a,0,x", "b,1,y"], {"group": "persn"}, "has no column 'persn'. Did you mean 'person'"),
    ],
)
def test_groups_that_cannot_be_held_out(tmp_path, rows, arguments, message):
    with pytest.raises(DataError, match=message):
        table(tmp_path, rows, **arguments).load("train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stratified": True, "group": "person"}, "cannot keep groups together as well"),
        ({"stratified": True, "dev": "dev.csv"}, "has nothing to hold out beside a dev file"),
        ({"stratified": True, "kind": "score"}, "has no classes to divide evenly"),
        ({"stratified": 1}, "must be True or False"),
        ({"held_out": 1.0, "dev": "dev.csv"}, "leaves nothing to learn beside a dev or test file"),
        ({"group": ""}, "must name a column"),
        ({"encoding": "utf8mb4"}, "is no encoding of text. For example: 'utf-8', 'latin-1'"),
        ({"encoding": "gzip"}, "is no encoding of text"),
        ({"delimiter": ", "}, "must be one character"),
        ({"unlabelled": "keep"}, "is not known here.*refuse, drop"),
        ({"classes": {1: "good"}}, "must map labels, as the table writes them, to at least two"),
        ({"classes": {1.5: "good", 2: "bad"}}, "must map labels, as the table writes them"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ScenarioError, match=message):
        TableTask("r.csv", **{"name": "reviews", "first": "text", **arguments})


def test_new_arguments_change_no_digest_by_default():
    plain = TableTask("r.csv", name="reviews", first="text")
    explicit = TableTask(
        "r.csv", name="reviews", first="text", encoding="utf-8", delimiter=None, unlabelled="refuse", group=None
    )
    assert plain.digest() == explicit.digest() and set(plain.to_data()) == {"class", "revision", "path", "name", "first"}
    assert plain.digest() != TableTask("r.csv", name="reviews", first="text", encoding="latin-1").digest()
    mapped = TableTask("r.csv", name="reviews", first="text", classes={0: "bad", 1: "good"})
    assert mapped.to_data()["classes"] == {"0": "bad", "1": "good"}
    assert hash(mapped) == hash(TableTask("r.csv", name="reviews", first="text", classes={0: "bad", 1: "good"}))

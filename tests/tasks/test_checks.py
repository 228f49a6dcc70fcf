"""What is said of rows before anything is learned from them: the absurd is refused, the odd is told, all of it is kept."""

import json
import re

import numpy as np
import pytest
from conftest import TASKS, TINY, weights

from lifespan import (
    Develop,
    Hans,
    Learn,
    MicroText,
    OutOfDomain,
    Probe,
    Scenario,
    Score,
    Study,
    TableTask,
    TextFiles,
    simulate,
)
from lifespan.contracts import Examples
from lifespan.errors import DataError
from lifespan.execution.data_checks import check_data
from lifespan.report.data_text import data_sentences
from lifespan.study.plan import compile_study
from lifespan.tasks.checks import facts_of, oddities, refuse_absurd, share_longer, shared_facts


def table(tmp_path, rows, header="text,label", file="r.csv", **arguments):
    (tmp_path / file).write_text("\n".join([header, *rows]) + "\n")
    return TableTask(tmp_path / file, **{"name": "reviews", "first": "text", **arguments})


def odd(task):
    facts = facts_of(task)
    refuse_absurd(task, facts)
    return list(oddities(task.title, facts))


def test_a_sound_table_is_counted_and_nothing_is_odd(tmp_path):
    task = table(tmp_path, [f"text {i},{'good' if i % 4 else 'bad'}" for i in range(100)])
    facts = facts_of(task)
    majority = np.bincount(task.load("train").labels).max() / 80
    assert facts == {"rows": {"train": 80, "dev": 20}, "classes": 2, "majority": majority, "shared_rows": 0, "held_out": True}
    assert odd(task) == []


def test_a_column_of_texts_is_no_column_of_classes(tmp_path):
    task = table(tmp_path, [f"text {i},good" for i in range(60)], label="text", first="label")
    with pytest.raises(DataError, match=r"has 60 classes in 48 rows to learn from \(text 0, .*\)\. Is label= the column"):
        refuse_absurd(task, facts_of(task))
    few = table(tmp_path, [f"text {i},c{i % 12}" for i in range(60)])
    assert [text for text in odd(few) if "classes" in text] == [
        "reviews: 12 classes in 48 training rows; is the label column the right one?"
    ]


def test_thinning_is_no_mistake_in_the_labels(tmp_path):
    task = table(tmp_path, [f"text {i},c{i % 20}" for i in range(400)], train_examples=10)
    assert any("20 classes in 10 training rows" in text for text in odd(task))


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        (["a,Good", "b,good", "c,bad"] * 5, {}, "the classes 'Good', 'good' differ in spelling alone; classes={...}"),
        (["a,very-good", "b,Very good", "c,bad"] * 5, {}, "the classes 'Very good', 'very-good' differ"),
        ([f"t{i},{int(i == 0)}" for i in range(40)], {}, "of the training rows are of one class"),
        (["a,x", "b,y"] * 20, {"classes": ("x", "y", "z")}, "no training row is of the class 'z'"),
        (["same,x", "same,y"] * 20, {}, "8 of 8 (100%) dev rows are training rows, too"),
        (["a,x", "b,y", "c,", "d,-"], {"unlabelled": "drop"}, "train: without a label, and left out: 2 rows"),
    ],
)
def test_the_odd_is_told(tmp_path, rows, arguments, message):
    assert any(message in text for text in odd(table(tmp_path, rows, **arguments)))


def test_classes_that_are_one_can_be_made_one(tmp_path):
    rows = ["a,Good", "b,good", "c,bad"] * 5
    merged = table(tmp_path, rows, classes={"Good": "good", "good": "good", "bad": "bad"})
    assert merged.labels == ("good", "bad") and not any("spelling" in text for text in odd(merged))


def test_contexts_that_are_in_both_splits_are_told_until_they_are_held_together(tmp_path):
    rows = [f"story {i // 4},question {i},{i % 2},s{i // 4}" for i in range(40)]
    header = "text,asked,label,story"
    loose = table(tmp_path, rows, header, second="asked")
    assert any(re.search(r"of \d+ of 8 \(\d+%\) dev rows the first text stands in .*group=", t) for t in odd(loose))
    held = table(tmp_path, rows, header, second="asked", group="story")
    assert facts_of(held)["shared_groups"] == 0 and facts_of(held)["shared_first"] == 0 and odd(held) == []
    (tmp_path / "dev.csv").write_text(f"{header}\nstory new,question,1,s3\n")
    straddling = table(tmp_path, rows, header, second="asked", group="story", dev=tmp_path / "dev.csv")
    assert any("1 group has rows in train and in dev" in text for text in odd(straddling))


def test_quotes_that_were_found_out_are_told(tmp_path):
    rows = ['"He said ""no"""\tx', "b\ty", "c\tx", "d\ty"]
    task = table(tmp_path, rows, "text\tlabel", "r.tsv")
    assert odd(task) == ["reviews, train: quotes are read as those of CSV, as the file shows; quoted=False reads them as text"]
    whole = table(tmp_path, ['"no"\tx', *rows[1:]], "text\tlabel", "r.tsv")
    assert odd(whole) == ["reviews, train: quotes around 1 cell are read as text; quoted=True takes them away"]
    assert odd(table(tmp_path, rows, "text\tlabel", "r.tsv", quoted=True)) == []


def test_shared_rows_of_pairs():
    def pairs(*texts):
        return Examples([a for a, _ in texts], [b for _, b in texts], np.zeros(len(texts), dtype=np.int64))

    train, dev = pairs(("a", "b"), ("c", "d")), pairs(("a", "b"), ("a", "d"), ("x", "d"))
    assert shared_facts(train, dev) == {"shared_rows": 1, "shared_first": 2, "shared_second": 3}


def test_words_bound_the_share_of_texts_that_are_cut(tmp_path):
    rows = [f"{'word ' * (30 if i < 10 else 3)}{i},{i % 2}" for i in range(40)]
    (tmp_path / "c.txt").write_text("one two three\n" * 3 + "word " * 20 + "\n")
    assert share_longer(TextFiles(tmp_path / "c.txt"), 8) == 0.25
    whole = table(tmp_path, rows, held_out=1.0)
    assert share_longer(whole, 30) == 0.25 and share_longer(whole, 31) == 0


def planned(*events):
    life = Scenario(name="far", subject=TINY, events=events)
    return compile_study(Study(name="far", groups={"one": life}, individuals=1), precision="fp32")


def checked(*events):
    told = []
    return check_data(planned(*events), told.append), told


def test_a_plan_is_checked_once_for_every_source(tmp_path):
    found, told = checked(Develop(MicroText(number=20), steps=1, length=8), Learn(TASKS[0], by=weights(1), length=32))
    assert set(found["learned"]) == {TASKS[0].title} and found["learned"][TASKS[0].title]["longer"] == {"32": 0.0}
    share = found["texts"]["micro-text"]["longer"]["8"]
    assert told == [f"micro-text: at least {share:.0%} of the texts are longer than length=8 tokens, and cut there"]


def test_data_that_are_training_rows_are_no_other_domain(tmp_path):
    train = TASKS[0].examples("train")
    rows = [f'"{text}",{TASKS[0].labels[label]}' for text, label in zip(train.first[:10], train.labels[:10], strict=True)]
    copy = table(tmp_path, rows, name="copy")
    found, told = checked(Learn(TASKS[0], by=weights(1)), Probe(OutOfDomain(TASKS[0].title, copy)))
    title = f"{TASKS[0].title} on copy"
    assert found["evaluated"] == {title: {"data": "copy", "split": "all", "rows": 10, "training_rows": 10}}
    assert told == [f"{title}: 10 of 10 rows are training rows of {TASKS[0].title!r}; they are no other domain"]


def test_a_table_to_evaluate_on_is_not_learned(tmp_path):
    whole = table(tmp_path, ["a,x", "b,y"], held_out=1.0)
    with pytest.raises(DataError, match=r"has no rows to learn from: all of them are to be evaluated on\. Write OutOfDomain"):
        checked(Learn(whole, by=weights(1)))
    assert Hans().splits[0] == Hans().splits[1]


def test_probes_whose_rows_look_the_same_are_told():
    _, told = checked(Learn(TASKS[0], by=weights(1)), Probe(Score(examples=10), Score()))
    assert told == ["Score: two probes of this name are read at one moment, and their rows look the same"]
    assert checked(Learn(TASKS[0], by=weights(1)), Probe(Score(), Score(split="test")), Probe(Score()))[1] == []


def test_it_is_told_once_kept_and_written_of(tmp_path, caplog):
    texts = TASKS[0].examples("train").first[:3]
    rows = [f'"{text}",{label}' for text, label in zip(texts, ("Good", "good", "bad"), strict=True)]
    task = table(tmp_path, rows * 5)
    life = Scenario(name="odd", subject=TINY, events=(Learn(task, by=weights(1)),))
    study = Study(name="odd", groups={"one": life}, individuals=1)
    for times in (1, 1):
        simulate(study, tmp_path / "out")
        assert sum("differ in spelling alone" in record.message for record in caplog.records) == times
    kept = json.loads((tmp_path / "out" / "study.json").read_text())
    assert kept["data_checks"]["learned"]["reviews"]["similar_classes"] == [["Good", "good"]]
    (sentence,) = data_sentences([kept])
    assert sentence.startswith("Data reviews: 12 rows of train and 3 rows of dev, 3 classes, the largest ")
    assert sentence.endswith("3 dev rows also in train.") and data_sentences([{}]) == []


def test_the_absurd_is_refused_before_anything_is_written(tmp_path):
    task = table(tmp_path, [f"text {i},good" for i in range(60)], label="text", first="label")
    life = Scenario(name="odd", subject=TINY, events=(Learn(task, by=weights(1)),))
    with pytest.raises(DataError, match="60 classes in 48 rows"):
        simulate(Study(name="odd", groups={"one": life}, individuals=1), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_fact_is_put_in_words():
    facts = {
        "rows": {"train": 80, "dev": 20},
        "longer": {"64": 0.375, "128": 0.001},
        "shared_rows": 0,
        "shared_groups": 2,
        "reading": {"train": {"quotes": "of the format", "quotes_detected": True, "dropped_without_label": 1}},
    }
    evaluated = {"rte on hans": {"data": "hans", "split": "test", "rows": 300, "training_rows": 0}}
    checks = {"learned": {"rte": facts}, "texts": {"wiki": {"longer": {"64": 0.5}}, "short": {"longer": {"64": 0.0}}}}
    assert data_sentences([{"data_checks": {**checks, "evaluated": evaluated}}] * 2) == [
        "Data rte: 80 rows of train and 20 rows of dev; 2 groups in train and in dev; at least 38% of texts cut at 64 tokens; "
        "1 row of train without a label left out; quotes in train read as part of the format, as the file shows.",
        "Text wiki; at least 50% of texts cut at 64 tokens.",
        "rte on hans: 300 rows of hans.",
    ]

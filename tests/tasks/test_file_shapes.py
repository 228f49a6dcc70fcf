"""Files in the shapes in which others publish them: each is read, or refused with advice that works once it is followed."""

from __future__ import annotations

import gzip
import json
import pathlib
import re
import sqlite3

import datasets
import pandas
import pytest

from lifespan import TableTask, tasks
from lifespan.errors import DataError, UserError

ROWS = {"A fine film": "good", "A dull film": "bad", "Fine acting": "good", "Dull acting": "bad"}
LINES = {"One\nline": "a", "Two\r\nlines": "b"}
SHORT = {"Fine": "good", "Dull": "bad"}
LONG = "very " * 40_000 + "long"


def table(path, **arguments):
    return TableTask(path, **{"name": "reviews", "first": "text", **arguments})


def content(task):
    """Class names by text, over all splits."""
    found = {}
    for split in dict.fromkeys(task.splits):
        rows = task.load(split)
        texts = rows.first if rows.second is None else zip(rows.first, rows.second, strict=True)
        names = task.labels
        found |= {text: names[int(label)] if names else float(label) for text, label in zip(texts, rows.labels, strict=True)}
    return found


def lines(*rows, end="\n"):
    return end.join(rows) + end


PLAIN = lines("text,label", *(f"{text},{label}" for text, label in ROWS.items()))
TABS = PLAIN.replace(",", "\t")
RECORDS = [{"text": text, "label": label} for text, label in ROWS.items()]
NUMBERED = [{"text": text, "label": int(label == "good")} for text, label in ROWS.items()]
NAMED = {"classes": ("bad", "good")}
SHARED = {"name": "scored", "kind": "score", "scores": (0.0, 5.0)}

SHAPES = {
    "CSV": ("r.csv", PLAIN, {}, ROWS),
    "CSV with a byte order mark": ("r.csv", "\ufeff" + PLAIN, {}, ROWS),
    "CSV with line ends of Windows": ("r.csv", PLAIN.replace("\n", "\r\n"), {}, ROWS),
    "CSV with line ends of old Macs": ("r.csv", PLAIN.replace("\n", "\r"), {}, ROWS),
    "TSV with line ends of old Macs": ("r.tsv", TABS.replace("\n", "\r"), {}, ROWS),
    "CSV of Europe": ("r.csv", PLAIN.replace(",", ";"), {"delimiter": ";"}, ROWS),
    "columns parted by bars": ("r.txt", PLAIN.replace(",", "|"), {"delimiter": "|"}, ROWS),
    "padded headers": ("r.tsv", TABS.replace("text\tlabel", "  text \t label "), {}, ROWS),
    "padded labels": ("r.csv", PLAIN.replace(",good", ", good ").replace("text,label", "text,label"), {}, ROWS),
    "an index without a name": (
        "r.csv",
        lines(",text,label", *(f"{i},{text},{label}" for i, (text, label) in enumerate(ROWS.items()))),
        {},
        ROWS,
    ),
    "several columns without names": (
        "r.tsv",
        lines("text\tlabel\t\t", *(f"{text}\t{label}\t\t" for text, label in ROWS.items())),
        {},
        ROWS,
    ),
    "newlines in cells": (
        "r.csv",
        'text,label\n"One\nline",a\n"Two\r\nlines",b\n',
        {},
        {"One\nline": "a", "Two\r\nlines": "b"},
    ),
    "cells of 200,004 characters": ("r.csv", f"text,label\n{LONG},a\nshort,b\n", {}, {LONG: "a", "short": "b"}),
    "TSV without quotes": ("r.tsv", TABS, {}, ROWS),
    "TSV with quotations": (
        "r.tsv",
        'text\tlabel\n"Fine", he said\tgood\nDull 5" disk\tbad\n',
        {},
        {'"Fine", he said': "good", 'Dull 5" disk': "bad"},
    ),
    "TSV of whole quotations": (
        "r.tsv",
        'text\tlabel\n"To be or not"\tgood\nplain\tbad\n',
        {},
        {'"To be or not"': "good", "plain": "bad"},
    ),
    "TSV with the quotes of CSV": (
        "r.tsv",
        'text\tlabel\n"He said ""fine"", and left"\tgood\nplain\tbad\n',
        {},
        {'He said "fine", and left': "good", "plain": "bad"},
    ),
    "TSV with every cell in quotes": (
        "r.tsv",
        '"text"\t"label"\n"Fine"\t"good"\n"Dull"\t"bad"\n',
        {},
        {"Fine": "good", "Dull": "bad"},
    ),
    "TSV with the quotes of CSV, as text": (
        "r.tsv",
        'text\tlabel\n"He said ""fine"""\tgood\nplain\tbad\n',
        {"quoted": False},
        {'"He said ""fine"""': "good", "plain": "bad"},
    ),
    "JSON: a list of records": ("r.json", json.dumps(RECORDS), {}, ROWS),
    "JSON: columns": ("r.json", json.dumps({"text": list(ROWS), "label": list(ROWS.values())}), {}, ROWS),
    "JSON: records under a key": ("r.json", json.dumps({"version": "1.1", "data": RECORDS}), {}, ROWS),
    "JSON: records in records": (
        "r.json",
        json.dumps([{"question": {"stem": text}, "gold": {"answer": label}} for text, label in ROWS.items()]),
        {"first": "question.stem", "label": "gold.answer"},
        ROWS,
    ),
    "JSON lines": ("r.jsonl", lines(*(json.dumps(record) for record in RECORDS)), {}, ROWS),
    "JSON lines called .json": ("r.json", lines(*(json.dumps(record) for record in RECORDS)), {}, ROWS),
    "JSON lines with keys that some rows lack": (
        "r.jsonl",
        lines('{"text": "a", "label": "x"}', "", '{"text": "b", "label": "y", "note": null}'),
        {},
        {"a": "x", "b": "y"},
    ),
    "JSON with whole numbers": ("r.json", json.dumps(NUMBERED), NAMED, ROWS),
    "whole numbers that are named by position": (
        "r.csv",
        PLAIN.replace(",good", ",1").replace(",bad", ",0"),
        NAMED,
        ROWS,
    ),
    "numbers with a point that are whole": (
        "r.csv",
        PLAIN.replace(",good", ",1.0").replace(",bad", ",0.0"),
        {},
        {text: "1" if label == "good" else "0" for text, label in ROWS.items()},
    ),
    "numbers with a point, named": ("r.csv", PLAIN.replace(",good", ",1.0").replace(",bad", ",0.0"), NAMED, ROWS),
    "stars that are named, several to one": (
        "r.csv",
        lines("text,label", "a,1", "b,2", "c,4", "d,5.0"),
        {"classes": {1: "bad", 2: "bad", 4: "good", 5: "good"}},
        {"a": "bad", "b": "bad", "c": "good", "d": "good"},
    ),
    "rows without a label, dropped": (
        "r.csv",
        PLAIN + "Nobody knows,-\nNobody said,\n",
        {"unlabelled": "drop"},
        ROWS,
    ),
    "pairs with scores": (
        "r.tsv",
        lines("a\tb\tlabel", "A dog\tA hound\t4.5", "A dog\tA car\t0.25"),
        {**SHARED, "first": "a", "second": "b"},
        {("A dog", "A hound"): 4.5, ("A dog", "A car"): 0.25},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_read(tmp_path, shape):
    name, text, arguments, expected = SHAPES[shape]
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert content(table(tmp_path / name, **arguments)) == expected
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    assert content(table(tmp_path / f"{name}.gz", **arguments)) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_texts_and_labels_in_files_of_their_own(tmp_path, end):
    (tmp_path / "train.txt").write_text(lines(*ROWS, end=end), newline="")
    (tmp_path / "train.labels").write_text(lines(*ROWS.values(), end=end), newline="")
    task = table((tmp_path / "train.txt", tmp_path / "train.labels"))
    assert content(task) == ROWS
    with pytest.raises(UserError, match="must be 3 files with a line for each row: a, b, label"):
        table((tmp_path / "train.txt", tmp_path / "train.labels"), first="a", second="b")
    (tmp_path / "train.labels").write_text("good\n")
    with pytest.raises(DataError, match=r"as many lines as the files beside it: .*train.txt has 4, .*train.labels has 1\."):
        task.load("train")


def test_parquet_with_numbers_structs_and_classes(tmp_path):
    frame = pandas.DataFrame({"question": [{"stem": text} for text in ROWS], "label": [1.0, 0.0, 1.0, 0.0]})
    frame.to_parquet(tmp_path / "r.parquet")
    for named in (NAMED, {"classes": {0: "bad", 1: "good"}}):
        assert content(table(tmp_path / "r.parquet", first="question.stem", **named)) == ROWS
    as_written = {text: "1" if label == "good" else "0" for text, label in ROWS.items()}
    assert content(table(tmp_path / "r.parquet", first="question.stem")) == as_written


def write(frame, path):
    if path.suffix == ".json":
        frame.to_json(path, orient="records")
    else:
        (frame.to_csv if path.suffix == ".csv" else frame.to_parquet)(path)


@pytest.mark.parametrize("file", ["r.csv", "r.parquet", "r.json"])
def test_one_rule_for_numbers_in_all_formats(tmp_path, file):
    frame = pandas.DataFrame({"text": list(ROWS), "label": [1.0, 0.0, 1.0, 0.0]})
    write(frame, tmp_path / file)
    assert table(tmp_path / file).labels == ("0", "1")
    assert table(tmp_path / file, classes=("0.0", "1.0")).load("train").labels.tolist() == (
        table(tmp_path / file).load("train").labels.tolist()
    )
    frame.loc[1, "label"] = 0.5
    write(frame, tmp_path / f"half-{file}")
    with pytest.raises(DataError, match=r"'label' is 0\.5, a number with a fraction.* Write kind='score'"):
        table(tmp_path / f"half-{file}").load("train")
    assert set(content(table(tmp_path / f"half-{file}", kind="score")).values()) == {0.0, 0.5, 1.0}


def saved(folder, **splits):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])})
    rows = {name: datasets.Dataset.from_dict(data, features=features) for name, data in splits.items()}
    datasets.DatasetDict(rows).save_to_disk(str(folder))
    return folder


HALF = {"text": ["x", "y"], "label": [1, 0]}


def test_a_dataset_dict_has_the_splits_that_it_has(tmp_path):
    whole = saved(tmp_path / "whole", train=HALF, dev={"text": ["d"], "label": [1]}, test={"text": ["t"], "label": [0]})
    assert table(whole).splits == ("train", "dev", "test") and table(whole).load("test").first == ["t"]
    assert table(whole).load("dev").first == ["d"] and not table(whole).holds_out
    other = HALF | {"text": ["u", "v"]}
    hidden = table(saved(tmp_path / "hidden", train=HALF, validation=other, test=HALF | {"label": [-1, -1]}))
    assert hidden.splits == ("train", "dev") and hidden.facts == {"test": {"left_out": "has no labels"}}
    tested = table(saved(tmp_path / "tested", train=HALF, test=other))
    assert tested.splits == ("train", "dev", "test") and tested.holds_out
    assert [len(tested.load(split)) for split in tested.splits] == [1, 1, 2]


def test_a_split_of_another_name_is_named_by_its_folder(tmp_path):
    folder = saved(tmp_path / "odd", training=HALF, matched=HALF | {"text": ["m", "n"]})
    with pytest.raises(DataError, match=r"has no split 'train', but training, matched\. Name the split's own folder") as told:
        table(folder).load("train")
    train, dev = re.findall(r"'([^']*odd/[^']*)'", told.value.remedy)
    assert table(train, dev=dev).load("dev").first == ["m", "n"]


def test_saved_data_one_folder_further_down(tmp_path):
    saved(tmp_path / "imdb" / "plain_text", train=HALF)
    with pytest.raises(DataError, match="It holds saved data") as told:
        table(tmp_path / "imdb").load("train")
    assert len(table(quoted(told)).load("train")) == 1


def quoted(told):
    """The value of the first path in quotes in a remedy."""
    return re.search(r"'([^']+)'", told.value.remedy)[1]


def followed(told):
    """Run the code that a remedy shows."""
    code = re.search(r"`(.+?)`", told.value.remedy)[1]
    return eval(code, {"pandas": pandas, "sqlite3": sqlite3, "pathlib": pathlib, "TABLE": "reviews", **vars(tasks)})


FRAME = pandas.DataFrame({"text": list(ROWS), "label": list(ROWS.values())})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("r.pkl", FRAME.to_pickle),
        ("r.xml", lambda path: FRAME.to_xml(path, index=False, parser="etree")),
        ("r.feather", FRAME.to_feather),
        ("r.dta", lambda path: FRAME.to_stata(path, write_index=False)),
        ("r.sqlite", lambda path: FRAME.to_sql("reviews", sqlite3.connect(path), index=False)),
    ],
)
def test_a_refused_format_is_converted_as_its_message_says(tmp_path, name, write):
    write(tmp_path / name)
    with pytest.raises(UserError, match=r"is no table\. Convert it") as told:
        table(tmp_path / name)
    followed(told)
    assert content(table(tmp_path / "r.csv")) == ROWS


def test_a_workbook_is_converted_as_its_message_says(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"Convert it: `pandas\.read_excel") as told:
        table(tmp_path / "r.xlsx")
    # Reading workbooks needs a package that is not ours; the rows are those it would find.
    monkeypatch.setattr(pandas, "read_excel", lambda path: FRAME)
    followed(told)
    assert content(table(tmp_path / "r.csv")) == ROWS
    (tmp_path / "named.csv").write_bytes(b"PK\x03\x04\x14\x00")
    with pytest.raises(
        DataError, match=r"a zip archive or an Excel workbook, whatever its name\. .* save the workbook's sheet"
    ):
        table(tmp_path / "named.csv").load("train")


def test_folders_of_classes_are_converted_as_their_message_says(tmp_path):
    for number, (text, label) in enumerate(ROWS.items()):
        (tmp_path / "acl" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "acl" / label / f"{number}.txt").write_text(text)
    with pytest.raises(DataError, match=r"Its folders \(bad, good\) look like classes") as told:
        table(tmp_path / "acl").load("train")
    followed(told)
    assert content(table(tmp_path / "acl.csv")) == ROWS


def test_json_that_is_no_list_is_converted_as_its_message_says(tmp_path):
    FRAME.to_json(tmp_path / "r.json")
    with pytest.raises(DataError, match="is no list of records") as told:
        table(tmp_path / "r.json").load("train")
    followed(told)
    assert content(table(tmp_path / "r.jsonl")) == ROWS


def test_tags_of_words_are_another_task(tmp_path):
    (tmp_path / "r.conll").write_text("EU B-ORG\nrejects O\n\nGerman B-MISC\ncall O\n\nPeter B-PER\n\n")
    with pytest.raises(UserError, match=r"For a tag on every word write `TokenTask\('.*r.conll', name=...\)`") as told:
        table(tmp_path / "r.conll")
    if hasattr(tasks, "TokenTask"):
        code = re.search(r"`(.+?)`", told.value.remedy)[1].replace("...", "'tags'")
        assert "B-ORG" in eval(code, vars(tasks)).labels


TURNED = lines("text,label", "Très bien,good", "Garçon,bad", "Naïve,good", "Déjà,bad")


@pytest.mark.parametrize(
    ("encoding", "text", "advice"),
    [
        ("latin-1", TURNED, r"line 2: is not UTF-8\. Try encoding='latin-1', which reads 'Très bien,go.*' here; or save"),
        ("cp1252", TURNED.replace("bien", "“bien”"), "line 2: is not UTF-8. Try encoding='cp1252', which reads"),
        ("utf-16", TURNED, "line 1: is not UTF-8. Try encoding='utf-16'"),
        ("utf-16-le", "text,label\nfine,good\ndull,bad\nfair,good\n", "holds zero bytes. Write encoding='utf-16-le'"),
        ("utf-16-be", "text,label\nfine,good\ndull,bad\nfair,good\n", "holds zero bytes. Write encoding='utf-16-be'"),
    ],
)
def test_an_encoding_is_asked_for_as_its_message_says(tmp_path, encoding, text, advice):
    (tmp_path / "r.csv").write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=advice) as told:
        table(tmp_path / "r.csv").load("train")
    asked = re.search(r"encoding='([^']+)'", told.value.remedy)[1]
    assert content(table(tmp_path / "r.csv", encoding=asked)) == dict(row.split(",") for row in text.strip().split("\n")[1:])


def test_an_encoding_that_is_wrong_is_answered_with_the_right_one(tmp_path):
    (tmp_path / "r.csv").write_text(TURNED, encoding="utf-8")
    with pytest.raises(DataError, match=r"is not ascii\. Try encoding='utf-8'; or save"):
        table(tmp_path / "r.csv", encoding="ascii").load("train")


@pytest.mark.parametrize(
    ("name", "text", "arguments", "message", "then"),
    [
        ("r.csv", "text;label\na, b;x\nc;y\n", {}, "names one column, 'text;label'. Write delimiter=';'", {"delimiter": ";"}),
        ("r.tsv", "text,label\na,x\nc,y\n", {}, "names one column, 'text,label'. Write delimiter=','", {"delimiter": ","}),
        ("r.csv", 'text,label\n"a"b,x\nc,y\n', {}, "line 2: is not valid CSV .* write quoted=False", {"quoted": False}),
        (
            "r.csv",
            "text,label\na,x\nb,y\nc,\n",
            {},
            "line 4: 'label' is empty.* write unlabelled='drop'",
            {"unlabelled": "drop"},
        ),
        (
            "r.csv",
            "text,label\na,0\nb,1\nc,-1\n",
            NAMED,
            "line 4: 'label' is -1: the row has no label.* write unlabelled='drop'",
            {"unlabelled": "drop"},
        ),
        ("r.txt", "text\tlabel\na\tx\nc\ty\n", {}, "Write delimiter= for columns in it", {"delimiter": "\t"}),
        ("r.data", "text|label\na|x\nc|y\n", {}, "Write delimiter= if it is a table of text", {"delimiter": "|"}),
        ("r.csv", "text,label\na,1.5\nc,2\n", {}, "Write kind='score'", {"kind": "score", "scores": (0, 5)}),
    ],
)
def test_what_a_refusal_asks_for_works(tmp_path, name, text, arguments, message, then):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        table(tmp_path / name, **arguments).load("train")
    assert len(table(tmp_path / name, **{**arguments, **then}).load("train")) >= 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.json", '[{"text": "a"},]', r"r.json, line 1: is not valid JSON \(.*\). Look for a missing comma"),
        (
            "r.jsonl",
            '{"text": "a", "label": 1}\n{"text": \n',
            "r.jsonl, line 2: is not valid JSON .* one whole record",
        ),
        ("r.jsonl", '{"text": "a"}\n3\n', "r.jsonl, line 2: is int, not a record with named fields"),
        (
            "r.json",
            '[{"text": ["a", "b"], "label": 0}, {"text": ["c"], "label": 1}]',
            r"'text' is \['a', 'b'\], but must be text. Join",
        ),
        (
            "r.csv",
            "text,label,label\na,x,y\n",
            "r.csv, line 1: names the column 'label' twice. Give every column",
        ),
        ("r.tar.gz", "x", "is no table. Unpack it, and name the file inside"),
        ("r.csv.gz", b"\x1f\x8bnothing", "is no complete gzip file"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=message):
        table(tmp_path / name).load("train")


def test_how_quotes_were_read_is_known(tmp_path):
    def facts(text, name="r.tsv", **arguments):
        (tmp_path / name).write_text(text)
        return table(tmp_path / name, **arguments).facts.get("train")

    assert facts(TABS) is None
    doubled = 'text\tlabel\n"A ""b"""\tx\nc\ty\n'
    assert facts(doubled) == {"quotes": "of the format", "quotes_detected": True}
    assert facts(doubled, quoted=True) == {"quotes": "of the format", "quotes_detected": False}
    kept = {"quotes": "of the text", "cells_kept_in_quotes": 1}
    assert facts('text\tlabel\n"To be"\tx\nc\ty\n') == {**kept, "quotes_detected": True}
    assert facts(doubled, quoted=False) == {**kept, "quotes_detected": False}
    assert facts(PLAIN + "Unknown,\n", "d.csv", unlabelled="drop") == {"dropped_without_label": 1}

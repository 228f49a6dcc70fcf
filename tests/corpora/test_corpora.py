"""Corpora: the text of tasks, plain files, and columns of data sets."""

from __future__ import annotations

import doctest
import gzip

import datasets
import pandas
import pytest

from lifespan.contracts import Corpus
from lifespan.corpora import text
from lifespan.corpora.text import DatasetText, TaskText, TextFiles
from lifespan.errors import DataError, ScenarioError
from lifespan.tasks.table import TableTask

WIKI = " \n = Robert Boulter = \n \n An actor . \n He = she . \n \n = = Career = = \n\n 2 + 2 = 4 \n"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No network, and nothing kept outside the test's own folder."""

    def unreachable(name, config=None, **_):
        raise ConnectionError(f"Couldn't reach {name!r} on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    (tmp_path / "RTE").mkdir()
    rows = "index\tsentence1\tsentence2\tlabel\n0\tIt rains.\tIt is wet.\tentailment\n1\tA.\tB.\tnot_entailment\n"
    (tmp_path / "RTE/train.tsv").write_text(rows, encoding="utf-8")
    monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(tmp_path))


def write(path, content):
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_doctests_hold():
    assert doctest.testmod(text).failed == 0


def test_task_text_keeps_pairs_and_order(tmp_path):
    rows = write(tmp_path / "moods.csv", "text,mood\n" + "".join(f"row {i},{i % 2}\n" for i in range(4)))
    moods = TableTask(rows, name="moods", first="text", label="mood", held_out=0.25, train_examples=2)
    corpus = TaskText(moods, "rte")
    assert isinstance(corpus, Corpus)
    passages = corpus.passages()
    assert passages[:2] == moods.examples("train").first
    assert passages[2:] == [("It rains.", "It is wet."), ("A.", "B.")]
    assert corpus.title == "moods+rte"
    assert corpus == TaskText(moods, "rte")
    assert corpus.digest() != TaskText("rte").digest()
    assert TaskText("rte").to_data() == {"class": "lifespan:TaskText", "revision": 1, "tasks": ["rte"]}


def test_task_text_checks_its_arguments():
    with pytest.raises(ScenarioError, match=r"must name at least one task. For example: TaskText"):
        TaskText()
    with pytest.raises(ScenarioError, match=r"Glue\(name='SST-2'\): is not a task of GLUE. Did you mean 'sst2'\?"):
        TaskText("rte", "SST-2")
    with pytest.raises(ScenarioError, match=r"must be tasks, or names of GLUE tasks"):
        TaskText(3)


def test_text_files_by_line(tmp_path):
    path = write(tmp_path / "wiki.valid.raw", WIKI)
    lines = ["= Robert Boulter =", "An actor .", "He = she .", "= = Career = =", "2 + 2 = 4"]
    assert TextFiles(path).passages() == lines
    assert TextFiles(path, skip_headings=True).passages() == ["An actor .", "He = she .", "2 + 2 = 4"]
    assert TextFiles(path, path).passages() == lines * 2
    assert TextFiles(str(path)).title == "wiki.valid"


def test_text_files_by_paragraph(tmp_path):
    path = write(tmp_path / "letters.txt", "\ufeffDear all,\r\nhello.\r\n\r\n\r\n= Heading =\r\nYours\r\n")
    assert TextFiles(path, by="paragraph").passages() == ["Dear all, hello.", "= Heading = Yours"]
    assert TextFiles(path, by="paragraph", skip_headings=True).passages() == ["Dear all, hello.", "Yours"]


def test_text_files_are_specs(tmp_path):
    corpus = TextFiles("a.txt", "b.txt", by="paragraph")
    assert corpus.to_data() == {
        "class": "lifespan:TextFiles",
        "revision": 1,
        "paths": ["a.txt", "b.txt"],
        "by": "paragraph",
    }
    assert hash(corpus) == hash(TextFiles("a.txt", "b.txt", by="paragraph"))


def test_text_files_mistakes(tmp_path):
    with pytest.raises(ScenarioError, match=r"must name at least one file"):
        TextFiles()
    with pytest.raises(ScenarioError, match=r"by='lines'\): is not known here. Did you mean 'line'\?"):
        TextFiles("a.txt", by="lines")
    with pytest.raises(ScenarioError, match=r"skip_headings=1.*must be True or False"):
        TextFiles("a.txt", skip_headings=1)
    with pytest.raises(ScenarioError, match=r"TextFiles\(split=...\): there is no such argument"):
        TextFiles("a.txt", split="line")
    write(tmp_path / "letters.txt", "= Only a heading =\n")
    with pytest.raises(DataError, match=r"letter.txt: cannot be read .*Did you mean 'letters.txt'\?"):
        TextFiles(tmp_path / "letter.txt").passages()
    with pytest.raises(DataError, match=r"letters.txt: holds no line of text"):
        TextFiles(tmp_path / "letters.txt", skip_headings=True).passages()
    (tmp_path / "latin.txt").write_bytes(b"one\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"latin.txt, line 2: is not UTF-8. Try encoding='latin-1', which reads 'café' here"):
        TextFiles(tmp_path / "latin.txt").passages()
    assert TextFiles(tmp_path / "latin.txt", encoding="latin-1").passages() == ["one", "café"]
    (tmp_path / "packed.txt.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    assert TextFiles(tmp_path / "packed.txt.gz").passages() == ["one", "two"]
    with pytest.raises(ScenarioError, match=r"is no encoding of text\. For example: 'utf-8', 'latin-1'"):
        TextFiles("a.txt", encoding="latin-one")


def test_dataset_text_from_folders_and_parquet(tmp_path):
    rows = datasets.Dataset.from_dict({"text": ["One.", " ", "Two."], "n": [1, 2, 3]})
    rows.save_to_disk(str(tmp_path / "whole"))
    datasets.DatasetDict({"train": rows}).save_to_disk(str(tmp_path / "split"))
    rows.to_parquet(str(tmp_path / "rows.parquet"))
    for source in ("whole", "split", "rows.parquet"):
        corpus = DatasetText(tmp_path / source)
        assert isinstance(corpus, Corpus)
        assert corpus.passages() == ["One.", "Two."]
        assert corpus.title == source.removesuffix(".parquet")
    with pytest.raises(DataError, match=r"has no split 'test'. Known: train"):
        DatasetText(tmp_path / "split", split="test").passages()
    with pytest.raises(DataError, match=r"has no column 'txt'. Did you mean 'text'\? Known: text, n"):
        DatasetText(tmp_path / "split", column="txt").passages()
    with pytest.raises(DataError, match=r"row 1: 'n' is 1, but must be text"):
        DatasetText(tmp_path / "split", column="n").passages()
    pandas.DataFrame({"text": ["", " "]}).to_parquet(tmp_path / "blank.parquet")
    with pytest.raises(DataError, match=r"the column 'text' holds no text"):
        DatasetText(tmp_path / "blank.parquet").passages()


def test_dataset_text_from_the_hub_or_a_folder_of_files(tmp_path, monkeypatch):
    asked = []

    def load_dataset(name, config, *, split):
        asked.append((name, config, split))
        return datasets.Dataset.from_dict({"page": ["One."]})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    corpus = DatasetText("Salesforce/wikitext", column="page", split="train[:1%]", config="wikitext-2-raw-v1")
    assert corpus.passages() == ["One."]
    assert corpus.title == "wikitext/wikitext-2-raw-v1"
    assert DatasetText(tmp_path, column="page").passages() == ["One."]
    assert asked == [("Salesforce/wikitext", "wikitext-2-raw-v1", "train[:1%]"), (str(tmp_path), None, "train")]


def test_dataset_text_mistakes(tmp_path):
    offline = r"DatasetText\(path_or_id='a/b'\): a/b/train could not be loaded \(ConnectionError: .*go online once"
    with pytest.raises(DataError, match=offline):
        DatasetText("a/b").passages()
    with pytest.raises(DataError, match=r"there is no such file or folder. Looked for /"):
        DatasetText(tmp_path / "nowhere").passages()
    path = write(tmp_path / "plain.txt", "One.")
    with pytest.raises(DataError, match=r"plain.txt: is no Parquet file. For plain text write TextFiles\("):
        DatasetText(path).passages()
    with pytest.raises(ScenarioError, match=r"path_or_id=''.*must be a path or the id"):
        DatasetText("")
    with pytest.raises(ScenarioError, match=r"column=''.*must be a name"):
        DatasetText("a/b", column="")
    with pytest.raises(ScenarioError, match=r"config=2.*must be a name or None"):
        DatasetText("a/b", config=2)

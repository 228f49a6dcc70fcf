"""A user's own tagging task: CoNLL-style files, `datasets`, splits, and mistakes."""

from __future__ import annotations

import datasets
import pytest

from lifespan import TagHead, TokenTask
from lifespan.errors import DataError, ScenarioError
from lifespan.testing import check_task

CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

BRUSSELS NNP B-NP B-LOC
"""

UNIVERSAL = (
    "# global.columns = ID FORM LEMMA UPOS\n# sent_id = 1\n# text = vamos al mar\n1\tvamos\tir\tVERB\n"
    "2\tal\ta\tADP\n3\t10 000\t10000\tNUM\n\n1\tmar\tmar\tNOUN\n"
)


def written(tmp_path, content=CONLL, file="train.txt", **arguments):
    (tmp_path / file).write_text(content, encoding="utf-8")
    return TokenTask(tmp_path / file, **{"name": "entities", **arguments})


def rows(examples):
    return dict(zip(examples.first, examples.labels, strict=True))


def test_a_conll_file(tmp_path):
    dev = "-DOCSTART- -X- O O\n\n# NN B-NP O\nPeter NNP B-NP B-PER\n"
    (tmp_path / "dev.txt").write_text(dev)
    task = written(tmp_path, dev=tmp_path / "dev.txt")
    assert rows(task.load("train")) == {
        "EU rejects German call": ("B-ORG", "O", "B-MISC", "O"),
        "Peter Blackburn": ("B-PER", "I-PER"),
        "BRUSSELS": ("B-LOC",),
    }
    assert rows(task.load("dev")) == {"# Peter": ("O", "B-PER")}
    assert task.labels == ("O", "B-LOC", "B-MISC", "B-ORG", "B-PER", "I-PER")
    assert task.head == TagHead(labels=task.labels)
    assert task.metrics == ("span_f1", "tag_accuracy")
    assert task.splits == ("train", "dev")
    check_task(task)


def test_a_word_that_is_a_hash_is_a_word(tmp_path):
    task = written(tmp_path, "a X\n# Y\n\n# Z\nb X\n", held_out=0.5)
    both = rows(task.load("train")) | rows(task.load("dev"))
    assert both == {"a #": ("X", "Y"), "# b": ("Z", "X")}
    assert task.metrics == ("tag_accuracy",), "such tags mark no spans"


def test_columns_by_place_and_by_name(tmp_path):
    chunks = written(tmp_path, label=2)
    named = written(tmp_path, token="word", label="chunk", columns=("word", "pos", "chunk", "entity"))
    assert rows(chunks.load("train")) == rows(named.load("train"))
    assert chunks.labels == ("B-NP", "B-VP", "I-NP")


def test_columns_named_by_the_file_and_lines_that_are_no_words(tmp_path):
    task = written(tmp_path, UNIVERSAL, "es.conllup", token="FORM", label="UPOS", held_out=0.5)
    both = rows(task.load("train")) | rows(task.load("dev"))
    assert both == {"vamos al 10\N{NO-BREAK SPACE}000": ("VERB", "ADP", "NUM"), "mar": ("NOUN",)}
    assert task.metrics == ("tag_accuracy",)
    rest = "\t_" * 6
    words = ("1-2\tdel\t_\t_", "1\tde\tde\tADP", "2\tel\tel\tDET", "2.1\t_\t_\t_", "", "1\tmar\tmar\tNOUN")
    compound = "\n".join(word + rest if word else "" for word in words)
    task = written(tmp_path, compound, "ud.conllu", token=1, label=3, held_out=0.5)
    assert rows(task.load("train")) | rows(task.load("dev")) == {"de el": ("ADP", "DET"), "mar": ("NOUN",)}


def entities(words, tags):
    names = ["O", "B-PER", "I-PER", "B-LOC"]
    label = datasets.Sequence(datasets.ClassLabel(names=names))
    features = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": label})
    return datasets.Dataset.from_dict({"tokens": words, "ner_tags": tags}, features=features)


def test_a_folder_of_datasets(tmp_path):
    train = entities([["Ann", "Lee", "left"], ["Rome"]], [[1, 2, 0], [3]])
    dev = entities([["Bob", "sat"]], [[1, 0]])
    datasets.DatasetDict(train=train, validation=dev).save_to_disk(str(tmp_path / "ner"))
    task = TokenTask(tmp_path / "ner", name="ner", test=tmp_path / "test.parquet")
    dev.to_parquet(tmp_path / "test.parquet")
    assert task.labels == ("O", "B-PER", "I-PER", "B-LOC")
    assert rows(task.load("train")) == {"Ann Lee left": ("B-PER", "I-PER", "O"), "Rome": ("B-LOC",)}
    assert rows(task.load("dev")) == rows(task.load("test")) == {"Bob sat": ("B-PER", "O")}
    assert [len(task.examples(split)) for split in task.splits] == [2, 1, 1]


def test_a_dataset_of_the_hub(monkeypatch):
    """The hub itself is out of reach of tests: what is asked of it, and its columns."""
    asked = []

    def hub(name, config, split, revision=None):
        from lifespan.tasks.reading import _from_dataset

        asked.append((name, config, split))
        return _from_dataset(name, entities([["Ann", "left"], ["Rome"]], [[1, 0], [3]]))

    monkeypatch.setattr("lifespan.tasks.token_task.read_hub", hub)
    task = TokenTask("somebody/ner", name="hub", config="en")
    assert len(task.load("dev")) == 2
    assert asked == [("somebody/ner", "en", "train"), ("somebody/ner", "en", "validation")]


def test_a_hub_out_of_reach_is_told(tmp_path):
    task = TokenTask("nobody/nothing-of-this-name", name="gone")
    with pytest.raises(DataError, match=r"could not be loaded .*Is there such a file\?.*save_to_disk"):
        task.load("train")


def test_held_out_sentences_are_the_same_for_all(tmp_path):
    content = "\n".join(f"w{i} {'A' if i % 2 else 'B'}\n" for i in range(20))
    one, other = written(tmp_path, content), written(tmp_path, content, "copy.txt", name="other")
    assert len(one.load("dev")) == 4
    assert one.load("dev").first == other.load("dev").first
    assert not set(one.load("train").first) & set(one.load("dev").first)
    assert len(written(tmp_path, content, train_examples=5).examples("train")) == 5


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        ("a X\nb X Y\n", {}, r"train.txt, line 2: has 3 columns where 2 are expected. Look for a stray blank or tab"),
        ("a X\n\nb X\nc\n", {}, r"train.txt, line 4: has 1 columns where 2 are expected"),
        ("-DOCSTART- X\n\n", {}, r"train.txt: holds no sentence. Write a word a line"),
        (CONLL, {"token": 7}, r"train.txt: has 4 columns, of which token=7 is none. Count from 0"),
        (CONLL, {"label": "ner"}, r"has no column 'ner'. Its columns have no names: write columns=\(...\), or label=0"),
        (CONLL, {"label": "tga", "columns": ("word", "pos", "chunk", "tag")}, r"no column 'tga'. Did you mean 'tag'\?"),
        ("a X\nb X\n\nc X\n", {}, r"train.txt: has the one tag 'X'; learning needs at least two"),
        ("a X\nb Y\n\nc X\n", {"scored_by": ("span_f1",)}, r"has the tag 'X', but span_f1 needs tags of IOB2 or IOBES"),
        (CONLL, {"tags": ("O", "B-ORG")}, r"line 3: the tag 'B-MISC' is not among .*Or name all tags"),
        ("\ta\tX\n\tb\tY\n", {}, r"line 1: holds the word '', but words must be text that is not empty"),
        ("a\tX\nb\t\n", {}, r"line 1: holds a word without a tag. Only labelled words work"),
        ("a X\nb Y\n", {}, r"has 1 rows; at least 2 are needed to hold one out. Or give a dev file"),
    ],
)
def test_mistakes_in_files(tmp_path, content, arguments, said):
    with pytest.raises(DataError, match=said):
        written(tmp_path, content, **arguments).load("train")


def test_a_tag_that_only_dev_has(tmp_path):
    (tmp_path / "dev.txt").write_text("x A Z\n\n")
    with pytest.raises(DataError, match=r"dev.txt, line 1: the tag 'Z' is not among those of the training data"):
        written(tmp_path, "a A X\nb B Y\n", dev=tmp_path / "dev.txt").load("dev")


@pytest.mark.parametrize(
    ("words", "tags", "said"),
    [
        ([["a", "b"]], [[0]], r"row 1: has 2 words and 1 tags. Give one tag a word"),
        ([["a"], []], [[0], []], r"row 2: has 0 words and 0 tags"),
        ([["a", " "]], [[0, 1]], r"row 1: holds the word ' ', but words must be text"),
        ([["a"]], [[-1]], r"row 1: holds the tag -1, where tags are 0 to 3"),
    ],
)
def test_mistakes_in_datasets(tmp_path, words, tags, said):
    entities(words, tags).save_to_disk(str(tmp_path / "ner"))
    with pytest.raises(DataError, match=said):
        TokenTask(tmp_path / "ner", name="ner").load("train")


def test_a_column_that_is_no_list(tmp_path):
    datasets.Dataset.from_dict({"tokens": ["a b"], "ner_tags": ["X Y"]}).save_to_disk(str(tmp_path / "flat"))
    with pytest.raises(DataError, match=r"row 1: holds no list of words and list of tags. Name columns of lists"):
        TokenTask(tmp_path / "flat", name="flat").load("train")
    with pytest.raises(DataError, match=r"has no column 'pos'"):
        TokenTask(tmp_path / "flat", name="flat", label="pos").load("train")


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"ner.conll: there is no such file or folder. Looked in"):
        TokenTask(tmp_path / "ner.conll", name="gone").load("train")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "My Task"}, r"must be a short lower-case name"),
        ({"token": 1.5}, r"token=1.5\): must be a column's position or name"),
        ({"tags": ("O",)}, r"must be a tuple of at least 2 different names"),
        ({"tags": ["O", "X"]}, r"must be a tuple of at least 2 different names"),
        ({"scored_by": ("accuracy",)}, r"'accuracy' does not measure tags. For tags: tag_accuracy, span_f1"),
        ({"scored_by": ("spanf1",)}, r"'spanf1' is no metric. Did you mean 'span_f1'\?"),
        ({"held_out": 0.0}, r"must be above 0"),
        ({"lable": 1}, r"there is no such argument. Did you mean 'label'\?"),
    ],
)
def test_mistakes_in_arguments(arguments, said):
    with pytest.raises(ScenarioError, match=said):
        TokenTask("train.txt", **{"name": "entities", **arguments})

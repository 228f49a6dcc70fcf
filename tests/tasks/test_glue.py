"""GLUE from every kind of source. Nothing here touches the network; real data is found through LIFESPAN_GLUE_DIR."""

from __future__ import annotations

import doctest
import os
from pathlib import Path

import datasets
import numpy as np
import pandas
import pytest

from lifespan.errors import DataError, ScenarioError
from lifespan.stats import metrics
from lifespan.tasks import glue
from lifespan.tasks.glue import Glue
from lifespan.tasks.glue_formats import FORMATS

REAL = os.environ.get("LIFESPAN_GLUE_DIR")
MNLI_TRAIN = "index\tpromptID\tsentence1\tsentence2\tlabel1\tgold_label"
MNLI_DEV = "index\tpromptID\tsentence1\tsentence2\tlabel1\tlabel2\tlabel3\tgold_label"
RTE = "index\tsentence1\tsentence2\tlabel"
CLASSIC = {
    "cola": (None, ["gj04\t1\t\tThey drank.", "gj04\t0\t*\tThey drank the pub."]),
    "sst2": ("sentence\tlabel", ['a "charming journey \t1', "unwatchable \t0"]),
    "mrpc": (
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String",
        ['1\t3\t4\tHe said "no\tHe refused', "0\t5\t6\tRain\tSnow\r"],
    ),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
        ["1\t2\t3\tWhy?\tHow come?\t1", "4\t5\t6\tWho?\t\t0"],
    ),
    "stsb": ("index\tgenre\tsentence1\tsentence2\tscore", ["0\tnews\tA dog.\tA hound.\t4.800", "1\tnews\tA.\tB.\t0"]),
    "qnli": ("index\tquestion\tsentence\tlabel", ["0\tWhen?\tIn 1066.\tentailment", "1\tWhy?\tGreen.\tnot_entailment"]),
    "rte": (RTE, ["0\tIt rains.\tIt is wet.\tentailment", "1\tIt rains.\tIt is dry.\tnot_entailment"]),
    "wnli": (RTE, ["0\tThe cup fell; it broke.\tThe cup broke.\t1", "1\tThe cup fell.\tThe floor fell.\t0"]),
}
EXPECTED = {
    "cola": [1, 0],
    "sst2": [1, 0],
    "mrpc": [1, 0],
    "qqp": [1, 0],
    "qnli": [0, 1],
    "rte": [0, 1],
    "wnli": [1, 0],
}
HUB_ROWS = {
    "sentence1": ["It rains.", "It rains.", "It snows."],
    "sentence2": ["It is wet.", "It is dry.", "It is cold."],
    "label": [0, 1, 0],
    "idx": [0, 1, 2],
}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No variable, no network: whoever asks the hub is told that it is out of reach."""
    monkeypatch.delenv("LIFESPAN_GLUE_DIR", raising=False)

    def unreachable(name, config=None, **_):
        raise ConnectionError(f"Couldn't reach {name!r} on the Hub\nand a traceback")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)


def write(path: Path, header: str | None, rows: list[str], ending: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [*([] if header is None else [header]), *rows]
    path.write_bytes((ending.join(lines)).encode())
    return path


def classic(folder: Path, name: str) -> Path:
    header, rows = CLASSIC[name]
    for split in ("train", "dev"):
        write(folder / FORMATS[name].folder / f"{split}.tsv", header, rows)
    return folder


def rte_dataset(names=("entailment", "not_entailment"), **columns) -> datasets.Dataset:
    features = datasets.Features(
        {
            "sentence1": datasets.Value("string"),
            "sentence2": datasets.Value("string"),
            "label": datasets.ClassLabel(names=list(names)),
            "idx": datasets.Value("int32"),
        }
    )
    return datasets.Dataset.from_dict({**HUB_ROWS, **columns}, features=features)


@pytest.mark.parametrize("name", CLASSIC)
def test_classic_files(tmp_path, name):
    task = Glue(name, source=classic(tmp_path, name))
    for split in task.splits[:2]:
        rows = task.load(split)
        assert len(rows) == 2
        assert (rows.second is None) == (name in ("cola", "sst2"))
        if name == "stsb":
            assert rows.labels.dtype == np.float64
            assert rows.labels.tolist() == [4.8, 0.0]
        else:
            assert rows.labels.dtype == np.int64
            assert rows.labels.tolist() == EXPECTED[name]


def test_sentences_are_exactly_as_written(tmp_path):
    assert Glue("sst2", source=classic(tmp_path, "sst2")).load("train").first[0] == 'a "charming journey '
    mrpc = Glue("mrpc", source=classic(tmp_path, "mrpc")).load("train")
    assert list(zip(mrpc.first, mrpc.second, strict=True)) == [('He said "no', "He refused"), ("Rain", "Snow")]


def test_byte_order_mark_and_carriage_returns(tmp_path):
    header, rows = CLASSIC["mrpc"]
    write(tmp_path / "MRPC/train.tsv", "\ufeff" + header, [*rows, ""], ending="\r\n")
    assert Glue("mrpc", source=tmp_path).load("train").labels.tolist() == [1, 0]


def test_only_line_feeds_and_tabs_separate(tmp_path):
    write(tmp_path / "RTE/train.tsv", RTE, ["0\tone\u2028two\x0cthree\tfour\x85\tentailment"])
    assert Glue("rte", source=tmp_path).load("train").first == ["one\u2028two\x0cthree"]


def test_mrpc_has_a_labelled_test_split(tmp_path):
    task = Glue("mrpc", source=classic(tmp_path, "mrpc"))
    assert task.splits == ("train", "dev", "test")
    with pytest.raises(DataError, match=r"msr_paraphrase_test\.txt: cannot be read"):
        task.load("test")
    write(tmp_path / "MRPC/msr_paraphrase_test.txt", *CLASSIC["mrpc"])
    assert task.load("test").labels.tolist() == [1, 0]


def test_mnli_reads_gold_labels_and_both_genres(tmp_path):
    write(tmp_path / "MNLI/train.tsv", MNLI_TRAIN, ["0\tn\tA\tB\tneutral\tneutral", "1\tn\tC\tD\tneutral\tcontradiction"])
    row = "0\tn\tA\tB\tneutral\tcontradiction\tneutral"
    write(tmp_path / "MNLI/dev_matched.tsv", MNLI_DEV, [f"{row}\tneutral"])
    write(tmp_path / "MNLI/dev_mismatched.tsv", MNLI_DEV, [f"{row}\tentailment"])
    matched, mismatched = Glue("mnli", source=tmp_path), Glue("mnli-mm", source=tmp_path)
    assert matched.load("train").labels.tolist() == mismatched.load("train").labels.tolist() == [1, 2]
    assert matched.load("dev").labels.tolist() == [1]
    assert mismatched.load("dev").labels.tolist() == [0]
    assert mismatched.title == "mnli-mm"


def test_doctests_hold():
    assert doctest.testmod(glue).failed == 0


def test_official_metrics_and_labels():
    official = {name: Glue(name).metrics for name in FORMATS}
    assert official["cola"] == ("matthews",)
    assert official["stsb"] == ("pearson", "spearman")
    assert official["mrpc"] == official["qqp"] == ("f1", "accuracy")
    assert {official[name] for name in ("sst2", "mnli", "mnli-mm", "qnli", "rte", "wnli")} == {("accuracy",)}
    assert all(metric in metrics.METRICS for chosen in official.values() for metric in chosen)
    assert Glue("rte").labels == Glue("qnli").labels == ("entailment", "not_entailment")
    assert Glue("wnli").labels == ("not_entailment", "entailment")
    assert Glue("mnli-mm").labels == ("entailment", "neutral", "contradiction")
    assert Glue("stsb").labels == ()
    assert Glue("stsb").score_range == (0.0, 5.0)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("SST-2", "sst2"), ("STS-B", "stsb"), ("CoLA", "cola"), ("MNLI_mm", "mnli-mm"), ("mrcp", "mrpc"), ("RTE", "rte")],
)
def test_other_spellings_are_suggested(given, meant):
    with pytest.raises(ScenarioError, match=rf"Glue\(name='{given}'\): is not a task of GLUE. Did you mean '{meant}'\?"):
        Glue(given)


def test_arguments_are_checked():
    with pytest.raises(ScenarioError, match=r"Glue\(name=3\): is not a task"):
        Glue(3)
    with pytest.raises(ScenarioError, match=r"source=''.*must be a folder or the id"):
        Glue("rte", source="")
    with pytest.raises(ScenarioError, match=r"train_examples=0.*whole number"):
        Glue("rte", train_examples=0)


def test_is_a_task(tmp_path):
    task = Glue("rte", source=classic(tmp_path, "rte"), train_examples=1)
    assert len(task.examples("train")) == 1
    assert len(task.examples("dev")) == 2
    assert task.load("train") is Glue("rte", source=str(tmp_path)).load("train")
    assert task.to_data() == {
        "class": "lifespan:Glue", "revision": 1, "name": "rte", "source": str(tmp_path), "train_examples": 1,
    }  # fmt: skip
    assert Glue("rte").to_data() == {"class": "lifespan:Glue", "revision": 1, "name": "rte"}
    for ask in (task.examples, task.load):
        with pytest.raises(DataError, match=r"has no split 'tset'. Splits: train, dev"):
            ask("tset")


def test_mistakes_in_rows_name_file_line_and_rule(tmp_path):
    path = tmp_path / "RTE/train.tsv"

    def attempt(rows, message, header=RTE):
        folder = tmp_path / f"attempt{len(list(tmp_path.iterdir()))}"
        write(folder / "RTE/train.tsv", header, rows)
        with pytest.raises(DataError, match=message):
            Glue("rte", source=folder).load("train")

    good = "0\tA\tB\tentailment"
    attempt([good, "1\tA\tB"], r"train\.tsv, line 3: has 3 columns where 4 are expected \(index, sentence1")
    attempt([good, "", good], r"line 3: has 1 columns where 4")
    attempt([good, "1\tA\tB\tentailed"], r"line 3: the label 'entailed' is not known. Did you mean 'entailment'\?")
    attempt(["1\tA\tB\t-1"], r"line 2: 'label' is '-1': the row has no label.")
    attempt(["1\tA\tB\t"], r"line 2: 'label' is '': the row has no label.")
    attempt(["1\tA\tB"], r"has no column 'label'.*Known: index", header="index\tsentence1\tsentence2")
    attempt(["1\tA\tB\tx"], r"no column 'sentence2'.*Did you mean 'sentence_2'\?", header=RTE.replace("e2", "e_2"))
    attempt([], r"train\.tsv: is empty. The first line must name the columns", header="")
    attempt([], r"line 1: names the column 'label' twice", header="label\tlabel")
    write(path, RTE, [good])
    path.write_bytes(path.read_bytes() + b"\n1\t\xff\tB\tentailment")
    with pytest.raises(DataError, match=r"line 3: is not UTF-8"):
        Glue("rte", source=tmp_path).load("train")


@pytest.mark.parametrize("score", ["5.1", "-0.5", "nan", "", "high"])
def test_scores_lie_between_0_and_5(tmp_path, score):
    write(tmp_path / "STS-B/train.tsv", CLASSIC["stsb"][0], [f"0\tnews\tA\tB\t{score}"])
    with pytest.raises(DataError, match=rf"line 2: 'score' is '{score}', but must be a number in \[0, 5\]"):
        Glue("stsb", source=tmp_path).load("train")


def test_a_few_broken_rows_of_qqp_are_left_out(tmp_path):
    header, rows = CLASSIC["qqp"]
    write(tmp_path / "QQP/train.tsv", header, [*rows, "7\t8\t9\tCut", " here?\tYes?\t0"])
    assert len(Glue("qqp", source=tmp_path).load("train")) == 2
    write(tmp_path / "QQP/dev.tsv", header, [*rows, *["7\t8\t9\tCut"] * 17])
    with pytest.raises(DataError, match=r"line 20: has 4 columns where 6"):
        Glue("qqp", source=tmp_path).load("dev")


def test_missing_files_and_folders(tmp_path):
    classic(tmp_path, "rte")
    (tmp_path / "RTE/dev.tsv").rename(tmp_path / "RTE/dev_.tsv")
    with pytest.raises(DataError, match=r"dev\.tsv: cannot be read.*Did you mean 'dev_.tsv'\?"):
        Glue("rte", source=tmp_path).load("dev")
    with pytest.raises(DataError, match=r"holds no SST-2 of GLUE. A folder of GLUE holds SST-2/train.tsv \(classic\)"):
        Glue("sst2", source=tmp_path).load("dev")
    with pytest.raises(DataError, match=r"there is no such folder. A folder of GLUE holds"):
        Glue("rte", source=tmp_path / "glue").load("dev")


def test_saved_to_disk_one_task_or_a_folder_of_them(tmp_path):
    split = datasets.DatasetDict({"train": rte_dataset(), "validation": rte_dataset(label=[1, 1, 1])})
    split.save_to_disk(str(tmp_path / "all" / "rte"))
    split.save_to_disk(str(tmp_path / "one"))
    for folder in ("all", "one"):
        task = Glue("rte", source=tmp_path / folder)
        assert task.load("train").labels.tolist() == [0, 1, 0]
        assert task.load("dev").labels.tolist() == [1, 1, 1]
        assert task.load("dev").second == HUB_ROWS["sentence2"]
    with pytest.raises(DataError, match=r"has the labels entailment, not_entailment, but CoLA has unacceptable"):
        Glue("cola", source=tmp_path / "one").load("train")
    with pytest.raises(DataError, match=r"has no split 'validation_matched'. Did you mean 'validation'"):
        Glue("mnli", source=tmp_path / "one").load("dev")


def test_saved_labels_are_matched_by_name_and_unlabelled_rows_refused(tmp_path):
    datasets.DatasetDict({"train": rte_dataset(names=("not_entailment", "entailment"))}).save_to_disk(str(tmp_path / "a"))
    assert Glue("rte", source=tmp_path / "a").load("train").labels.tolist() == [1, 0, 1]
    datasets.DatasetDict({"train": rte_dataset(label=[0, 1, -1])}).save_to_disk(str(tmp_path / "b"))
    with pytest.raises(DataError, match=r"train, row 3: 'label' is '-1': the row has no label. Only labelled rows work"):
        Glue("rte", source=tmp_path / "b").load("train")
    (tmp_path / "b/train/dataset_info.json").write_text("{")
    with pytest.raises(DataError, match=r"cannot be read by the datasets library"):
        Glue("rte", source=str(tmp_path / "b") + "/").load("train")


def test_parquet_as_on_the_hub(tmp_path):
    (tmp_path / "rte").mkdir()
    pandas.DataFrame(HUB_ROWS).to_parquet(tmp_path / "rte/train-00000-of-00002.parquet")
    pandas.DataFrame({**HUB_ROWS, "label": [1, 1, 1]}).to_parquet(tmp_path / "rte/train-00001-of-00002.parquet")
    rte_dataset(names=("not_entailment", "entailment")).to_parquet(str(tmp_path / "rte/validation.parquet"))
    task = Glue("rte", source=tmp_path)
    assert task.load("train").labels.tolist() == [0, 1, 0, 1, 1, 1]
    assert task.load("dev").labels.tolist() == [1, 0, 1]
    assert Glue("rte", source=tmp_path / "rte").load("dev").first == HUB_ROWS["sentence1"]
    # What was read once is kept by source, and a trailing slash makes it another one.
    (tmp_path / "rte/validation.parquet").unlink()
    with pytest.raises(DataError, match=r"has no validation.parquet or validation-\*.parquet. It holds train-00000"):
        Glue("rte", source=str(tmp_path) + "/").load("dev")
    (tmp_path / "rte/validation.parquet").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"validation.parquet: is not readable as Parquet"):
        Glue("rte", source=str(tmp_path) + "/").load("dev")


def test_parquet_scores_and_missing_text(tmp_path):
    rows = {"sentence1": ["A", "B"], "sentence2": ["C", "D"], "label": np.array([2.5, 5.0], dtype=np.float32)}
    pandas.DataFrame(rows).to_parquet(tmp_path / "train.parquet")
    assert Glue("stsb", source=tmp_path).load("train").labels.tolist() == [2.5, 5.0]
    pandas.DataFrame({**rows, "sentence2": ["C", None]}).to_parquet(tmp_path / "validation.parquet")
    with pytest.raises(DataError, match=r"validation.parquet, row 2: 'sentence2' is None, but must be text"):
        Glue("stsb", source=tmp_path).load("dev")


def test_hub(monkeypatch):
    asked = []

    def load_dataset(name, config, *, split):
        asked.append((name, config, split))
        return rte_dataset()

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert len(Glue("rte", source="someone/glue-copy").load("dev")) == 3
    assert len(Glue("rte", source="someone/glue-copy").load("dev")) == 3
    assert asked == [("someone/glue-copy", "rte", "validation")]


def test_offline_message_says_what_was_tried_and_three_ways_out(tmp_path, monkeypatch):
    ways = r"Three ways out: set LIFESPAN_GLUE_DIR to a folder .* source= with one; or go online once"
    reason = r"could not be loaded \(ConnectionError: Couldn't reach '.*' on the Hub\)"
    with pytest.raises(DataError, match=rf"Glue\('rte'\): .*LIFESPAN_GLUE_DIR is not set, and .*{reason}\. {ways}"):
        Glue("rte").load("train")
    with pytest.raises(DataError, match=rf"source='a/b'\): is no folder here, and a/b/rte/train {reason}. {ways}"):
        Glue("rte", source="a/b").load("train")
    monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(classic(tmp_path, "wnli")))
    with pytest.raises(DataError, match=rf"LIFESPAN_GLUE_DIR=\S+ holds no RTE, and nyu-mll/glue/rte/train {reason}"):
        Glue("rte").load("train")
    assert len(Glue("wnli").load("train")) == 2
    monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"LIFESPAN_GLUE_DIR=\S+nowhere: there is no such folder"):
        Glue("wnli").load("train")


@pytest.mark.skipif(not REAL, reason="LIFESPAN_GLUE_DIR is not set")
@pytest.mark.parametrize("name", FORMATS)
def test_real_data(name):
    folder = Path(REAL) / FORMATS[name].folder
    if not folder.is_dir():
        pytest.skip(f"no {folder.name} there")
    task = Glue(name, source=REAL)
    for split, file in FORMATS[name].files.items():
        rows = task.load(split)
        lines = (folder / file).read_text(encoding="utf-8-sig").rstrip("\n").count("\n") + (name == "cola")
        assert len(rows) == lines
        assert all(sentence.strip() for sentence in rows.first)
        if task.labels:
            assert set(rows.labels.tolist()) == set(range(len(task.labels)))
        else:
            assert (rows.labels.min(), rows.labels.max()) == (0, 5)


@pytest.mark.skipif(not REAL, reason="LIFESPAN_GLUE_DIR is not set")
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("cola", (8551, 1043)),
        ("sst2", (67349, 872)),
        ("mrpc", (3668, 408)),
        ("stsb", (5749, 1500)),
        ("rte", (2490, 277)),
        ("wnli", (635, 71)),
    ],
)
def test_real_sizes_are_the_published_ones(name, sizes):
    if not (Path(REAL) / FORMATS[name].folder).is_dir():
        pytest.skip("not there")
    task = Glue(name, source=REAL)
    assert (len(task.load("train")), len(task.load("dev"))) == sizes

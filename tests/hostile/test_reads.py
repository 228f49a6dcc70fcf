"""Every file that is read, in every way in which it can be unreadable: one message, exit code 2, nothing unexpected."""

import json
import os
import shutil
import socket

import pyarrow
import pytest
from conftest import TASKS, TINY, rows_of, tiny_study, weights
from pyarrow import parquet
from synthetic import write_record

from lifespan import Learn, Outputs, Probe, Scenario, Score, TableTask, UserError, simulate
from lifespan.errors import DataError, RecordError
from lifespan.reading import plain_bytes, read_object
from lifespan.record.leases import Leases, holders
from lifespan.record.record import read
from lifespan.record.store import NODE, Store


def folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def loop(path):
    path.unlink(missing_ok=True)
    path.symlink_to(path)


def lost_link(path):
    path.unlink(missing_ok=True)
    path.symlink_to(path.with_name("nowhere"))


def listening(path):
    path.unlink(missing_ok=True)
    here = os.getcwd()
    os.chdir(path.parent)  # A socket's path must be short.
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def content(data):
    def write(path):
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    return write


FAULTS = {
    "a folder": folder,
    "a pipe": pipe,
    "a loop of links": loop,
    "a link that leads nowhere": lost_link,
    "a socket": listening,
    "no UTF-8": content(b'{"a": "\xff"}\n'),
    "deep nesting": content(b"[" * 100_000 + b"]" * 100_000 + b"\n"),
    "a number of 5,000 digits": content(b'{"value": ' + b"9" * 5000 + b"}\n"),
    "no object": content(b'["a", 1]\n'),
    "a number": content(b"7\n"),
    "zero bytes": content(b"\0" * 100),
    "half of it": content(b'{"study": "gra'),
}
TEXTS = ("study.json", "measurements.jsonl", "steps.jsonl", "participants.tsv")


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A small record with outputs for every example."""
    directory = write_record(tmp_path_factory.mktemp("reads") / "record", individuals=2)
    (directory / "examples").mkdir()
    parquet.write_table(pyarrow.table({"group": ["a"], "individual": [0]}), directory / "examples" / "Outputs.parquet")
    return directory


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_table_that_cannot_be_read_is_said(tmp_path, run, record, name, fault):
    directory = tmp_path / "record"
    shutil.copytree(record, directory)
    fault(directory / name)
    code, _, err = run("table", directory, "--out", tmp_path / "all.csv")
    # Some text is a table of other columns, and a link that leads nowhere is no file to `study.json`.
    assert code == 2 and err.startswith("Error: ") and "unexpected" not in err, err
    assert str(directory) in err.replace("\n", ""), err


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", ["environment.json", "dictionary.json", "examples/Outputs.parquet"])
def test_other_files_of_a_record_are_said(tmp_path, record, name, fault):
    directory = tmp_path / "record"
    shutil.copytree(record, directory)
    fault(directory / name)
    with pytest.raises(RecordError) as said:
        found = read(directory)
        found.dictionary()
        found.examples()
    assert str(directory / name) in str(said.value) and said.value.remedy


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_lease_that_is_none_neither_hangs_nor_counts(tmp_path, fault):
    path = tmp_path / "claims" / f"{'a' * 64}.json"
    path.parent.mkdir()
    fault(path)
    assert list(holders(tmp_path)) == []
    leases = Leases(tmp_path, patience=0.0)
    try:
        lease = leases.take("a" * 64)
    except RecordError as error:
        assert str(path) in str(error)
    else:
        leases.release(lease)


STATUS = {"facts": {}, "rows": [], "blobs": {}, "optimizer_steps": 0, "examples": 0, "tokens": 0, "seconds": 0.5}
FORGED = {
    **{f"no {key}": {name: value for name, value in STATUS.items() if name != key} for key in NODE},
    "rows that are no objects": {**STATUS, "rows": [1]},
    "facts that are a list": {**STATUS, "facts": []},
    "a step count that is text": {**STATUS, "optimizer_steps": "many"},
    "a truth": {**STATUS, "tokens": True},
}


@pytest.mark.parametrize("node", FORGED.values(), ids=FORGED)
def test_a_sealed_node_without_what_a_node_holds_counts_as_missing(tmp_path, node):
    from lifespan.record.files import write_sealed
    from lifespan.study.plan import compile_study

    step = compile_study(tiny_study(life=Scenario(name="x", subject=TINY, events=())), precision="fp32").lives[0].steps[0]
    said = []
    store = Store(tmp_path, warn=said.append)
    write_sealed(tmp_path / step.digest / "node.json", {"digest": step.digest, **node})
    assert not store.complete(step) and len(said) == 1


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lived") / "run"
    simulate(small(), directory, threads=1)
    return directory


def small():
    events = (Learn(TASKS[0], by=weights(2)), Probe(Score(), Outputs()))
    return tiny_study(life=Scenario(name="life", subject=TINY, events=events))


STORED = ("*/node.json", "*/looks/*.json", "*/looks/*.parquet", "blobs/*.safetensors")


@pytest.mark.parametrize("fault", ["a folder", "a pipe", "a loop of links", "no UTF-8", "deep nesting", "no object"])
@pytest.mark.parametrize("pattern", STORED)
def test_a_store_that_cannot_be_read_is_healed_or_said(tmp_path, lived, pattern, fault):
    directory = tmp_path / "run"
    shutil.copytree(lived, directory)
    for path in (directory / "store").glob(pattern):
        FAULTS[fault](path)
    try:
        simulate(small(), directory, threads=1)
    except UserError as error:
        assert error.remedy and str(directory) in str(error)
    else:
        assert rows_of(directory) == rows_of(lived)


@pytest.mark.parametrize("name", ["environment.json", "dictionary.json", "measurements.jsonl", "participants.tsv"])
def test_what_is_written_anew_anyway_does_not_stop_a_simulation(tmp_path, lived, name):
    directory = tmp_path / "run"
    shutil.copytree(lived, directory)
    (directory / name).write_bytes(b"\xff{")
    assert simulate(small(), directory, threads=1).done == 1
    assert rows_of(directory) == rows_of(lived)
    read(directory)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".txt"])
@pytest.mark.parametrize("fault", ["a folder", "a pipe", "a loop of links", "a socket", "deep nesting", "zero bytes"])
def test_a_table_of_rows_that_cannot_be_read_is_said(tmp_path, fault, suffix):
    FAULTS[fault](tmp_path / f"train{suffix}")
    with pytest.raises(UserError):
        TableTask(str(tmp_path / f"train{suffix}"), name="rows", first="text").examples("train")


def test_a_plain_file_alone_is_read(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert plain_bytes(tmp_path / "x") == b"abc"
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert plain_bytes(tmp_path / "link") == b"abc"
    with pytest.raises(DataError, match="is a device, not a file"):
        read_object(type(tmp_path)("/dev/null"), "Choose another.", DataError)
    (tmp_path / "y").write_text(json.dumps({"a": 1}))
    assert read_object(tmp_path / "y", "") == {"a": 1}


@pytest.mark.parametrize("command", ["status", "report", "table", "verify", "gc", "log", "export", "plan", "simulate"])
def test_too_long_a_path_is_said(tmp_path, run, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    more = {"table": ["--out", "x.csv"], "log": ["--to", "tensorboard"]}.get(command, [])
    code, _, err = run(command, "x" * 5000, *more)
    assert code == 2 and "unexpected" not in err and "Error: " in err


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"text": ' + b"[" * 100_000 + b"}", "nested too deeply"),
        (b'{"text": "a", "label": ' + b"9" * 5000 + b"}\n", "a number of too many digits"),
    ],
)
def test_rows_of_absurd_json_are_said(tmp_path, suffix, data, wanted):
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(data)
    with pytest.raises(DataError, match=wanted):
        TableTask(str(path), name="rows", first="text").load("train")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_model_with_a_pipe_in_it_is_refused(tmp_path, name):
    from lifespan.errors import ScenarioError
    from lifespan.subjects.pretrained import check_folder

    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    pipe(tmp_path / name)
    with pytest.raises(ScenarioError, match=f"{name} is a pipe, not a file"):
        check_folder(tmp_path, "Pretrained('x')")

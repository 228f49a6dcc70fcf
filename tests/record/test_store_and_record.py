"""Stored state, rows and the reader."""

import json

import pytest
import torch
from conftest import TINY, tiny_life, tiny_study

from lifespan import UserError, read, simulate
from lifespan.contracts.checkpoint import Snapshot
from lifespan.errors import RecordError
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.record.record import MEASUREMENT_COLUMNS, PARTICIPANT_COLUMNS, STEP_COLUMNS
from lifespan.record.store import Corrupt, Store, write_bytes


def test_a_subject_comes_back_bit_for_bit_and_masks_take_one_bit_each(tmp_path):
    subject = Subject(TINY.build(Streams(0, "birth")))
    subject.age = 7
    for mask in subject.alive.values():
        mask.view(-1)[::3] = False
    store = Store(tmp_path)
    store.save_node("a", subject.state(), {"facts": subject.facts()})
    other = Subject(TINY.build(Streams(1, "birth")))
    other.load(*store.load_state("a"))
    assert other.age == 7
    for group, tensors in subject.state().items():
        assert all(torch.equal(value, other.state()[group][name]) for name, value in tensors.items())
    blob = tmp_path / "blobs" / f"{store.node('a')['blobs']['alive']}.safetensors"
    assert blob.stat().st_size < subject.count / 8 + 2_000


def test_what_did_not_change_is_stored_once(tmp_path):
    store, tensors = Store(tmp_path), {"x": torch.arange(1000.0)}
    store.save_node("a", {"encoder": tensors}, {"facts": {}})
    store.save_node("b", {"encoder": tensors, "alive": {"m": torch.ones(8, dtype=torch.bool)}}, {"facts": {}})
    assert len(list((tmp_path / "blobs").iterdir())) == 2


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
def test_a_harmed_blob_is_noticed_and_forgotten(tmp_path, harm):
    store = Store(tmp_path)
    store.save_node("a", {"encoder": {"x": torch.arange(10.0)}}, {"facts": {}})
    blob = next((tmp_path / "blobs").iterdir())
    data = bytearray(blob.read_bytes())
    if harm == "flip":
        data[-3] ^= 4
    if harm == "remove":
        blob.unlink()
    else:
        blob.write_bytes(bytes(data[:-1] if harm == "truncate" else data))
    with pytest.raises(Corrupt, match="The step is lived again"):
        store.load_state("a")
    store.forget("a")
    assert store.node("a") is None and not blob.exists()


def test_an_unfinished_state_whose_halves_do_not_match_is_not_used(tmp_path):
    store = Store(tmp_path)
    store.save_partial("a", Snapshot({"x": torch.ones(3)}, {"done": 4}))
    assert store.load_partial("a").facts["done"] == 4
    facts = json.loads((tmp_path / "a" / "partial.json").read_text())
    (tmp_path / "a" / "partial.json").write_text(json.dumps({**facts, "sha256": "0"}))
    assert store.load_partial("a") is None


def test_no_half_written_file_is_left_where_the_disk_refuses(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written .* MiB free\)\. Choose another --out"):
        write_bytes(tmp_path / "file" / "node.json", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_record_reads_as_documented(tmp_path):
    simulate(tiny_study(individuals=2, a=tiny_life()), tmp_path)
    record = read(tmp_path)
    assert list(record.measurements().columns) == list(MEASUREMENT_COLUMNS)
    assert list(record.steps().columns) == list(STEP_COLUMNS)
    assert list(record.participants().columns) == list(PARTICIPANT_COLUMNS)
    assert set(record.participants().status) == {"done"}
    dictionary = json.loads((tmp_path / "dictionary.json").read_text())
    assert set(dictionary["measurements.jsonl"]) == set(MEASUREMENT_COLUMNS)
    assert all(entry["meaning"] for table in dictionary.values() for entry in table.values())
    rows = record.measurements()
    score = rows[(rows.probe == "Score") & (rows.task == "micro-sentiment")]
    assert (score.n == 40).all() and score.value.between(0, 1).all()
    flips = rows[(rows.metric == "flips") & (rows.stage == "learn micro-sentiment")]
    assert flips.value.iloc[-1] > 0


def test_nothing_in_a_run_directory_is_a_pickle(tmp_path):
    simulate(tiny_study(a=tiny_life()), tmp_path)
    endings = {path.suffix for path in tmp_path.rglob("*") if path.is_file() and path.name != ".gitignore"}
    assert endings <= {".json", ".jsonl", ".tsv", ".safetensors"}


def test_a_changed_task_is_refused_before_anything_is_lived(tmp_path):
    simulate(tiny_study(a=tiny_life()), tmp_path)
    study = json.loads((tmp_path / "study.json").read_text())
    study["data"]["micro-sentiment"] = study["data"]["micro-sentiment"][:17] + "0"
    (tmp_path / "study.json").write_text(json.dumps(study))
    with pytest.raises(UserError, match="data of task 'micro-sentiment' has changed"):
        simulate(tiny_study(a=tiny_life()), tmp_path)


def test_a_directory_of_another_study_is_left_alone(tmp_path):
    simulate(tiny_study(a=tiny_life()), tmp_path)
    before = (tmp_path / "study.json").read_bytes()
    with pytest.raises(UserError, match="holds the study 'tiny', not 'other'"):
        simulate(tiny_study("other", a=tiny_life()), tmp_path)
    assert (tmp_path / "study.json").read_bytes() == before


def test_a_record_may_be_kept_gzipped(tmp_path):
    import gzip

    simulate(tiny_study(), tmp_path)
    plain = read(tmp_path).measurements()
    path = tmp_path / "measurements.jsonl"
    packed = tmp_path / "measurements.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert read(tmp_path).measurements().equals(plain)
    packed.write_bytes(packed.read_bytes()[:50])
    with pytest.raises(RecordError, match="cannot be unpacked"):
        read(tmp_path).measurements()

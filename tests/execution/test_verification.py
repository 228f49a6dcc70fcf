"""Verifying a record: what is as it was is equal bit for bit, what was planted is found, what cannot be had is said."""

import json
import shutil

import pytest
import torch
from conftest import TASKS, TINY, weights

from lifespan import (
    Age,
    Between,
    Develop,
    LabelNoise,
    Learn,
    Magnitude,
    MaskOverlap,
    Masks,
    MicroText,
    Outputs,
    Probe,
    Recover,
    Scenario,
    Score,
    Sparsity,
    Study,
    Suffer,
    TableTask,
    UnstableOptimizer,
    UserError,
    Weights,
    simulate,
)
from lifespan.engines.local import Local
from lifespan.execution.verification import verify
from lifespan.record.files import read_sealed, write_sealed
from lifespan.record.record import read
from lifespan.record.seals import seal
from lifespan.record.store import Store


def life(name, by, *extra):
    events = (
        Develop(MicroText(number=60), steps=3, batch_size=8),
        *extra,
        Learn(TASKS[0], by=by, length=24),
        Probe(Score(length=24), every=2),
        Probe(Score(length=24), Sparsity(), Outputs(length=24)),
        Age(to=0.4, by=Magnitude()),
        Recover(steps=2, length=24),
        Probe(Sparsity()),
    )
    return Scenario(name=name, subject=TINY, events=events)


def small_study(name="small", individuals=1):
    ill = Suffer(UnstableOptimizer(severity=0.3)), Suffer(LabelNoise(severity=0.5))
    groups = {"masks": life("masks", Masks(steps=3, rate=5e-3)), "ill": life("ill", weights(3), *ill)}
    return Study(name=name, groups=groups, individuals=individuals, between=(Between(MaskOverlap()),))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    torch.set_num_threads(1)
    directory = tmp_path_factory.mktemp("verified") / "small"
    simulate(small_study(), directory, threads=1)
    return directory


@pytest.fixture
def record(lived, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(lived, tmp_path / "record")


def content(directory):
    return {path.relative_to(directory): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def rewritten(directory, choose, change, table="measurements.jsonl"):
    """Change the first row that `choose` takes, and the list of checksums with it; returns (its line, the row)."""
    rows = [json.loads(line) for line in (directory / table).read_text().splitlines()]
    line, row = next((number, row) for number, row in enumerate(rows, 1) if choose(row))
    change(row)
    (directory / table).write_text("".join(json.dumps(row) + "\n" for row in rows))
    seal(directory)
    return line, row


def scored(row):
    return row["probe"] == "Score" and row["group"] == "masks" and row["metric"] == "accuracy"


def digest_of(directory, name, step):
    return read(directory).study["lives"][name]["steps"][step]


def resealed(path, change):
    held = read_sealed(path)
    change(held)
    write_sealed(path, held)


@pytest.mark.parametrize("start", ["store", "nothing"])
def test_a_record_of_now_is_equal_bit_for_bit(lived, start):
    before = content(lived)
    found = verify(lived, study=small_study(), steps=None, start=start)
    steps = {digest for each in read(lived).study["lives"].values() for digest in each["steps"]}
    assert (found.code, found.differences, found.unverified) == (0, (), ())
    assert found.steps.exact == found.steps.asked == len(steps)
    assert (found.pairs.exact, found.pairs.asked, found.steps.close, found.apart) == (1, 1, 0, ())
    assert found.rows == len(read(lived).lines("measurements.jsonl")) + len(read(lived).lines("contrasts.jsonl"))
    assert found.text.startswith(
        f"{len(steps)} of {len(steps)} steps, 1 of 1 comparison between lives and {found.rows:,} of {found.rows:,} rows"
    )
    assert "equal, bit for bit; lifespan" in found.text
    assert "1 thread" in found.text
    assert content(lived) == before


def test_a_study_is_rebuilt_from_its_recorded_specs(lived):
    found = verify(lived, steps=None)
    assert (found.code, found.unverified) == (0, ())
    assert found.steps.exact == found.steps.asked
    assert "The study is that of the specs in study.json." in found.notes


def test_a_sample_depends_on_its_seed_alone(lived):
    one, again = (verify(lived, steps=3, seed=4) for _ in range(2))
    assert one == again
    assert (one.steps.asked, one.steps.exact, one.code) == (3, 3, 0)
    assert one.text.startswith("3 of 3 sampled steps")
    assert "sampled with seed 4 among" in one.text


def test_one_planted_wrong_row_is_found_without_living_its_step(record):
    line, row = rewritten(record, scored, lambda row: row.update(value=row["value"] + 0.125))
    found = verify(record, row="masks,0,1,Training,loss")
    assert found.code == 1
    assert [(one.where, one.recorded, one.by) for one in found.differences] == [
        (f"measurements.jsonl:{line}", str(row["value"]), "store")
    ]
    assert found.differences[0].what == f"masks,0,{row['step']},Score,accuracy,{row['task']}"
    assert float(found.differences[0].found) == pytest.approx(row["value"] - 0.125)


@pytest.mark.parametrize("named", ["name", "line"])
def test_a_planted_row_is_named_by_what_is_lived_again(record, named):
    line, row = rewritten(record, scored, lambda row: row.update(n=row["n"] + 1))
    named = f"masks,0,{row['step']},Score,accuracy" if named == "name" else f"measurements.jsonl:{line}"
    found = verify(record, row=named)
    assert (found.code, found.steps.asked, found.steps.exact) == (1, 1, 0)
    assert any(one.line == line and one.by == "store and lived again" for one in found.differences)


def test_a_row_that_was_changed_in_the_store_as_well_is_found_by_living(record):
    _, row = rewritten(record, scored, lambda row: row.update(value=0.99))
    folder = record / "store" / digest_of(record, "masks-000", row["step"]) / "looks"
    for path in folder.glob("*.json"):

        def change(held):
            for one in held["rows"]:
                if one["probe"] == row["probe"] and one["metric"] == "accuracy" and one["age"] == row["age"]:
                    one["value"] = 0.99

        resealed(path, change)
    assert verify(record, row="masks,0,1,Training,loss").code == 0
    found = verify(record, row=f"masks,0,{row['step']},Score,accuracy")
    assert found.code == 1
    assert {(one.recorded, one.by) for one in found.differences} == {("0.99", "lived again")}


@pytest.mark.parametrize(("column", "value"), [("value", 0.123), ("n", 7), ("group", "ill")])
def test_a_row_of_a_comparison_between_lives_is_checked(record, column, value):
    rewritten(record, lambda row: True, lambda row: row.update({column: value}), "contrasts.jsonl")
    found = verify(record, row="contrasts.jsonl:1") if column != "group" else verify(record, steps=1)
    assert found.code == 1
    assert any(one.file == "contrasts.jsonl" and "store" in one.by for one in found.differences)
    assert column == "group" or any("lived again" in one.by for one in found.differences)


def test_rows_that_were_taken_away_or_added_are_found(record):
    path = record / "measurements.jsonl"
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*rows[1:], rows[-1]]))
    found = verify(record, steps=1)
    assert {(one.line, one.recorded, one.found) for one in found.differences if one.by == "store"} == {
        (len(rows), str(json.loads(rows[-1])["value"]), "no such row"),
        (0, "no such row", str(json.loads(rows[0])["value"])),
    }


@pytest.mark.parametrize(
    ("column", "value"), [("torch", "9.9"), ("optimizer_steps", 99), ("stage", "nap"), ("status", "failed")]
)
def test_a_wrong_column_of_steps_is_found(record, column, value):
    line, row = rewritten(record, lambda row: row["step"] == 2, lambda row: row.update({column: value}), "steps.jsonl")
    found = verify(record, steps=1)
    assert found.code == 1
    assert [(one.where, one.what, one.recorded) for one in found.differences] == [
        (f"steps.jsonl:{line}", f"{row['group']},0,2, {column}", str(value))
    ]


def test_a_wrong_status_of_an_individual_is_found(record):
    path = record / "participants.tsv"
    path.write_text(path.read_text().replace("done", "diverged", 1))
    found = verify(record, steps=1)
    assert [(one.what, one.recorded, one.found) for one in found.differences] == [("masks-000, status", "diverged", "done")]


def test_a_wrong_output_of_an_example_is_found(record):
    import pandas

    path = record / "examples" / "Outputs.parquet"
    table = pandas.read_parquet(path)
    column = next(name for name in table.columns if table[name].dtype.kind == "f")
    table.loc[3, column] += 1
    table.to_parquet(path)
    found = verify(record, study=small_study(), steps=1)
    assert [(one.where, one.what) for one in found.differences] == [("examples/Outputs.parquet", column)]
    assert "1 of" in found.differences[0].found


def test_a_planted_tensor_is_found(record):
    """A weight that was changed with its checksum and its seal: only living the step tells."""
    store, digest = Store(record / "store"), digest_of(record, "ill-000", 4)
    _, state = store.load_state(digest)
    state["encoder"][next(iter(state["encoder"]))].view(-1)[0] += 1
    node = store.node(digest)
    store.save_node(digest, state, {name: value for name, value in node.items() if name not in ("blobs", "bytes")})
    resealed(store.root / digest / "node.json", lambda held: held.update(bytes=node["bytes"]))
    found = verify(record, row="steps.jsonl:" + str(1 + len(read(record).study["lives"]["masks-000"]["steps"]) + 4))
    assert (found.code, found.steps.exact) == (1, 0)
    (one,) = found.differences
    assert "encoder/" in one.what
    assert "1 of" in one.found
    assert one.by == "lived again"


def test_a_damaged_state_is_found(record):
    store, digest = Store(record / "store"), digest_of(record, "masks-000", 2)
    path = store.root / "blobs" / f"{store.node(digest)['blobs']['alive']}.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    found = verify(record, row="masks,0,2,Sparsity,sparsity")
    assert found.code == 1 or found.unverified
    assert any("checksum" in one.found for one in found.differences) or "checksum" in found.unverified[0][1]


def test_a_broken_seal_is_found(record):
    path = record / "store" / digest_of(record, "masks-000", 2) / "node.json"
    path.write_text(path.read_text().replace('"tokens"', '"tokenz"'))
    found = verify(record, row="masks,0,1,Training,loss")
    assert found.code == 1
    assert [(one.file, one.recorded) for one in found.differences] == [(str(path), "damaged")]
    assert sum(found.unchecked.values()) > 0


def close_by(record, amount):
    """Move one score, in the table and in the store, as another number of threads might."""
    _, row = rewritten(record, scored, lambda row: row.update(value=row["value"] + amount))
    folder = record / "store" / digest_of(record, "masks-000", row["step"]) / "looks"
    for path in folder.glob("*.json"):

        def change(held):
            for one in held["rows"]:
                if (one["probe"], one["metric"], one["age"]) == ("Score", "accuracy", row["age"]):
                    one["value"] = row["value"]

        if any(one["probe"] == row["probe"] for one in read_sealed(path)["rows"]):
            resealed(path, change)
    return f"masks,0,{row['step']},Score,accuracy"


def test_other_threads_are_told_and_compared_within_a_tolerance(record):
    named = close_by(record, 1e-4)
    assert verify(record, row=named).code == 1
    found = verify(record, row=named, threads=2)
    assert (found.code, found.steps.exact, found.steps.close) == (0, 0, 1)
    assert found.apart == ("threads 2, not 1",)
    assert "0 bit for bit and 1 within 0.01" in found.text
    assert "2 threads" in found.text
    assert verify(record, row=named, threads=2, tolerance=1e-6).code == 1
    assert verify(record, row=named, threads=2, tolerance=0).code == 1


def test_what_lies_beyond_the_tolerance_differs(record):
    assert verify(record, row=close_by(record, 0.1), threads=2).code == 1


def test_a_step_without_a_stored_state_before_it_is_said(record):
    shutil.rmtree(record / "store" / digest_of(record, "masks-000", 1))
    found = verify(record, row="masks,0,2,Sparsity,sparsity")
    assert (found.code, found.steps.exact) == (2, 0)
    assert "0 of 1 step and 0 of 0 rows equal; lifespan" in found.text
    assert found.unverified[0][1] == (
        "the state that it goes on from is not in the store. --from nothing lives all that leads there."
    )
    assert verify(record, row="masks,0,2,Sparsity,sparsity", start="nothing").code == 0


def test_a_record_that_was_kept_without_its_store_is_verified_from_nothing(record):
    shutil.rmtree(record / "store")
    found = verify(record, steps=None, start="nothing", study=small_study())
    assert found.code == 0
    assert found.steps.exact + found.steps.close == found.steps.asked
    assert found.rows == len(read(record).lines("measurements.jsonl")) + len(read(record).lines("contrasts.jsonl"))
    assert found.apart == ("who lived it was not recorded",)
    assert sum(found.unchecked.values()) > 0
    rewritten(record, scored, lambda row: row.update(value=0.987))
    assert verify(record, steps=None, start="nothing", study=small_study()).code == 1


def test_a_record_of_before_identities_were_kept(record):
    """It has no inputs and no makers: bits that differ would be compared within the tolerance, and that is said."""
    path = record / "study.json"
    study = json.loads(path.read_text())
    path.write_text(json.dumps({key: study[key] for key in study if key not in ("inputs", "nodes", "pairs", "between")}))
    for step in (record / "store").glob("*/node.json"):
        resealed(step, lambda held: held.pop("made"))
    shutil.rmtree(record / "examples")
    found = verify(record, steps=4)
    assert found.steps.exact == 4
    assert found.apart == ("who lived it was not recorded",)


def test_a_diverged_life_is_verified_as_diverged(tmp_path):
    events = (Learn(TASKS[0], by=Weights(steps=30, rate=1e30, clip=1e30)), Probe(Score()))
    study = Study(name="ends", groups={"one": Scenario(name="one", subject=TINY, events=events)})
    assert simulate(study, tmp_path / "ends", threads=1).diverged == 1
    found = verify(tmp_path / "ends", steps=None)
    assert (found.code, found.steps.asked, found.steps.exact) == (0, 2, 2)
    digest = digest_of(tmp_path / "ends", "one-000", 1)
    resealed(tmp_path / "ends" / "store" / digest / "ended.json", lambda held: held.update(optimizer_steps=29))
    rewritten(tmp_path / "ends", lambda row: row["step"] == 1, lambda row: row.update(optimizer_steps=29), "steps.jsonl")
    found = verify(tmp_path / "ends", steps=None)
    assert found.code == 1
    assert [(one.recorded, one.by) for one in found.differences] == [("29", "lived again")]


def write_rows(path, last="good"):
    rows = [f"the food was {'good' if i % 2 else 'bad'},{i % 2}\n" for i in range(16)]
    path.write_text("".join(["text,label\n", *rows, f"it was {last},1\n"]))


def test_changed_data_is_said_and_what_does_not_read_it_is_verified(tmp_path):
    write_rows(tmp_path / "train.csv")
    write_rows(tmp_path / "dev.csv", "tasty")
    task = TableTask(tmp_path / "train.csv", name="food", first="text", dev=tmp_path / "dev.csv", classes=("0", "1"))
    events = (
        Develop(MicroText(number=60), steps=2, batch_size=8),
        Probe(Sparsity()),
        Learn(task, by=weights(2), length=16),
        Probe(Score(length=16)),
        Age(to=0.1, by=Magnitude()),
    )
    simulate(
        Study(name="food", groups={"one": Scenario(name="one", subject=TINY, events=events)}), tmp_path / "run", threads=1
    )
    assert verify(tmp_path / "run", steps=None).steps.exact == 4
    write_rows(tmp_path / "dev.csv", "fine")
    found = verify(tmp_path / "run", steps=None)
    assert (found.code, found.steps.exact) == (0, 4)
    assert len(found.unverified) == 1
    assert "an evaluation of one-000, step 2" in found.unverified[0][0]
    assert "dev.csv" in found.unverified[0][1]
    assert "was changed on" in found.unverified[0][1]
    write_rows(tmp_path / "train.csv", "sweet")
    found = verify(tmp_path / "run", steps=None)
    assert (found.code, found.steps.exact, len(found.unverified)) == (0, 2, 2)
    assert "train.csv" in found.unverified[0][1]
    assert found.unverified[1][1].startswith("event 2 of its life: ")
    (tmp_path / "train.csv").unlink()
    found = verify(tmp_path / "run", row="steps.jsonl:3")
    assert found.code == 2
    assert "is missing" in found.unverified[0][1]


def test_another_revision_is_said(record, monkeypatch):
    monkeypatch.setattr(Magnitude, "revision", 99)
    found = verify(record, study=small_study(), row="steps.jsonl:4")
    assert found.code == 2
    assert found.unverified[0][1] == "Magnitude is at revision 99 here, and was recorded at revision 1"
    found = verify(record, row="steps.jsonl:4")
    assert "recorded at revision 1, but is at 99 here" in found.unverified[0][1]
    assert verify(record, row="steps.jsonl:3").code == 0


def test_a_life_on_a_gpu_is_said(record, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    digest = digest_of(record, "masks-000", 3)
    path = record / "store" / digest / "node.json"
    resealed(path, lambda held: held["made"].update(device="cuda", gpu="NVIDIA H200"))
    found = verify(record, row="steps.jsonl:4")
    assert found.steps.exact == 0
    assert "was lived on NVIDIA H200, and this machine" in found.unverified[0][1]
    found = verify(record, row="steps.jsonl:4", device="cpu")
    assert any(one.startswith("device cpu, not cuda") for one in found.apart)
    assert found.steps.exact + found.steps.close == 1


@pytest.mark.slow
def test_a_record_that_several_engines_made(tmp_path):
    simulate(small_study(), tmp_path / "run", threads=1)
    simulate(small_study(individuals=2), tmp_path / "run", engine=Local(workers=1), threads=1)
    found = verify(tmp_path / "run", steps=None)
    assert (found.code, found.unverified) == (0, ())
    assert found.steps.exact == found.steps.asked
    assert found.pairs.exact == found.pairs.asked == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"steps": 0}, "--steps 0: must be a whole number, at least 1."),
        ({"start": "stroe"}, "--from stroe: is not known here. Known: store, nothing."),
        ({"tolerance": -1.0}, "--tolerance -1.0: must be a number of at least 0."),
        ({"threads": 0}, "--threads 0: must be a whole number"),
        ({"row": "masks,0"}, "--row masks,0: is no name of a row."),
        ({"row": "masks,0,2,Scor,accuracy"}, "there is no row with probe 'Scor' that fits. Did you mean 'Score'?"),
        ({"row": "measurements.jsonl:99999"}, "--row measurements.jsonl:99999: the table has"),
    ],
)
def test_wrong_arguments(lived, arguments, said):
    with pytest.raises(UserError) as error:
        verify(lived, **arguments)
    assert said in str(error.value)

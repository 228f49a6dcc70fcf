"""Records of strangers: whatever they name, nothing outside them is touched, and every command says what is wrong."""

import json
import os

import pytest
from harm import FORGERIES, UP, nodes, resealed, rewritten

from lifespan.errors import RecordError
from lifespan.record.files import created, temporary_beside, write_bytes
from lifespan.record.leases import holders
from lifespan.record.record import read
from lifespan.record.store import Store
from lifespan.record.untrusted import checksum, no_link, part

REFUSED = {
    "a study elsewhere": "'../../victim', which is no name of anything in a record",
    "a step elsewhere": "does not name its lives",
    "a seed too large": "its seed must be a whole number from 0 to",
    "individuals without end": "its individuals must be a whole number from 0 to 999999",
    "a life of no group": "is of the group 'none', which the study does not have",
    "a task of a list": "must be an object",
    "a pair elsewhere": "which is no name of anything in a record",
    "a timeline of numbers": "each moment of its 'timeline' must be an object",
}
SAMPLE = ("a blob elsewhere", "rows of numbers", "a probe of text", "blobs as a link", "a lease elsewhere")


@pytest.mark.parametrize("case", REFUSED)
def test_a_forged_study_is_refused_where_it_is_read(ground, case):
    with ground.copy() as run:
        FORGERIES[case](run, ground.victim)
        with pytest.raises(RecordError) as said:
            read(run)
    assert (REFUSED[case] in str(said.value) and str(said.value).isprintable()) or "\n" in str(said.value)


@pytest.mark.parametrize("command", ["status", "table"])
@pytest.mark.parametrize("case", SAMPLE)
def test_commands_meet_forged_records_without_harm(ground, case, command):
    with ground.copy() as run:
        FORGERIES[case](run, ground.victim)
        said = ground.said(command, run)
    assert said.fault == "" and ground.unharmed()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("command", ["status", "report", "table", "verify", "gc", "simulate"])
def test_no_forged_record_harms_or_is_unexpected(ground, command):
    faults = []
    for case, forge in list(FORGERIES.items())[:: 4 if command in ("verify", "simulate", "report") else 1]:
        with ground.copy() as run:
            forge(run, ground.victim)
            said = ground.said(command, run)
        faults += [(case, said.fault, said.err[-300:])] if said.fault else []
        assert ground.unharmed(), case
    assert faults == []


def test_a_blob_elsewhere_is_neither_read_nor_deleted_and_the_step_counts_as_missing(ground):
    with ground.copy() as run:
        folder, said = nodes(run)[0], []
        resealed(folder / "node.json", lambda node: node["blobs"].update(alive=UP))
        store = Store(run / "store", warn=said.append)
        assert store.node(folder.name) is None and "it is no record of a step" in said[0]
        store.forget(folder.name)
        assert ground.unharmed() and not (folder / "node.json").exists()


def test_nothing_is_written_or_deleted_through_links(ground):
    with ground.copy() as run:
        victim = ground.victim / "models"
        folder = nodes(run)[0]
        store = Store(run / "store")
        (run / "store" / "linked").symlink_to(victim, target_is_directory=True)
        for work in (
            lambda: store.save_ended("linked", {"status": "failed", "reason": ""}),
            lambda: store.drop_ended("linked"),
            lambda: write_bytes(run / "store" / "linked" / "x", b"", within=run / "store"),
        ):
            with pytest.raises(RecordError, match="is a link: nothing is written or deleted through it"):
                work()
        assert ground.unharmed() and folder.is_dir()


@pytest.mark.parametrize("folder", ["tables", "figures"])
def test_a_report_does_not_follow_a_link_in_a_record(ground, folder, monkeypatch):
    from lifespan.report import figures
    from lifespan.report.html import write_report

    monkeypatch.setattr(figures, "FIGURES", {"timeline": figures.FIGURES["timeline"]})
    with ground.copy() as run:
        (run / folder).symlink_to(ground.victim / "models", target_is_directory=True)
        with pytest.raises(RecordError, match="is a link"):
            write_report([run])
    assert ground.unharmed()


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "/etc", "a\0b", ".hidden", "x" * 129, 7, None, ["a"]])
def test_what_could_lead_elsewhere_is_no_part_of_a_path(name, tmp_path):
    with pytest.raises(RecordError, match="which is no name of anything in a record"):
        part(name, "here")
    with pytest.raises(RecordError, match="where a checksum must be"):
        checksum(name, "here")
    with pytest.raises(RecordError):
        Store(tmp_path).node(name)


def test_a_path_through_a_link_or_out_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert no_link(tmp_path / "a" / "new", tmp_path) == tmp_path / "a" / "new"
    for path in (tmp_path / "b" / "x", tmp_path / "a" / ".." / "x"):
        with pytest.raises(RecordError):
            no_link(path, tmp_path)


def test_temporary_names_are_random_and_exclusive(tmp_path):
    path = tmp_path / "measurements.jsonl"
    names = {temporary_beside(path).name for _ in range(100)}
    assert len(names) == 100 and str(os.getpid()) not in {name.rpartition(".")[2] for name in names}
    (tmp_path / "waiting").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        created(tmp_path / "waiting")
    assert not (tmp_path / "elsewhere").exists()


def test_a_lease_is_of_the_step_that_it_is_named_after(tmp_path):
    (tmp_path / "claims").mkdir()
    right = {"digest": "a" * 64, "token": "t", "pid": 1, "host": "h", "machine": "m", "born": "1"}
    for name, content in {
        "a" * 64: right,
        "b" * 64: right,
        "c" * 64: {**right, "digest": "c" * 64, "pid": "x"},
        "d" * 64: {**right, "digest": "d" * 64, "pid": 10**30},
        "e" * 64: {"digest": "e" * 64},
    }.items():
        (tmp_path / "claims" / f"{name}.json").write_text(json.dumps(content))
    assert [lease["digest"] for lease in holders(tmp_path)] == ["a" * 64]


def test_a_forged_study_does_not_reach_the_terminal(ground):
    with ground.copy() as run:
        rewritten(run / "study.json", lambda study: study["groups"]["life"].update(doc="\x1b[2J[/x] :smile:"))
        rewritten(run / "study.json", lambda study: study.update(name="\x1b[2J"))
        said = ground.said("status", run)
    assert said.code == 2 and "\x1b" not in said.out + said.err

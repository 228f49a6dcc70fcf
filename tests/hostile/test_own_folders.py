"""Commands write into folders that are empty or their own, and replace and delete what they wrote alone."""

import json

import pytest
from synthetic import write_record

from lifespan.errors import RecordError
from lifespan.packs import format as packs
from lifespan.record.ownership import MARK, check_files, is_store, write_files
from lifespan.record.record import read
from lifespan.record.shared_store import attach, enter
from lifespan.record.tables import write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_record(tmp_path_factory.mktemp("own") / "run", individuals=2)


def test_files_of_others_in_a_folder_are_named_and_stay(tmp_path):
    (tmp_path / "methods.md").write_text("mine")
    with pytest.raises(RecordError, match=r"holds files that this would replace: methods\.md.*--force"):
        write_files(tmp_path, {"methods.md": b"new", "x.csv": b""})
    assert (tmp_path / "methods.md").read_text() == "mine" and not (tmp_path / "x.csv").exists()
    write_files(tmp_path, {"methods.md": b"new"}, force=True)
    assert (tmp_path / "methods.md").read_bytes() == b"new"


def test_own_files_are_replaced_unless_somebody_changed_them(tmp_path):
    write_files(tmp_path, {"a.md": b"one", "tables/b.csv": b"1"})
    (tmp_path / "notes.txt").write_text("mine")
    write_files(tmp_path, {"a.md": b"two", "tables/b.csv": b"2"})
    assert (tmp_path / "a.md").read_bytes() == b"two" and (tmp_path / "notes.txt").read_text() == "mine"
    (tmp_path / "a.md").write_text("edited by hand")
    with pytest.raises(RecordError, match=r"would replace: a\.md"):
        check_files(tmp_path, ["a.md", "tables/b.csv"])
    (tmp_path / MARK).write_text("{}")
    with pytest.raises(RecordError, match=r"would replace: tables/b\.csv"):
        check_files(tmp_path, ["tables/b.csv"])


def test_an_interrupted_command_knows_its_files_again(tmp_path, monkeypatch):
    from lifespan.record import ownership

    def interrupted(path, data, *, within):
        if path.name == "b.md":
            raise KeyboardInterrupt
        (path.parent / path.name).write_bytes(data)

    with monkeypatch.context() as patched:
        patched.setattr(ownership, "write_bytes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_files(tmp_path, {"a.md": b"1", "b.md": b"2"})
    write_files(tmp_path, {"a.md": b"3", "b.md": b"4"})
    assert (tmp_path / "a.md").read_bytes() == b"3"


def test_a_report_elsewhere_replaces_no_paper(made, tmp_path, run):
    paper = tmp_path / "paper"
    paper.mkdir()
    (paper / "methods.md").write_text("the methods of my paper")
    code, _, err = run("report", made, "--out", paper)
    assert code == 2 and "holds files that this would replace: methods.md" in err and "--force" in err
    assert (paper / "methods.md").read_text() == "the methods of my paper" and len(list(paper.iterdir())) == 1


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.parquet"])
def test_a_table_replaces_tables_alone(made, tmp_path, name):
    records = [read(made)]
    rows = write_table(records, tmp_path / name)
    assert write_table(records, tmp_path / name) == rows > 0
    (tmp_path / name).write_bytes(b"group,value\nmine,1\n")
    with pytest.raises(RecordError, match="is there already, and is no table that Lifespan wrote"):
        write_table(records, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"group,value\nmine,1\n"
    assert write_table(records, tmp_path / name, force=True) == rows


def test_a_shared_store_is_new_empty_or_a_store(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / ".gitignore").write_text("*.pyc\n")
    with pytest.raises(RecordError, match="holds other files and is no store"):
        attach(tmp_path / "run", mine)
    assert (mine / ".gitignore").read_text() == "*.pyc\n" and len(list(mine.iterdir())) == 1
    (tmp_path / "empty").mkdir()
    attach(tmp_path / "one", tmp_path / "empty")
    enter(tmp_path / "one", "s")
    attach(tmp_path / "two", tmp_path / "empty")
    (tmp_path / "empty" / "report.html").write_text("")
    assert is_store(tmp_path / "empty")
    attach(tmp_path / "three", tmp_path / "empty")


def test_what_looks_like_a_store_by_one_name_is_none(tmp_path):
    for name in ("runs/study/study.json", "blobs.txt"):
        place = tmp_path / name.replace("/", "-")
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text("{}")
        assert not is_store(place)
    (tmp_path / "before" / "blobs").mkdir(parents=True)
    (tmp_path / "before" / ("a" * 64)).mkdir()
    (tmp_path / "before" / ".gitignore").write_bytes(b"*\n")
    assert is_store(tmp_path / "before")


PACK = {"pack.json": json.dumps({"format": packs.FORMAT}).encode(), "base.safetensors": b""}


def test_a_pack_is_replaced_where_nothing_else_lies_beside_it(tmp_path):
    place = tmp_path / "pack"
    packs.write_folder(place, PACK, force=False)
    packs.write_folder(place, {**PACK, "config.json": b"{}"}, force=True)
    (place / "notes.md").write_text("mine")
    (place / "data").mkdir()
    with pytest.raises(RecordError, match=r"holds a pack, and beside it data, notes\.md, which is no file of a pack"):
        packs.write_folder(place, PACK, force=True)
    assert (place / "notes.md").read_text() == "mine" and (place / "config.json").exists()


def test_a_link_to_a_pack_stays(tmp_path):
    packs.write_folder(tmp_path / "real", PACK, force=False)
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    packs.write_folder(tmp_path / "link", {**PACK, "config.json": b"{}"}, force=True)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "config.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]

"""Content and name are sealed together: what was swapped, changed, added or taken away is said, and lived or written anew."""

import json
import shutil

import pytest
from harm import TABLES, nodes, resealed

from lifespan.cli import main as cli
from lifespan.record.files import read_sealed, write_sealed
from lifespan.record.record import read
from lifespan.record.seals import altered, seal
from lifespan.record.store import Store


def healed(ground, run, *names):
    said = ground.said("simulate", run)
    assert said.code == 0, said.err
    assert all(name in said.out + said.err for name in names), said.err
    assert [(run / name).read_bytes() for name in TABLES] == [(ground.whole / name).read_bytes() for name in TABLES]
    assert altered(read(run)) == []


def exchanged(one, other):
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def test_a_whole_record_says_nothing(ground):
    assert altered(read(ground.whole)) == []
    with ground.copy() as run:
        healed(ground, run)


def test_swapped_nodes_are_lived_again(ground):
    with ground.copy() as run:
        one, other = nodes(run)[:2]
        exchanged(one / "node.json", other / "node.json")
        said = []
        assert Store(run / "store", warn=said.append).node(one.name) is None
        assert "the content is another step's or evaluation's" in said[0]
        healed(ground, run, "another step's or evaluation's")


def test_swapped_evaluations_are_made_again(ground):
    with ground.copy() as run:
        looks = sorted((run / "store").glob("*/looks/*.json"))
        one = looks[0]
        other = next(path for path in looks if read_sealed(path)["rows"] != read_sealed(one)["rows"])
        exchanged(one, other)
        healed(ground, run, "another step's or evaluation's")


def test_a_folder_of_a_step_over_another_is_lived_again(ground):
    with ground.copy() as run:
        one, other = nodes(run)[1:3]
        shutil.rmtree(one)
        shutil.copytree(other, one)
        healed(ground, run, "another step's or evaluation's")


def test_files_of_before_they_said_whose_they_are_are_believed(ground):
    with ground.copy() as run:
        for path in (run / "store").glob("*/looks/*.json"):
            resealed(path, lambda look: [look.pop(name) for name in ("digest", "evaluation")])
        healed(ground, run)


@pytest.mark.parametrize("table", ["measurements.jsonl", "steps.jsonl", "participants.tsv", "contrasts.jsonl"])
def test_a_changed_digit_is_said_by_every_command_and_written_anew(ground, table):
    with ground.copy() as run:
        path = run / table
        data = bytearray(path.read_bytes())
        spot = max(i for i, byte in enumerate(data) if 48 <= byte <= 57)
        data[spot] = 48 + (data[spot] - 47) % 10
        path.write_bytes(bytes(data))
        assert [(one.file, "not as it was written" in one.how) for one in altered(read(run))] == [(table, True)]
        said = ground.said("table", run)
        assert f"{table} is not as it was written" in said.err and "--resume" in said.err
        healed(ground, run, table)


def test_the_report_carries_the_caution(ground):
    from lifespan.analysis.analysis import Analysis
    from lifespan.report import sentences

    with ground.copy() as run:
        path = run / "measurements.jsonl"
        path.write_text(path.read_text().replace("sentiment", "sentinels"))
        cautions = sentences.cautions(Analysis(run))
    assert any("measurements.jsonl is not as it was written (its checksum differs)" in text for text in cautions)


def test_verify_finds_it_even_where_the_store_was_changed_alike(ground):
    with ground.copy() as run:
        path = run / "environment.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "torch": "9.9"}))
        said = ground.said("verify", run)
    assert said.code == 1 and "environment.json" in said.out and "checksums.json" in said.out


@pytest.mark.parametrize("table", ["measurements.jsonl", "steps.jsonl", "participants.tsv"])
def test_a_missing_table_is_no_empty_one(ground, table):
    with ground.copy() as run:
        (run / table).unlink()
        for command in ("report", "table"):
            said = ground.said(command, run)
            assert said.code == 2 and f"{table}: is missing from the record" in said.err
        healed(ground, run, table)


def test_a_missing_or_broken_list_is_said(ground):
    with ground.copy() as run:
        (run / "checksums.json").unlink()
        assert ["is missing" in one.how for one in altered(read(run))] == [True]
        (run / "checksums.json").write_text("{")
        assert ["is damaged" in one.how for one in altered(read(run))] == [True]
        healed(ground, run, "checksums.json")


def test_a_table_that_was_added_is_said(ground):
    with ground.copy() as run:
        shutil.copy(run / "examples" / "Outputs.parquet", run / "examples" / "Other.parquet")
        assert [(one.file, one.how) for one in altered(read(run))] == [
            ("examples/Other.parquet", "was not written with the record")
        ]


def test_a_packed_table_has_the_checksum_of_its_content(ground):
    import gzip

    with ground.copy() as run:
        path = run / "measurements.jsonl"
        path.with_name("measurements.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        assert altered(read(run)) == []
        path.with_name("measurements.jsonl.gz").write_bytes(gzip.compress(b'{"group": "x"}\n'))
        assert [one.file for one in altered(read(run))] == ["measurements.jsonl"]


def test_records_of_before_have_no_list_and_are_taken_over(ground):
    with ground.copy() as run:
        (run / "checksums.json").unlink()
        path = run / "study.json"
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "checksums"}))
        assert altered(read(run)) == []
        healed(ground, run)
        assert "measurements.jsonl" in read_sealed(run / "checksums.json")["files"]


def test_paths_in_a_list_lead_nowhere(ground):
    with ground.copy() as run:
        seal(run)
        files = read_sealed(run / "checksums.json")["files"]
        write_sealed(run / "checksums.json", {"files": files | {"../../victim/paper.md": "0" * 64}})
        assert [(one.file, one.how) for one in altered(read(run))] == [("checksums.json", "is damaged")]


def test_export_says_that_the_study_was_changed(ground, tmp_path, run):
    assert cli is not None
    with ground.copy() as place:
        path = place / "study.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "about": "changed"}))
        life = next(iter(read(place).study["lives"]))
        code, _, err = run("export", place, "--life", life, "--out", tmp_path / "pack", "--no-check")
    assert code == 0 and "study.json is not as it was written" in " ".join(err.split())

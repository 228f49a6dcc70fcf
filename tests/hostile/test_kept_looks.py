"""What a look decided and what was declared cannot be written anew: a change is said for good, and compared with the rows."""

import json

import pytest
from harm import nodes, resealed

from lifespan.analysis.looks import looks_apart
from lifespan.errors import RecordError
from lifespan.record.predeclared import declarations, kept_looks
from lifespan.record.record import read
from lifespan.record.seals import altered, seal


def forged(run, **change):
    line = json.loads((run / "looks.jsonl").read_text())
    line["decisions"][0].update(change)
    (run / "looks.jsonl").write_text(json.dumps(line) + "\n")


def test_a_look_that_was_kept_is_what_the_rows_say(ground):
    assert looks_apart(read(ground.whole)) == []
    assert [line["look"] for line in kept_looks(read(ground.whole))] == [1]


@pytest.mark.parametrize("name", ["looks.jsonl", "hypotheses.jsonl"])
def test_a_changed_file_is_said_even_after_it_was_simulated_again(ground, name):
    with ground.copy() as run:
        path = run / name
        path.write_text(path.read_text().replace('"2', '"1', 1))
        for command in ("table", "simulate", "table"):
            said = ground.said(command, run)
            text = " ".join((said.out + said.err).split())
            assert said.code == 0 and f"{name} is not as it was written" in text and "cannot be written anew" in text
        (run / name).unlink()
        assert [(one.file, one.how) for one in altered(read(run))] == [(name, "is missing")]


def test_the_report_compares_looks_with_the_rows(ground):
    with ground.copy() as run:
        kept = kept_looks(read(run))[0]["decisions"][0]
        forged(run, verdict="supported")
        seal(run)
        said = looks_apart(read(run))
        assert len(said) == 1 and "was supported (n = 2, " in said[0] and f"the rows say {kept['verdict']} (n = 2, " in said[0]
        assert "the rows say" in " ".join(ground.said("report", run).out.split())


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"n": 3}, "was undecided (n = 3, "),
        ({"estimate": 5.0}, "estimate 5.000), and the rows say"),
        ({"estimate": "x"}, "estimate none), and the rows say"),
        ({"hypothesis": "other"}, "decides on 'other' at look 1, which the study did not declare"),
    ],
)
def test_each_number_of_a_look_is_compared(ground, change, wanted):
    with ground.copy() as run:
        forged(run, **change)
        assert wanted in " ".join(looks_apart(read(run)))


@pytest.mark.parametrize("number", [0, -1, 3, 10**30])
def test_a_look_that_nobody_planned_is_said(ground, number):
    with ground.copy() as run:
        line = json.loads((run / "looks.jsonl").read_text())
        (run / "looks.jsonl").write_text(json.dumps({**line, "look": number}) + "\n")
        assert looks_apart(read(run)) == [f"looks.jsonl has a look {number}, which the study did not declare."]


@pytest.mark.parametrize("line", ["{}", '{"look": "x", "decided": 1, "decisions": []}', '{"look": 1, "decisions": [1]}'])
def test_lines_that_are_no_looks_and_no_declarations_are_said(ground, line):
    with ground.copy() as run:
        for name, reads in (("looks.jsonl", kept_looks), ("hypotheses.jsonl", declarations)):
            (run / name).write_text(line + "\n")
            with pytest.raises(RecordError, match="does not hold what it must") as said:
                reads(read(run))
            assert "It cannot be written anew" in said.value.remedy


def test_a_state_of_another_kind_is_said(ground):
    with ground.copy() as run:
        for folder in nodes(run):
            resealed(folder / "node.json", lambda node: node.update(blobs={}))
        said = ground.said("verify", run)
    assert said.fault == "" and said.code == 2 and "its state is not one of Micro(" in " ".join((said.out + said.err).split())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"[" * 100])
def test_damaged_outputs_in_the_store_are_said_by_verify_and_made_again(ground, content):
    with ground.copy() as run:
        path = next((run / "store").glob("*/looks/*.parquet"))
        whole = path.read_bytes()
        path.write_bytes(content)
        said = ground.said("verify", run)
        assert said.fault == "" and said.code == 1 and path.name in said.out.replace("\n", "")
        assert ground.said("simulate", run).code == 0 and path.read_bytes() == whole

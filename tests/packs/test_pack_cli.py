"""`lifespan export`: from a run directory to a pack, and what it says when something is amiss."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import TASKS, TINY, tiny_life, tiny_study, weights

from lifespan import Glue, Micro, MicroTask, MiniLM, Origin, Pretrained, TableTask, Task, load_pack, read, simulate
from lifespan.cli import display
from lifespan.cli.export import find, restored_subject
from lifespan.errors import RecordError
from lifespan.record.specs import rebuilt
from lifespan.record.store import Store
from lifespan.stats.metrics import score
from lifespan.training.evaluation import predictions


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with two finished runs: `one` with one life, `several` with four."""
    place = tmp_path_factory.mktemp("finished")
    simulate(tiny_study(masks=tiny_life()), place / "one", threads=1)
    simulate(
        tiny_study(individuals=2, masks=tiny_life(), weights=tiny_life("weights", weights())), place / "several", threads=1
    )
    return place


@pytest.fixture
def place(finished, tmp_path, monkeypatch):
    """A copy to spoil, as working directory, on a screen of 80 columns."""
    folder = shutil.copytree(finished, tmp_path / "place")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(display.console, "width", 80)
    return folder


def check(result, *sentences):
    code, out, err = result
    assert code == 2, out + err
    assert "Traceback" not in out + err
    told = re.sub(r"\s+", " ", err)
    for sentence in sentences:
        assert sentence in told, err


def test_the_only_life_is_packed_and_shown(run, place):
    code, out, err = run("export", "one")
    assert code == 0 and err == ""
    assert max(len(line) for line in out.splitlines()) <= 80
    for word in (
        "part",
        "bytes",
        "floor",
        "full fp32",
        "ratio",
        "agrees",
        "differs",
        "base, fp32",
        "anatomy",
        "mask",
        "total",
    ):
        assert word in out
    assert out.count("100.0%") == 2 and "(dev, n=40)" in re.sub(r"\s+", " ", out)
    assert "Pack: one/packs/masks-000-fp32" in out
    pack = load_pack("one/packs/masks-000-fp32")
    assert list(pack.tasks) == [task.title for task in TASKS]
    assert pack.manifest.origin["life"] == "masks-000" and pack.manifest.origin["stage"] == "recover"
    assert pack.manifest.origin["state"] == read("one").study["lives"]["masks-000"]["steps"][-1]


def test_a_packs_scores_are_those_of_the_record(run, place):
    assert run("export", "one", "--no-check")[0] == 0
    rows = read("one").measurements()
    subject = load_pack("one/packs/masks-000-fp32").subject()
    for task in TASKS:
        metric = task.metrics[0]
        recorded = rows[(rows.probe == "Score") & (rows.task == task.title) & (rows.metric == metric)].value.iloc[-1]
        assert score(metric, *predictions(subject, task, "dev", 128)) == recorded


def test_exporting_changes_nothing_in_the_record(run, place):
    before = {path: path.read_bytes() for path in Path("one").rglob("*") if path.is_file()}
    assert run("export", "one", "--out", "pack")[0] == 0
    assert {path: path.read_bytes() for path in Path("one").rglob("*") if path.is_file()} == before


def test_a_life_is_chosen_by_name_and_moment(run, place):
    code, out, _ = run("export", "several", "--life", "weights-001", "--after", 2, "--base", "int8", "--heads", "bf16")
    assert code == 0 and "Pack: several/packs/weights-001-int8-after-2" in out
    pack = load_pack("several/packs/weights-001-int8-after-2")
    assert list(pack.tasks) == [TASKS[0].title] and pack.manifest.base == "int8" and pack.manifest.heads == "bf16"
    assert pack.manifest.origin["seed"] == 1 and pack.manifest.origin["after"] == 2


def test_a_pack_is_replaced_only_by_force(run, place):
    assert run("export", "one", "--no-check")[0] == 0
    check(run("export", "one"), "one/packs/masks-000-fp32: holds a pack already", "Add --force")
    code, out, _ = run("export", "one", "--force", "--no-check")
    assert code == 0 and "Agrees" not in out and "100.0%" not in out


WRONG = {
    "no such directory": (["nowhere"], ["nowhere: there is no such run directory"]),
    "no run directory": (["."], ["has no study.json", "Did you mean one?"]),
    "no directory at all": ([], ["Missing argument", "DIR"]),
    "which life": (["several"], ["holds 4 lives", "--life", "Known: masks-000, masks-001, weights-000, weights-001"]),
    "no such life": (["several", "--life", "mask-000"], ["--life mask-000", "Did you mean 'masks-000'?"]),
    "unknown base": (["one", "--base", "int5"], ["--base int5: is not known here", "Known: fp32, bf16, int8, int4"]),
    "unknown heads": (["one", "--heads", "int8"], ["--heads int8: is not known here", "Known: fp32, bf16"]),
    "too late": (["one", "--after", "99"], ["--after 99: the life 'masks-000' has 7 events", "Use 0 to 7"]),
    "before birth": (["one", "--after", "-1"], ["--after -1", "Use 0 to 7"]),
    "before school": (["one", "--after", "1"], ["the subject has no skill to pack", "after it has learned a task"]),
    "out is a file": (["one", "--out", "one/study.json"], ["one/study.json: is a file, not a folder", "--out"]),
    "out holds other files": (["one", "--out", "several", "--force"], ["several: holds other files and is no pack"]),
    "out inside a file": (["one", "--out", "one/study.json/pack"], ["cannot be written", "--out"]),
    "out where nobody may write": (["one", "--out", "/proc/pack"], ["cannot be written", "--out"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case, run, place):
    arguments, sentences = WRONG[case]
    check(run("export", *arguments), *sentences)
    assert not list(place.rglob("*.new")) and not list(place.rglob("*.mask"))


def steps():
    return json.loads(Path("one/study.json").read_text())["lives"]["masks-000"]["steps"]


def test_an_unfinished_life(run, place):
    Path("one/store", steps()[-1], "node.json").unlink()
    check(run("export", "one"), "has lived 6 of 7 events", "--after 6 exports what is there", "lifespan status one")
    assert run("export", "one", "--after", 6, "--no-check")[0] == 0


def test_a_damaged_checkpoint(run, place):
    blob = Store(Path("one/store")).node(steps()[-1])["blobs"]["alive"]
    path = Path("one/store/blobs", f"{blob}.safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    check(run("export", "one"), "does not match its checksum", "simulate --resume")


@pytest.mark.parametrize("content", ["{}", '{"facts": {}, "blobs": 3}', '{"blobs": {}}', '{"facts": {"age": 1}, "blobs": {}}'])
def test_a_damaged_node(content, run, place):
    Path("one/store", steps()[-1], "node.json").write_text(content)
    check(run("export", "one"), steps()[-1])


def change_study(change):
    path = Path("one/study.json")
    study = json.loads(path.read_text())
    change(study)
    path.write_text(json.dumps(study))


def subject_class(name, **more):
    return lambda study: study["groups"]["masks"]["scenario"]["subject"].update({"class": name, **more})


STUDIES = {
    "no lives": (lambda study: study.pop("lives"), "does not name its lives"),
    "empty lives": (lambda study: study.update(lives={}), "does not name its lives"),
    "life without steps": (lambda study: study["lives"]["masks-000"].update(steps=[]), "does not name its lives"),
    "life of no group": (lambda study: study["lives"]["masks-000"].update(group="x"), "does not name its lives"),
    "no scenario": (lambda study: study["groups"]["masks"].pop("scenario"), "is no recorded Origin"),
    "scenario file": (subject_class("scenario:Mine"), "defined in a scenario file, where it cannot be found again"),
    "not installed": (subject_class("no_such_package_here:Mine"), "Install the package 'no_such_package_here'"),
    "no such class": (subject_class("lifespan:Macro"), "this Python has no such Origin"),
    "not an origin": (subject_class("lifespan:Masks"), "lifespan:Masks: is no Origin"),
    "a function": (subject_class("os:system"), "os:system: is no Origin"),
    "abstract": (subject_class("lifespan:Origin"), "lifespan:Origin: is no Origin"),
    "a dotted path": (subject_class("os.path:join"), "this Python has no such Origin"),
    "another revision": (
        subject_class("lifespan:Micro", revision=9),
        f"was recorded at revision 9, but is at {Micro.revision}",
    ),
    "unknown argument": (subject_class("lifespan:Micro", layes=3), "Micro(layes=...): there is no such argument"),
    "broken rule": (subject_class("lifespan:Micro", layers=0), "Micro(layers=0): must be a whole number"),
    "another size": (subject_class("lifespan:Micro", width=32), "does not fit the subject Micro(layers=1, width=32"),
}


@pytest.mark.parametrize("case", STUDIES)
def test_studies_that_cannot_be_exported(case, run, place):
    change, sentence = STUDIES[case]
    change_study(change)
    check(run("export", "one"), sentence)


def test_a_task_that_cannot_be_asked_again_is_packed_without_comparison(run, place):
    change_study(lambda study: study["tasks"]["micro-sentiment"]["spec"].update({"class": "scenario:Mine"}))
    code, out, err = run("export", "one", "--out", "pack")
    assert code == 0 and out.count("100.0%") == 1
    assert "Not compared with the living subject" in err and "scenario file" in err
    assert load_pack("pack").tasks["micro-sentiment"].labels == TASKS[0].labels
    check(run("export", "one", "--out", "other", "--check"), "not every task can be asked again")
    assert not Path("other").exists()


def test_a_task_whose_data_is_gone_is_packed_without_comparison(run, place):
    table = TableTask("gone.csv", name="micro-sentiment", first="text", label="label").to_data()
    change_study(lambda study: study["tasks"]["micro-sentiment"].update(spec=table))
    check(run("export", "one", "--out", "other", "--check"), "gone.csv")
    assert not Path("other").exists()
    code, out, err = run("export", "one", "--out", "other")
    assert code == 0 and out.count("100.0%") == 1
    assert "Not compared with the living subject: micro-sentiment" in err
    assert load_pack("other").tasks["micro-sentiment"].labels == TASKS[0].labels


def test_an_origin_of_an_importable_package_is_found(place, monkeypatch):
    Path("my_origins.py").write_text(
        "from dataclasses import dataclass\nfrom lifespan import Micro\n\n\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Mine(Micro):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(place))
    change_study(subject_class("my_origins:Mine"))
    subject = restored_subject(find(Path("one"), None, None))
    assert set(subject.skills) == {task.title for task in TASKS}


@pytest.mark.parametrize(
    ("family", "spec"),
    [
        (Origin, TINY),
        (Origin, replace(TINY, dropout=0.25)),
        (Origin, MiniLM()),
        (Origin, Pretrained("bert-base-uncased", commit="abc", random=True)),
        (Task, Glue("rte", eval_examples=7)),
        (Task, MicroTask("similarity")),
        (Task, TableTask("a.csv", name="a", first="text", label="stars", kind="score", scores=(1.0, 5.0))),
    ],
)
def test_specs_come_back_from_their_data(family, spec):
    data = json.loads(json.dumps(spec.to_data()))
    assert rebuilt(data, family, "here").digest() == spec.digest()


@pytest.mark.parametrize("data", [None, 3, [], {}, {"class": 3}, {"class": "Micro"}, {"class": ":"}, {"class": "a b:c"}])
def test_what_is_no_recorded_spec(data):
    with pytest.raises(RecordError):
        rebuilt(data, Origin, "here")

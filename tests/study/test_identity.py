"""The record cannot lie: what a step reads, and the code it runs, is part of its identity, and nothing else is.

One input is changed at a time. `CHANGES` says for each where a new identity must begin: at which step of the life, or in which
looks alone; everything before keeps its digest.
"""

import importlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from lifespan import Micro, Scenario, Study, Suffer, WeightNoise
from lifespan.contracts import Disorder
from lifespan.contracts.code import code_of
from lifespan.errors import RecordError
from lifespan.record.specs import rebuilt
from lifespan.study import loading
from lifespan.study._file_hashes import LARGE, FileHashes
from lifespan.study.identity import Fingerprints
from lifespan.study.plan import compile_study

LIFE = '''\
"""A life with something of everything."""
from dataclasses import dataclass
from lifespan import *
import neighbour
from stormy import Storm

FORCE = 2
UNUSED = 1

def scaled(x):
    """Of the force."""
    return x * FORCE  # by as much

@dataclass(frozen=True, kw_only=True)
class Fog(Disorder):
    """A disorder of this file."""
    def strike(self, subject, streams):
        return {"fog": scaled(neighbour.thick(self.severity))}

@dataclass(frozen=True, kw_only=True)
class Count(Measure):
    """A measure of this file."""
    def read(self, subject, tasks, streams):
        yield Reading("count", float(len(tasks)), 1)

@dataclass(frozen=True, kw_only=True)
class Other(Disorder):
    """Stands in the file, and in no life."""
    def strike(self, subject, streams):
        return {"other": 1.0}

task = TableTask("train.csv", name="reviews", first="text", dev="dev.csv", classes=("0", "1"))
life = Scenario(name="all", subject=Pretrained("model"), events=(
    Develop(TextFiles("letters.txt"), steps=2),
    Learn(task, by=Weights(steps=2)),
    Probe(Score()),
    Suffer(Storm(severity=0.2)),
    Suffer(Fog(severity=0.2)),
    Probe(OutOfDomain("reviews", Paws(source="paws.tsv"), meaning={"0": "not_equivalent", "1": "equivalent"}), Count()),
    Age(to=0.5, by=Magnitude()),
))
study = Study(name="all", groups={"all": life})
'''
FILES = {
    "life.py": LIFE,
    "neighbour.py": "import deeper\n\n\ndef thick(x):\n    # As fog is.\n    return deeper.half(x) + 1\n",
    "deeper.py": 'def half(x):\n    """Half of it."""\n    return x / 2\n',
    "stormy/__init__.py": "from stormy.storm import Storm\n",
    "stormy/storm.py": "from dataclasses import dataclass\n\nfrom lifespan import Disorder\nfrom stormy.wind import blow\n\n\n"
    "@dataclass(frozen=True, kw_only=True)\nclass Storm(Disorder):\n"
    '    """Of a package."""\n\n    def strike(self, subject, streams):\n        return {"storm": blow(self.severity)}\n',
    "stormy/wind.py": "def blow(x):\n    return 2 * x\n",
    "stormy-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: stormy\nVersion: 1.0\n",
    "train.csv": "text,label\ngood food,1\nbad food,0\nfine wine,1\n",
    "dev.csv": "text,label\ngood wine,1\nbad wine,0\n",
    "letters.txt": "dear reader\nyours truly\n",
    "paws.tsv": "id\tsentence1\tsentence2\tlabel\n1\ta b\tb a\t0\n2\tc d\td c\t1\n",
    "model/config.json": '{"model_type": "bert"}',
    "model/model.safetensors": "weights",
    "model/tokenizer.json": '{"version": "1.0"}',
    "model/vocab.txt": "a\nb\n",
    "model/README.md": "A model.\n",
}
BIRTH, DEVELOP, LEARN, STORM, FOG, AGE, NOWHERE = 0, 1, 2, 3, 4, 5, None
ALL_LOOKS = {"Score", "reviews on paws-qqp", "Count"}
CHANGES = [
    ("a cell of the training rows", "train.csv", "good food", "nice food", LEARN, ALL_LOOKS),
    ("a label of the training rows", "train.csv", "bad food,0", "bad food,1", LEARN, ALL_LOOKS),
    ("a cell of the dev rows", "dev.csv", "good wine", "nice wine", NOWHERE, ALL_LOOKS),
    ("a label of the dev rows", "dev.csv", "bad wine,0", "bad wine,1", NOWHERE, ALL_LOOKS),
    ("a line of the corpus", "letters.txt", "dear", "deer", DEVELOP, ALL_LOOKS),
    ("a row of a challenge set", "paws.tsv", "c d", "c e", NOWHERE, {"reviews on paws-qqp"}),
    ("the weights of the model", "model/model.safetensors", "weights", "weightz", BIRTH, ALL_LOOKS),
    ("the configuration of the model", "model/config.json", "bert", "bort", BIRTH, ALL_LOOKS),
    ("a tokenizer file", "model/tokenizer.json", "1.0", "1.1", BIRTH, ALL_LOOKS),
    ("the vocabulary", "model/vocab.txt", "b", "c", BIRTH, ALL_LOOKS),
    ("the model's readme", "model/README.md", "A model", "The model", NOWHERE, set()),
    ("a line of a plug-in class", "stormy/storm.py", "blow(self.severity)", "blow(1.0)", STORM, ALL_LOOKS - {"Score"}),
    ("a line of the plug-in's helper", "stormy/wind.py", "2 * x", "3 * x", STORM, ALL_LOOKS - {"Score"}),
    ("the plug-in's version", "stormy-1.0.dist-info/METADATA", "Version: 1.0", "Version: 1.1", STORM, ALL_LOOKS - {"Score"}),
    ("the plug-in's docstring", "stormy/storm.py", "Of a package.", "Of some package.", NOWHERE, set()),
    ("a comment in the plug-in", "stormy/wind.py", "2 * x", "2 * x  # twice", NOWHERE, set()),
    ("a line of a scenario's class", "life.py", "scaled(neighbour", "2 + scaled(neighbour", FOG, ALL_LOOKS - {"Score"}),
    ("a function of the scenario", "life.py", "x * FORCE", "FORCE - x", FOG, ALL_LOOKS - {"Score"}),
    ("a constant that it uses", "life.py", "FORCE = 2", "FORCE = 3", FOG, ALL_LOOKS - {"Score"}),
    ("a line of a helper module", "neighbour.py", "+ 1", "+ 2", FOG, ALL_LOOKS - {"Score"}),
    ("a line of the helper's helper", "deeper.py", "x / 2", "x / 3", FOG, ALL_LOOKS - {"Score"}),
    ("a line of a scenario's measure", "life.py", "float(len(tasks))", "float(len(tasks)) + 1", NOWHERE, {"Count"}),
    ("a constant that nothing uses", "life.py", "UNUSED = 1", "UNUSED = 7", NOWHERE, set()),
    ("a class that no life has", "life.py", '{"other": 1.0}', '{"other": 2.0}', NOWHERE, set()),
    ("a docstring of a scenario's class", "life.py", "A disorder of this file.", "Another text.", NOWHERE, set()),
    ("a docstring of its function", "life.py", "Of the force.", "Of a force.", NOWHERE, set()),
    ("a new training row", "train.csv", "fine wine,1", "fine wine,1\nlost fork,0", LEARN, ALL_LOOKS),
    ("the order of the training rows", "train.csv", "good food,1\nbad food,0", "bad food,0\ngood food,1", LEARN, ALL_LOOKS),
    ("white space in a cell", "train.csv", "good food", "good  food", LEARN, ALL_LOOKS),
    ("the end of the training file", "train.csv", "fine wine,1\n", "fine wine,1\n\n", LEARN, ALL_LOOKS),
    ("the ends of lines of the training file", "train.csv", "\n", "\r\n", LEARN, ALL_LOOKS),
    ("the order of the dev rows", "dev.csv", "good wine,1\nbad wine,0", "bad wine,0\ngood wine,1", NOWHERE, ALL_LOOKS),
    ("the order of the corpus", "letters.txt", "dear reader\nyours truly", "yours truly\ndear reader", DEVELOP, ALL_LOOKS),
    ("a label of a challenge set", "paws.tsv", "a b\tb a\t0", "a b\tb a\t1", NOWHERE, {"reviews on paws-qqp"}),
    ("white space in the model's configuration", "model/config.json", "{", "{ ", BIRTH, ALL_LOOKS),
    ("an argument of a development", "life.py", '("letters.txt"), steps=2', '("letters.txt"), steps=3', DEVELOP, ALL_LOOKS),
    ("an argument of a learner", "life.py", "Weights(steps=2)", "Weights(steps=3)", LEARN, ALL_LOOKS),
    ("a severity", "life.py", "Storm(severity=0.2)", "Storm(severity=0.3)", STORM, ALL_LOOKS - {"Score"}),
    ("a degree of ageing", "life.py", "Age(to=0.5", "Age(to=0.4", AGE, set()),
    ("an argument of a measure", "life.py", "Probe(Score())", "Probe(Score(length=64))", NOWHERE, {"Score"}),
    (
        "what the classes mean",
        "life.py",
        '"0": "not_equivalent", "1"',
        '"1": "not_equivalent", "0"',
        NOWHERE,
        {"reviews on paws-qqp"},
    ),
    ("white space of the scenario", "life.py", "x * FORCE", "x  *  FORCE", NOWHERE, set()),
    ("brackets of the scenario", "life.py", "x * FORCE", "(x * FORCE)", NOWHERE, set()),
    ("the ends of lines of a helper", "neighbour.py", "\n", "\r\n", NOWHERE, set()),
    ("a comment of the scenario", "life.py", "# by as much", "# as said", NOWHERE, set()),
    ("a comment of a helper", "neighbour.py", "# As fog is.", "# As mist is.", NOWHERE, set()),
    ("a docstring of the helper's helper", "deeper.py", "Half of it.", "One half.", NOWHERE, set()),
    ("an empty line", "life.py", "UNUSED = 1", "UNUSED = 1\n\n\n", NOWHERE, set()),
    ("the time of a file alone", "train.csv", "", "", NOWHERE, set()),
]
OWN_MODULES = ("neighbour", "deeper", "stormy", "stormy.storm", "stormy.wind")


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    forget_modules()


def forget_modules():
    from lifespan.contracts import code

    for name in OWN_MODULES:
        sys.modules.pop(name, None)
    code._version.cache_clear()
    importlib.invalidate_caches()


def digests(path="life.py", settings=()):
    """(digests of the steps, digest by probe) as a process sees them that imports everything anew."""
    forget_modules()
    steps = compile_study(loading.load(str(path), settings=settings), precision="fp32").lives[0].steps
    return [step.digest for step in steps], {each.title: each.digest for step in steps for each in step.evaluations}


@pytest.mark.parametrize(("name", "file", "old", "new", "first", "looks"), CHANGES, ids=[change[0] for change in CHANGES])
def test_a_change_gives_a_new_identity_from_where_it_is_read(project, name, file, old, new, first, looks):
    steps, looked = digests()
    text = (project / file).read_text()
    assert old in text
    (project / file).write_bytes(text.replace(old, new, 1).encode())
    os.utime(project / file, (1, 1))
    steps_then, looked_then = digests()
    moved = [number for number, (one, other) in enumerate(zip(steps, steps_then, strict=True)) if one != other]
    assert moved == ([] if first is None else list(range(first, len(steps))))
    assert {probe for probe in looked if looked[probe] != looked_then[probe]} == looks
    (project / file).write_text(text)
    assert digests() == (steps, looked)


def test_how_many_changes_are_tried():
    """Every one of them is tried above, and what it must and must not touch is compared step by step and look by look."""
    seen = [change for change in CHANGES if change[4] is not NOWHERE or change[5]]
    print(f"{len(CHANGES)} changes of one input: {len(seen)} to be seen, {len(CHANGES) - len(seen)} to be left unseen")
    assert (len(CHANGES), len(seen)) == (49, 34) and len({change[0] for change in CHANGES}) == len(CHANGES)


def test_a_file_that_comes_or_goes_counts(project):
    steps, looked = digests()
    (project / "model" / "added_tokens.json").write_text("{}")
    more = digests()
    assert all(one != other for one, other in zip(steps, more[0], strict=True))
    (project / "model" / "added_tokens.json").unlink()
    assert digests() == (steps, looked)
    (project / "letters.txt").unlink()
    assert [one == other for one, other in zip(steps, digests()[0], strict=True)] == [True] + [False] * 5


def test_the_revision_of_a_built_in_class_counts_and_the_version_of_the_package_does_not(project, monkeypatch):
    import lifespan

    steps, looked = digests()
    monkeypatch.setattr(lifespan, "__version__", "99.0")
    assert digests() == (steps, looked)
    monkeypatch.setattr(lifespan.Magnitude, "revision", 7)
    then = digests()
    assert then[0][:AGE] == steps[:AGE] and then[0][AGE] != steps[AGE] and then[1] == looked


def glue(root, text="premise 1"):
    """A folder of GLUE with RTE, and HANS beside it."""
    for name in ("glue/RTE", "robustness/hans"):
        (root / name).mkdir(parents=True)
    for split in ("train", "dev"):
        rows = f"index\tsentence1\tsentence2\tlabel\n0\tpremise 0\tit\tentailment\n1\t{text}\tit\tnot_entailment\n"
        (root / "glue" / "RTE" / f"{split}.tsv").write_text(rows)
    hans = f"gold_label\tsentence1\tsentence2\theuristic\nentailment\t{text}\tb a\tlexical_overlap\n"
    (root / "robustness" / "hans" / "heuristics_evaluation_set.txt").write_text(hans)
    return root / "glue"


def test_another_folder_of_glue_counts_where_its_content_is_another(tmp_path, monkeypatch):
    from lifespan import Glue, Hans, Learn, OutOfDomain, Probe, Score, TaskText, Weights
    from lifespan.study.events import Develop

    by, meaning = Weights(steps=2), {"entailment": "entailment", "not_entailment": "non-entailment"}
    look = Probe(Score(), OutOfDomain("rte", Hans(), meaning=meaning))
    events = (Suffer(WeightNoise(severity=0.1)), Develop(TaskText("rte"), steps=2), Learn(Glue("rte"), by=by), look)
    life = Scenario(name="glue", subject=Micro(), events=events)

    def known(folder):
        monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(folder))
        steps = compile_study(Study(name="glue", groups={"glue": life}), precision="fp32").lives[0].steps
        return [step.digest for step in steps], [look.digest for look in steps[-1].evaluations]

    first = known(glue(tmp_path / "one"))
    assert known(glue(tmp_path / "same")) == first
    other = known(glue(tmp_path / "other", "premise 2"))
    assert other[0][:2] == first[0][:2]
    assert all(one != another for one, another in zip(first[0][2:] + first[1], other[0][2:] + other[1], strict=True))


def test_a_table_that_is_packed_anew_is_another_file(tmp_path):
    """Identity is of bytes: what a reader makes of them might hang on its version. The same bytes elsewhere are the same."""
    import pyarrow
    from pyarrow import parquet

    from lifespan import Learn, TableTask, Weights

    def known(folder, compression):
        (tmp_path / folder).mkdir()
        rows = pyarrow.table({"text": ["good food", "bad food"], "label": ["1", "0"]})
        parquet.write_table(rows, tmp_path / folder / "rows.parquet", compression=compression)
        os.chdir(tmp_path / folder)
        task = TableTask("rows.parquet", name="reviews", first="text", classes=("0", "1"))
        life = Scenario(name="packed", subject=Micro(), events=(Learn(task, by=Weights(steps=2)),))
        steps = compile_study(Study(name="packed", groups={"packed": life}), precision="fp32").lives[0].steps
        return [step.digest for step in steps]

    here = Path.cwd()
    try:
        first, other, again = known("a", "gzip"), known("b", "none"), known("c", "gzip")
    finally:
        os.chdir(here)
    assert first == again and first[0] == other[0] and first[1] != other[1]


def test_a_setting_that_a_class_uses_counts(project):
    steps, _ = digests()
    assert digests(settings=["UNUSED=5"])[0] == steps
    assert [one == other for one, other in zip(steps, digests(settings=["FORCE=5"])[0], strict=True)] == [True] * 4 + [
        False
    ] * 2


def test_where_things_lie_does_not_count(project, tmp_path, monkeypatch):
    before = digests()
    elsewhere = tmp_path / "elsewhere" / "deep"
    shutil.copytree(project, elsewhere, ignore=shutil.ignore_patterns("elsewhere"))
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys, "path", [str(elsewhere), *(path for path in sys.path if path != str(project))])
    assert digests(elsewhere / "life.py") == before


def test_the_built_in_world_reads_nothing_from_outside():
    own = Scenario(name="own", subject=Micro(), events=(Suffer(WeightNoise(severity=0.1)),))
    plan = compile_study(Study(name="own", groups={"own": own}), precision="fp32")
    assert [step.reads for step in plan.nodes.values()] == [(), ()]


def test_two_classes_of_one_name_are_two(tmp_path):
    text = "from dataclasses import dataclass\nfrom lifespan import *\n"
    text += "@dataclass(frozen=True, kw_only=True)\nclass Fog(Disorder):\n"
    text += "    def strike(self, subject, streams):\n        return {{'fog': {}}}\n"
    text += "scenario = Scenario(name='fog', subject=Micro(), events=(Suffer(Fog()),))\n"
    studies = []
    for number in (1.0, 2.0, 1.0):
        (tmp_path / f"fog{len(studies)}.py").write_text(text.format(number))
        studies.append(loading.load(str(tmp_path / f"fog{len(studies)}.py")))
    ends = [compile_study(study, precision="fp32").lives[0].steps[-1].digest for study in studies]
    assert ends[0] == ends[2] != ends[1]
    # One study may hold both.
    both = Study(name="both", groups={str(i): study.groups["fog"] for i, study in enumerate(studies)})
    assert len({life.steps[-1].digest for life in compile_study(both, precision="fp32").lives}) == 2


def test_what_runs_counts_and_not_what_the_file_says_meanwhile(project):
    """A notebook edits a module that it has imported: until it is reloaded, the old code runs."""
    forget_modules()
    study = loading.load("life.py")
    before = [step.digest for step in compile_study(study, precision="fp32").lives[0].steps]
    (project / "neighbour.py").write_text(FILES["neighbour.py"].replace("+ 1", "+ 2"))
    assert [step.digest for step in compile_study(study, precision="fp32").lives[0].steps] == before
    importlib.reload(sys.modules["neighbour"])
    after = [step.digest for step in compile_study(study, precision="fp32").lives[0].steps]
    assert after[:FOG] == before[:FOG] and after[FOG] != before[FOG]


def test_code_without_a_source_is_known_by_what_was_compiled():
    def made(line):
        names = {"__name__": "typed_in"}
        text = f"from lifespan import Disorder\nK = 1\nclass Fog(Disorder):\n    def strike(self, s, r):\n        {line}\n"
        exec(text, names)
        return code_of(names["Fog"]).fingerprint

    assert made("return {'a': 1.0}") == made("return {'a': 1.0}  # so")
    assert len({made("return {'a': 1.0}"), made("return {'a': 2.0}"), made("return {'a': K}")}) == 3


def test_recorded_classes_are_found_again_by_module_and_code(project):
    forget_modules()
    from stormy import Storm

    data = Storm(severity=0.3).to_data()
    assert data["class"] == "stormy.storm:Storm" and rebuilt(data, Disorder, "here") == Storm(severity=0.3)
    older = {"class": "stormy:Storm", "revision": 1, "severity": 0.3}
    assert rebuilt(older, Disorder, "here") == Storm(severity=0.3)
    with pytest.raises(RecordError, match="recorded with other code"):
        rebuilt({**data, "source code": "0" * 64}, Disorder, "here")


def test_a_model_of_the_hub_is_known_by_its_commit(tmp_path, monkeypatch):
    from lifespan import Pretrained

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    refs = tmp_path / "models--a--b" / "refs"
    refs.mkdir(parents=True)
    found = []
    for commit in ("1" * 40, "2" * 40):
        (refs / "main").write_text(commit)
        found.append([read.fingerprint for read in Fingerprints().of_event(Pretrained("a/b"))])
    assert found == [["1" * 40], ["2" * 40]]
    assert [read.fingerprint for read in Fingerprints().of_event(Pretrained("a/b", commit="3" * 40))] == ["3" * 40]
    assert [read.fingerprint for read in Fingerprints().of_event(Pretrained("c/d"))] == ["missing"]


def test_large_files_are_hashed_once_and_a_cache_is_never_worse_than_none(tmp_path, monkeypatch):
    big, cache = tmp_path / "big", tmp_path / "cache" / "hashes.json"
    big.write_bytes(b"a" * LARGE)
    os.utime(big, (1, 1))
    hashes = FileHashes(cache)
    first = hashes.of(big)
    hashes.save()
    assert not cache.exists(), "just written: it might be written again without a change of its times"
    monkeypatch.setattr("lifespan.study._file_hashes.YOUNG", -1.0)
    hashes = FileHashes(cache)
    assert hashes.of(big) == first
    hashes.save()
    assert cache.exists()
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", None)
        assert FileHashes(cache).of(big) == first
    big.write_bytes(b"b" * LARGE)
    os.utime(big, (1, 1))
    assert FileHashes(cache).of(big) != first, "the time of the content was set back, that of the file cannot be"
    cache.write_text("{ broken")
    assert FileHashes(cache).of(big) != first
    assert FileHashes(Path("/proc/nowhere/hashes.json")).of(big) != first

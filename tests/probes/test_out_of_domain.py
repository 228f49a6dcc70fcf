"""Any data for any skill: labels meet before anything is lived, files are read whole, pairs and parts are scored."""

from dataclasses import dataclass

import numpy as np
import pytest
from conftest import TASKS, TINY, weights
from small_lives import lived

from lifespan import Glue, Hans, Learn, MicroTask, OutOfDomain, Probe, Scenario, Study, TableTask
from lifespan.contracts import Examples, Task
from lifespan.errors import DataError, ScenarioError
from lifespan.probes.performance._label_names import matching
from lifespan.randomness import Streams
from lifespan.record.manifest import fingerprints
from lifespan.study.plan import compile_study

SENTIMENT = TASKS[0]
NLI = ("entailment", "neutral", "contradiction")
MERGED = r"\{'neutral': 'not_entailment', 'contradiction': 'not_entailment'\}\."
TWO = ("entailment", "not_entailment")


def met(skill, data, **meaning):
    found = matching("here", skill, data, meaning)
    return found.answers.tolist(), found.labels.tolist()


def test_labels_meet_by_name_in_the_datas_order():
    assert met(TWO, ("Non-Entailment", "Entailment")) == ([1, 0], [0, 1])
    assert met(NLI, ("contradiction", "entailment", "neutral")) == ([1, 2, 0], [0, 1, 2])
    assert met(NLI, TWO) == ([0, 1, 1], [0, 1])


def test_meaning_renames_the_skills_labels():
    assert met(("0", "1"), ("bad", "good"), **{"0": "good", "1": "bad"}) == ([1, 0], [0, 1])
    assert met(("yes", "no"), ("no", "yes"), yes="no", no="yes") == ([0, 1], [0, 1])


def test_meaning_merges_what_the_skill_does_not_tell_apart():
    merged = {"neutral": "not_entailment", "contradiction": "not_entailment"}
    assert met(TWO, NLI, **merged) == ([0, 1], [0, 1, 1])
    assert met(("entailment", "contradiction"), NLI, neutral="contradiction") == ([0, 1], [0, 1, 1])
    assert met(NLI, NLI, **merged) == ([0, 1, 1], [0, 1, 1])


@pytest.mark.parametrize(
    ("skill", "data", "meaning", "message"),
    [
        (TWO, NLI, {}, r"here: the skill's label 'not_entailment' is none of the data's\. .*meaning=" + MERGED),
        (
            ("entailment", "neutral"),
            NLI,
            {},
            r"the skill can never answer 'contradiction', a label of the data\. .*Its labels: ent",
        ),
        (TWO, NLI, {"neutral": "not_entailment"}, "the skill can never answer 'contradiction'"),
        (TWO, TWO, {"neutrl": "entailment"}, "meaning= speaks of 'neutrl', a label of neither the skill nor the data"),
        (NLI, TWO, {"entailmnt": "entailment"}, "Did you mean 'entailment'"),
        (
            ("good", "bad"),
            ("positive", "negative"),
            {"good": "positve", "bad": "negative"},
            r"says that 'good' means 'positve', which is none of the data's labels\. Did you mean 'positive'",
        ),
    ],
)
def test_labels_that_do_not_meet_are_refused(skill, data, meaning, message):
    with pytest.raises(ScenarioError, match=message):
        matching("here", skill, data, meaning)


def planned(task, probe):
    events = (Learn(task, by=weights(2)), Probe(probe))
    life = Scenario(name="far", subject=TINY, events=events)
    return compile_study(Study(name="far", groups={"one": life}, individuals=1), precision="fp32")


def table(tmp_path, rows, header="text,label", **arguments):
    (tmp_path / "own.csv").write_text("\n".join([header, *rows]) + "\n")
    return TableTask(tmp_path / "own.csv", **{"name": "own", "first": "text", **arguments})


def test_labels_are_compared_when_the_study_is_planned(tmp_path):
    three = table(tmp_path, ["a,positive", "b,negative", "c,neutral"] * 4)
    with pytest.raises(ScenarioError, match="the skill can never answer 'neutral'"):
        planned(SENTIMENT, OutOfDomain(SENTIMENT.title, three))
    planned(SENTIMENT, OutOfDomain(SENTIMENT.title, three, meaning={"neutral": "negative"}))
    scores = table(tmp_path, ["a,1", "b,0", "c,0.5"], kind="score")
    with pytest.raises(ScenarioError, match="the skill answers with classes, and the data have scores"):
        planned(SENTIMENT, OutOfDomain(SENTIMENT.title, scores))


def test_columns_of_pairs_and_parts_are_looked_for_when_the_study_is_planned(tmp_path):
    rows = ["a,positive,1", "b,negative,1"]
    planned(SENTIMENT, OutOfDomain(SENTIMENT.title, table(tmp_path, rows, "text,label,pair", pair_id="pair", parts="pair")))
    for name in ("pair_id", "parts"):
        with pytest.raises(DataError, match="has no column 'par'"):
            planned(SENTIMENT, OutOfDomain(SENTIMENT.title, table(tmp_path, rows, "text,label,pair", **{name: "par"})))


def test_what_is_read_is_found_missing_when_the_study_is_planned(tmp_path):
    gone = TableTask(tmp_path / "gone.csv", name="own", first="text")
    with pytest.raises(DataError, match="there is no such file"):
        planned(SENTIMENT, OutOfDomain(SENTIMENT.title, gone))


@pytest.mark.parametrize("meaning", [("a", "b"), {"a": 1}, {1: "a"}])
def test_meaning_maps_names(meaning):
    with pytest.raises(ScenarioError, match="must map names of classes to names of classes"):
        OutOfDomain("mnli", Hans(), meaning=meaning)


def test_the_same_task_from_another_source(tmp_path):
    mine = Glue("rte", source=str(tmp_path / "mine"))
    assert OutOfDomain("rte", mine).title == "rte on rte"
    planned(Glue("rte"), OutOfDomain("rte", mine))
    with pytest.raises(ScenarioError, match="is the skill's own task"):
        planned(mine, OutOfDomain("rte", Glue("rte", source=str(tmp_path / "mine"), eval_examples=4)))
    with pytest.raises(ScenarioError, match="is the skill's own task"):
        OutOfDomain("rte", Glue("rte", eval_examples=4))


def test_data_of_the_skills_title_are_in_the_record_beside_its_own(tmp_path):
    plan = planned(SENTIMENT, OutOfDomain(SENTIMENT.title, Elsewhere()))
    own, other = fingerprints(plan)
    assert own == f"{SENTIMENT.title} {Elsewhere().digest()[:6]}" and other == SENTIMENT.title


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Task):
    """The words of the tiny language, in a class of one's own."""

    folder: str = "somewhere"
    title = "micro-sentiment"
    labels = ("negative", "positive")
    metrics = ("accuracy",)

    def load(self, split):
        return Examples(["word"] * 4, None, np.array([0, 1, 0, 1]))


def test_a_class_of_ones_own_may_have_the_skills_title():
    planned(SENTIMENT, OutOfDomain(SENTIMENT.title, Elsewhere()))


@pytest.fixture(scope="module")
def pupil():
    return lived(Learn(SENTIMENT, by=weights(2)), origin=TINY)[0]


def readings(pupil, probe, monkeypatch, positive):
    """What is measured where the skill calls these texts positive."""
    import lifespan.training.evaluation as evaluation

    def logits(subject, skill, tokens):
        rows = evaluation.tokenised(probe.data, probe.data.evaluated_split, 128, subject.tokenizer, probe.examples)[0]
        return np.array([[0.0, 1.0] if text in positive else [1.0, 0.0] for text in rows.first], dtype=np.float32)

    monkeypatch.setattr(evaluation, "token_logits", logits)
    return {r.metric: (r.value, r.n, r.split) for r in probe.read(pupil, {SENTIMENT.title: SENTIMENT}, Streams(0, "look"))}


NAMES = ("negative", "positive")


def test_a_file_is_read_whole(pupil, tmp_path, monkeypatch):
    rows = [f"w{i},{NAMES[i % 2]}" for i in range(20)]
    for whole in (table(tmp_path, rows), table(tmp_path, rows, held_out=1.0)):
        assert whole.evaluated_split == "all"
        found = readings(pupil, OutOfDomain(SENTIMENT.title, whole), monkeypatch, {f"w{i}" for i in range(10)})
        assert found == {"accuracy": (0.5, 20, "all")}
    (tmp_path / "dev.csv").write_text("text,label\nother,positive\nmore,negative\n")
    divided = table(tmp_path, rows, dev=tmp_path / "dev.csv")
    found = readings(pupil, OutOfDomain(SENTIMENT.title, divided), monkeypatch, {"other"})
    assert found == {"accuracy": (1.0, 2, "dev")}


def test_merged_labels_are_scored_as_one(pupil, tmp_path, monkeypatch):
    three = table(tmp_path, ["a,positive", "b,negative", "c,neutral", "d,neutral"])
    probe = OutOfDomain(SENTIMENT.title, three, meaning={"neutral": "negative"})
    assert readings(pupil, probe, monkeypatch, {"a", "d"})["accuracy"][:2] == (0.75, 4)


def test_pairs_are_right_where_every_row_is_and_parts_are_told_apart(pupil, tmp_path, monkeypatch):
    rows = [
        "a,positive,1,old",
        "b,negative,1,new",
        "c,positive,2,old",
        "d,negative,2,new",
        "e,positive,3,",
        "f,negative,3,new",
    ]
    edited = table(tmp_path, rows, "text,label,pair,age", pair_id="pair", parts="age")
    found = readings(pupil, OutOfDomain(SENTIMENT.title, edited), monkeypatch, {"a", "c", "d", "e"})
    assert found["accuracy"][0] == pytest.approx(5 / 6)
    assert found["consistency"] == (pytest.approx(2 / 3), 3, "all")
    assert found["accuracy@old"][:2] == (1.0, 2) and found["accuracy@new"][:2] == (pytest.approx(2 / 3), 3)
    thinned = OutOfDomain(SENTIMENT.title, edited, examples=5)
    assert readings(pupil, thinned, monkeypatch, {"a", "c", "e"})["consistency"][:2] == (1.0, 2)


def test_a_pair_of_one_row_is_refused(tmp_path):
    lone = table(tmp_path, ["a,positive,1", "b,negative,1", "c,positive,2"], "text,label,pair", pair_id="pair")
    with pytest.raises(DataError, match=r"'pair' is '2' in 1 row: no pair of edited rows\. Every value of pair_id= must"):
        lone.edited_pairs()
    with pytest.raises(DataError, match="has no column 'par'"):
        table(tmp_path, ["a,x", "b,y"], pair_id="par").edited_pairs()
    assert MicroTask("paraphrase").edited_pairs() is None and MicroTask("paraphrase").strata() == {}

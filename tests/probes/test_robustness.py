"""Dose-response probes do what a life under the same damage does, and planted doses come back."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from architectures import born as built
from conftest import TASKS, TINY, weights
from small_lives import content, lived, same
from synthetic import write_record

from lifespan import (
    ActivationNoise,
    AdvGlue,
    Age,
    Develop,
    Disorder,
    Glue,
    Hans,
    HeadLoss,
    Heads,
    ImbalancedClasses,
    LabelNoise,
    Learn,
    LesionMap,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    OutOfDomain,
    Paws,
    PoorCorpus,
    Probe,
    Pruned,
    Quantize,
    Random,
    Response,
    Scenario,
    Score,
    StaleUpdates,
    Study,
    Suffer,
    TableTask,
    TargetedLesions,
    TokenBlur,
    Typos,
    WeightNoise,
    Weights,
    WordOrderShuffle,
    read,
    robustness,
    simulate,
)
from lifespan.analysis.examples import _bits, bits_needed, bits_per_synapse
from lifespan.disorders.deprivation.typos import misspelt
from lifespan.errors import DataError, OutOfReach, RecordError, ScenarioError
from lifespan.model.anatomy import anatomy_of
from lifespan.probes._task_measure import TaskMeasure
from lifespan.probes.robustness._dose_response import _summaries
from lifespan.probes.robustness.lesions import _alive, _weakest
from lifespan.randomness import Streams
from lifespan.stats import dose_response as curves
from lifespan.stats.metrics import chance, score
from lifespan.study.plan import compile_study
from lifespan.training.evaluation import predictions, tokenised

SENTIMENT = MicroTask("sentiment", train_examples=96, eval_examples=60)
BODY = Micro(layers=2, width=16, heads=2, feed_forward=32)
SCHOOL = (Develop(MicroText(number=300), steps=20, batch_size=16), Learn(SENTIMENT, by=Weights(steps=150, rate=5e-3)))
STREAMS = Streams(0, "look/test")


@pytest.fixture(scope="module")
def pupil():
    torch.set_num_threads(1)
    return lived(*SCHOOL, origin=BODY)[0]


def test_the_pupil_knows_something_to_lose(pupil):
    assert scored(pupil) > chance("accuracy", SENTIMENT.examples("train").labels) + 0.2


def readings(subject, probe, *tasks):
    seen = replace(probe, split="train") if isinstance(probe, TaskMeasure) else probe
    return {r.metric: r.value for r in seen.read(subject, {t.title: t for t in tasks or (SENTIMENT,)}, STREAMS)}


def scored(subject):
    return score("accuracy", *predictions(subject, SENTIMENT, "train", 128))


@pytest.mark.parametrize("ed50", [0.2, 0.45, 0.7])
def test_a_planted_dose_is_recovered_from_a_logistic_curve(ed50):
    doses = np.linspace(0, 1, 41)
    scores = 0.5 + 0.4 / (1 + np.exp(30 * (doses - ed50)))
    assert curves.d50(doses, scores, floor=0.5) == pytest.approx(ed50, abs=0.01)
    assert curves.critical_dose(doses, scores, floor=0.5) == pytest.approx(ed50 + np.log(1 / 9) / 30, abs=0.01)
    assert curves.area(doses, scores) == pytest.approx(0.5 + 0.4 * ed50, abs=0.02)


def test_a_curve_needs_rising_doses():
    with pytest.raises(ValueError, match="at least two doses, rising"):
        curves.area([0, 0.5, 0.5], [1, 1, 1])
    assert np.isnan(curves.d50([0, 1], [0.5, 0.1], floor=0.5))


def test_a_response_is_what_a_life_scores_after_the_same_blow(pupil):
    found = readings(pupil, Response(Quantize(), severities=(0.625, 0.875, 1.0)))
    for severity in (0.625, 0.875, 1.0):
        _, seen = lived(*SCHOOL, Suffer(Quantize(severity=severity)), Probe(Score(split="train")), origin=BODY)
        assert found[f"accuracy@{severity:g}"] == seen[0][3]
    assert found["accuracy@0"] == scored(pupil)


def test_pruning_tried_is_pruning_lived(pupil):
    found = readings(pupil, Pruned(Magnitude(), sparsities=(0.5, 0.9)))
    for sparsity in (0.5, 0.9):
        _, seen = lived(*SCHOOL, Age(to=sparsity, by=Magnitude()), Probe(Score(split="train")), origin=BODY)
        assert found[f"accuracy@{sparsity:g}"] == seen[0][3]


def test_sparsities_that_are_reached_already_are_left_out():
    aged, _ = lived(*SCHOOL, Age(to=0.6, by=Random()), origin=BODY)
    found = readings(aged, Pruned(Magnitude(), sparsities=(0.5, 0.6, 0.9)))
    assert {name for name in found if name[9:].replace(".", "").isdigit()} == {"accuracy@0", "accuracy@0.9"}


def test_the_curve_of_the_aged_is_level_up_to_their_own_sparsity():
    told = dict(_summaries("accuracy", 0.9, {0.9: [0.5]}, floor=0.5, suffered=0.6))
    assert told["accuracy@D50"] == pytest.approx(0.75) and told["accuracy@critical"] == pytest.approx(0.63)
    assert told["accuracy@area"] == pytest.approx((0.6 * 0.9 + 0.3 * 0.7) / 0.9)
    aged, _ = lived(*SCHOOL, Age(to=0.3, by=Magnitude()), origin=BODY)
    found = readings(aged, Pruned(Magnitude(), sparsities=(0.99,)))
    healthy, damaged = found["accuracy@0"], found["accuracy@0.99"]
    assert damaged < healthy
    assert found["accuracy@area"] == pytest.approx(curves.area([0, aged.sparsity, 0.99], [healthy, healthy, damaged]))


def test_sparsities_out_of_a_pruners_reach_are_left_out(pupil):
    found = readings(pupil, Pruned(Heads(batches=1), sparsities=(0.1, 0.15, 0.5, 0.9)))
    assert {name for name in found if name[9:].replace(".", "").isdigit()} == {f"accuracy@{dose}" for dose in (0, 0.1, 0.15)}
    assert set(readings(pupil, Pruned(Heads(batches=1), sparsities=(0.9,)))) == {"accuracy@0"}
    with pytest.raises(OutOfReach, match=r"cannot leave 0\.9 of the synapses dead"):
        Heads(batches=1).choose(pupil, 0.9, STREAMS, [SENTIMENT])


def test_a_correlation_that_is_lost_counts_as_chance():
    drawn = {0.5: [0.8, float("nan")], 1.0: [float("nan")] * 2}
    found = dict(_summaries("pearson", 0.8, drawn, 0.0, 0.0))
    assert found["pearson@0.5"] == pytest.approx(0.4) and found["pearson@1"] == 0 and found["pearson@1/sd"] == 0
    assert found["pearson@D50"] == pytest.approx(0.5) and found["pearson@area"] == pytest.approx((0.6 + 0.2) / 2)


@pytest.mark.parametrize(
    "disorder",
    [WeightNoise(), HeadLoss(), ActivationNoise(), TokenBlur(), WordOrderShuffle(), Typos(), Quantize()],
    ids=lambda disorder: type(disorder).__name__,
)
def test_every_kind_of_damage_is_felt_and_undone(pupil, disorder):
    before = content(pupil)
    logits = {}
    from lifespan.training.evaluation import task_logits

    def seen(dose):
        probe, own = Response(disorder, severities=(1.0,)), STREAMS
        with probe.damaged(pupil, dose, own, {}):
            return probe.answer(pupil, SENTIMENT, "train", dose, own)

    healthy = task_logits(pupil, SENTIMENT, "train", 128)[0]
    logits = {dose: seen(dose) for dose in (1e-9, 1.0)}
    assert not np.allclose(logits[1.0], healthy)
    if not isinstance(disorder, Quantize):
        assert np.allclose(logits[1e-9], healthy, atol=1e-4)
    assert same(before, content(pupil)) and np.array_equal(task_logits(pupil, SENTIMENT, "train", 128)[0], healthy)


def test_draws_are_averaged_and_their_spread_is_told(pupil):
    probe = Response(WeightNoise(), severities=(1.5 / 2, 1.0), draws=4)
    found = readings(pupil, probe)
    assert found["accuracy@1/sd"] > 0
    single = [readings(pupil, Response(WeightNoise(), severities=(0.75, 1.0), draws=n))["accuracy@1"] for n in (1, 2, 3, 4)]
    assert single[3] == found["accuracy@1"] and len(set(single)) > 1
    floor = chance("accuracy", SENTIMENT.examples("train").labels)
    curve = [0, 0.75, 1.0], [found["accuracy@0"], found["accuracy@0.75"], found["accuracy@1"]]
    assert found["accuracy@area"] == curves.area(*curve)
    assert found["accuracy@D50"] == pytest.approx(curves.d50(*curve, floor=floor), nan_ok=True)


def test_a_disorder_of_learning_alone_cannot_be_answered_to():
    with pytest.raises(ScenarioError, match="acts on learning alone, and an evaluation does not learn"):
        Response(StaleUpdates())
    with pytest.raises(ScenarioError, match="must be a tuple of rising severities"):
        Response(WeightNoise(), severities=(0.5, 0.2))
    with pytest.raises(ScenarioError, match="must be a Disorder"):
        Response(Score())
    with pytest.raises(ScenarioError, match="must be a tuple of rising sparsities"):
        Pruned(Magnitude(), sparsities=(0.5, 1.0))


@pytest.mark.parametrize("taught", [LabelNoise(), ImbalancedClasses(), PoorCorpus()], ids=lambda d: type(d).__name__)
def test_what_is_taught_cannot_be_answered_to(taught):
    with pytest.raises(ScenarioError, match="acts on learning alone, and an evaluation does not learn"):
        Response(taught)


@dataclass(frozen=True, kw_only=True)
class Swapped(Disorder):
    """A third party's: rows trade places inside their class, so that the labels stay equal."""

    aetiology = "sensory deprivation"

    def examples(self, examples, task, streams):
        return examples if self.severity == 0 else examples.take(np.argsort(examples.labels, kind="stable"))


def test_rows_that_move_are_refused_even_at_equal_labels(pupil):
    with pytest.raises(ScenarioError, match="Swapped changes which rows or labels there are, not how they read"):
        readings(pupil, Response(Swapped()))


def test_titles_tell_probes_of_one_class_apart():
    titles = [probe.title for probe in robustness()]
    assert len(set(titles)) == len(titles) == 7
    assert Response(HeadLoss()).title == "Response to HeadLoss"
    assert Response(HeadLoss(severity=0.1, layers=(0,))).title == "Response to HeadLoss(layers=(0))"
    assert Pruned(Heads(keep=2)).title == "Pruned by Heads(keep=2)"


def test_a_lesion_is_an_output_matrix_without_the_heads_columns(pupil):
    found = readings(pupil, LesionMap(examples=None))
    assert found["accuracy@none"] == scored(pupil) and len(found) == 1 + 2 * 2
    for layer in anatomy_of(pupil.encoder):
        for head in range(2):
            weight = pupil.synapses[layer.heads.output].data
            kept = weight.clone()
            weight[:, head * layer.heads.size : (head + 1) * layer.heads.size] = 0
            assert found[f"accuracy@{layer.path}/head {head}"] == scored(pupil)
            weight.copy_(kept)


def test_a_lost_layer_adds_only_its_biases(pupil):
    found = readings(pupil, LesionMap(kind="layers", examples=None))
    for layer in anatomy_of(pupil.encoder):
        kept = {name: pupil.synapses[name].data.clone() for name in (layer.heads.output, layer.neurons.output)}
        for name in kept:
            pupil.synapses[name].data.zero_()
        assert found[f"accuracy@{layer.path}"] == scored(pupil)
        for name, value in kept.items():
            pupil.synapses[name].data.copy_(value)


@pytest.mark.parametrize("kind", ["heads", "neurons"])
def test_targeted_lesions_meet_where_all_units_are_lost(pupil, kind):
    found = readings(pupil, TargetedLesions(kind=kind, shares=(0.5, 1.0), draws=2, batches=2))
    assert found["accuracy@1/targeted"] == found["accuracy@1/harmless"] == found["accuracy@1/random"]
    assert found["accuracy@1/random sd"] == 0
    assert {name.partition("/")[2] for name in found} == {"", "targeted", "harmless", "random", "random sd"}


def test_a_unit_that_alone_carries_the_task_is_found():
    pupil, _ = lived(*SCHOOL, origin=BODY)
    outputs = [layer.neurons.output for layer in anatomy_of(pupil.encoder)]
    alive = [(name, column) for name in outputs for column in range(32)]
    carrier = alive[37]
    for name, column in alive:
        if (name, column) != carrier:
            pupil.synapses[name].data[:, column] = 0
    pupil.synapses[carrier[0]].data[:, carrier[1]] *= 8
    probe = TargetedLesions(kind="neurons", shares=(1 / 64,), draws=2)
    importance = probe._importance(pupil, SENTIMENT, STREAMS)
    assert int(importance.argmax()) == 37 and float(importance.sum() - importance.max()) == pytest.approx(0, abs=1e-6)
    found = readings(pupil, probe)
    assert found["accuracy@0.015625/harmless"] == found["accuracy@0"]


def test_words_keep_their_ends_and_get_one_typo():
    draw = np.random.default_rng(0)
    for _ in range(300):
        found = misspelt("relearning", draw)
        assert found[0] == "r" and found[-1] == "g" and abs(len(found) - 10) <= 1
    assert {place for _ in range(300) for place in _changes("abcdefgh", misspelt("abcdefgh", draw))} == set(range(1, 7))
    words = ["The", "school,", "of", "life", "has", "MANY", "'lessons'.", "1234", "and-so", "on"]
    noisy = Typos(severity=1.0)._misspelt(" ".join(words), np.random.default_rng(1)).split()
    changed = [old for old, new in zip(words, noisy, strict=True) if old != new]
    assert set(changed) <= {"school,", "life", "MANY", "'lessons'."} and len(changed) >= 3


def _changes(word, typo):
    """Places of a word's letters that are not in their place any more, where the length stayed."""
    return [place for place, (old, new) in enumerate(zip(word, typo, strict=False)) if old != new and len(word) == len(typo)]


def test_a_larger_severity_contains_the_typos_of_a_smaller_one():
    text = " ".join(f"word{letter} lessons" for letter in "abcdefghij") + " " + "relearning schools " * 40
    mild, strong = (Typos(severity=s)._misspelt(text, np.random.default_rng(5)).split() for s in (0.2, 0.6))
    plain = text.split()
    hit = [place for place, word in enumerate(mild) if word != plain[place]]
    assert hit and all(strong[place] == mild[place] for place in hit)
    assert sum(word != old for word, old in zip(strong, plain, strict=True)) > 2 * len(hit)


def test_answers_are_translated_by_the_names_of_labels(pupil):
    names = dict(zip(SENTIMENT.labels, ("different", "equivalent"), strict=True))
    data = MicroTask("paraphrase", eval_examples=40)
    straight = readings(pupil, OutOfDomain(SENTIMENT.title, data, meaning=names))["accuracy"]
    swapped = {label: other for label, other in zip(SENTIMENT.labels, ("equivalent", "different"), strict=True)}
    crossed = readings(pupil, OutOfDomain(SENTIMENT.title, data, meaning=swapped))["accuracy"]
    assert straight + crossed == pytest.approx(1.0) and straight != crossed
    with pytest.raises(ScenarioError, match="the skill's label 'negative' is none of the data's"):
        readings(pupil, OutOfDomain(SENTIMENT.title, data))
    assert readings(pupil, OutOfDomain("rte", data)) == {}
    with pytest.raises(ScenarioError, match="is the skill's own task"):
        OutOfDomain(SENTIMENT.title, SENTIMENT)


def test_a_skill_that_no_life_learns_is_told_before_any_work():
    probe = Probe(OutOfDomain("micro-sentimnt", MicroTask("paraphrase")))
    taught = Scenario(name="taught", subject=TINY, events=(Learn(SENTIMENT, by=weights(2)), probe))
    with pytest.raises(ScenarioError, match=r"no life of the study learns 'micro-sentimnt'\. Did you mean 'micro-sentiment'"):
        compile_study(Study(name="s", groups={"one": taught}), precision="fp32")
    untaught = Scenario(name="untaught", subject=TINY, events=(Probe(OutOfDomain(SENTIMENT.title, MicroTask("paraphrase"))),))
    with pytest.raises(ScenarioError, match="Put a Learn before it"):
        compile_study(Study(name="s", groups={"one": untaught}), precision="fp32")
    compile_study(Study(name="s", groups={"one": replace(taught, events=taught.events[:1]), "no": untaught}), precision="fp32")


def hans_file(folder):
    rows = ["gold_label\tsentence1\tsentence2\tpairID\theuristic\tsubcase"]
    for i in range(40):
        label = "entailment" if i % 2 else "non-entailment"
        rows.append(
            f"{label}\tthe cat {i} saw it .\tit saw the cat .\tex{i}\t{'subsequence' if i % 4 < 2 else 'constituent'}\tx"
        )
    (folder / "hans").mkdir(parents=True)
    (folder / "hans" / "heuristics_evaluation_set.tsv").write_text("\n".join(rows) + "\n")


def test_hans_tells_its_heuristics_apart(tmp_path, monkeypatch):
    hans_file(tmp_path)
    monkeypatch.setenv("LIFESPAN_ROBUSTNESS_DIR", str(tmp_path))
    entailment = TASKS[1]
    pupil, _ = lived(Learn(entailment, by=weights(2)), origin=TINY)
    found = readings(pupil, OutOfDomain(entailment.title, Hans()), entailment)
    parts = {"entailment", "non-entailment"} | {f"{h} {p}" for h in ("subsequence", "constituent") for p in Hans().labels}
    assert set(found) == {"accuracy"} | {f"accuracy@{part}" for part in parts}
    assert found["accuracy"] == pytest.approx((found["accuracy@entailment"] + found["accuracy@non-entailment"]) / 2)
    thinned = Hans(eval_examples=20)
    assert len(thinned.examples("test")) == 20
    for examples in (None, 10):
        probe = OutOfDomain(entailment.title, thinned, examples=examples)
        rows = tokenised(thinned, "test", 128, pupil.tokenizer, examples)[0]
        parts = probe._parts("test", len(rows))
        assert parts["entailment"].tolist() == (rows.labels == 0).tolist()
        seen = {r.metric: r.n for r in probe.read(pupil, {entailment.title: entailment}, STREAMS)}
        assert seen["accuracy"] == len(rows) == seen["accuracy@entailment"] + seen["accuracy@non-entailment"]


def test_three_classes_answer_two_and_scores_do_not_answer_classes(tmp_path):
    asked = OutOfDomain("mnli", Hans())
    assert Glue("mnli").labels == ("entailment", "neutral", "contradiction")
    assert asked._translated(Glue("mnli"), np.array([0, 1, 2])).tolist() == [0, 1, 1]
    assert OutOfDomain("rte", Hans())._translated(Glue("rte"), np.array([0, 1])).tolist() == [0, 1]
    with pytest.raises(ScenarioError, match="the skill answers with scores, and the data have classes"):
        asked._translated(Glue("stsb"), np.array([4.5]))


def test_challenges_come_from_the_hub_where_no_file_is(tmp_path, monkeypatch):
    import datasets

    asked = []

    def load_dataset(name, config, *, split, **pinned):
        asked.append((name, config, split, pinned))
        if "paws" in name:
            return datasets.Dataset.from_dict({"sentence1": ["a b"], "sentence2": ["b a"], "label": [0]})
        rows = {"premise": ["a", "b"], "hypothesis": ["b", "a"], "heuristic": ["constituent"] * 2, "label": [0, 1]}
        kind = datasets.ClassLabel(names=["entailment", "non-entailment"])
        return datasets.Dataset.from_dict(rows).cast_column("label", kind)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.delenv("LIFESPAN_GLUE_DIR", raising=False)
    monkeypatch.setenv("LIFESPAN_ROBUSTNESS_DIR", str(tmp_path))
    assert Hans(eval_examples=2).examples("test").labels.tolist() == [0, 1]
    assert Hans(source="somebody/hans").strata()["constituent non-entailment"].tolist() == [False, True]
    assert Paws(part="wiki").examples("test").labels.tolist() == [0]
    assert Paws(source="somebody/paws").examples("test").first == ["a b"]
    branch = {"revision": "refs/convert/parquet"}
    assert asked == [
        ("jhu-cogsci/hans", None, "validation", branch),
        ("somebody/hans", None, "validation", {}),
        ("google-research-datasets/paws-x", "en", "test", {}),
        ("somebody/paws", None, "test", {}),
    ]


def test_paws_and_adversarial_rows_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFESPAN_ROBUSTNESS_DIR", str(tmp_path))
    (tmp_path / "paws").mkdir()
    (tmp_path / "paws" / "paws_qqp_dev_and_test.tsv").write_text(
        "id\tsentence1\tsentence2\tlabel\n1\ta b\tb a\t0\n2\tc d\tc d\t1\n"
    )
    rows = {"rte": [{"idx": 0, "sentence1": "a", "sentence2": "b", "label": 1}], "sst2": [{"sentence": "fine", "label": 1}]}
    (tmp_path / "dev.json").write_text(json.dumps(rows))
    assert Paws().examples("test").labels.tolist() == [0, 1] and Paws().strata()["equivalent"].tolist() == [False, True]
    assert AdvGlue("rte").examples("test").second == ["b"] and AdvGlue("sst2").labels == ("negative", "positive")
    with pytest.raises(DataError, match=r"has no rows of 'qqp' in the form of AdvGLUE"):
        AdvGlue("qqp").examples("test")
    with pytest.raises(ScenarioError, match="Did you mean 'rte'"):
        AdvGlue("rtee")


def test_where_no_challenge_is_found_three_ways_out_are_told(tmp_path, monkeypatch):
    monkeypatch.delenv("LIFESPAN_GLUE_DIR", raising=False)
    monkeypatch.setenv("LIFESPAN_ROBUSTNESS_DIR", str(tmp_path))
    with pytest.raises(DataError, match="is on no hub, and no file of it was found"):
        Paws(eval_examples=1).examples("test")
    with pytest.raises(DataError, match=r"heuristics_evaluation_set\.txt of github\.com/tommccoy1/hans"):
        Hans(eval_examples=1).examples("test")


def test_the_folder_beside_glue_is_tried_where_the_named_one_has_no_file(tmp_path, monkeypatch):
    hans_file(tmp_path / "robustness")
    monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(tmp_path / "glue"))
    monkeypatch.setenv("LIFESPAN_ROBUSTNESS_DIR", str(tmp_path / "empty"))
    assert len(Hans(train_examples=3).examples("test")) == 40


def test_a_challenge_that_is_nowhere_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.delenv("LIFESPAN_GLUE_DIR", raising=False)
    monkeypatch.setenv("LIFESPAN_ROBUSTNESS_DIR", str(tmp_path))
    events = (Learn(TASKS[1], by=weights(2)), Probe(OutOfDomain(TASKS[1].title, Hans(eval_examples=4))))
    study = Study(name="far", groups={"one": Scenario(name="far", subject=TINY, events=events)}, individuals=1)
    with pytest.raises(DataError, match="found no file for it"):
        simulate(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    hans_file(tmp_path)
    assert simulate(study, tmp_path / "out").done == 1
    assert "hans" in json.loads((tmp_path / "out" / "study.json").read_text())["data"]


def test_the_real_challenges_have_their_published_sizes():
    import os

    if not os.environ.get("LIFESPAN_GLUE_DIR") and not os.environ.get("LIFESPAN_ROBUSTNESS_DIR"):
        pytest.skip("the data is not here")
    try:
        assert len(Hans().examples("test")) == 30_000 and len(Paws().examples("test")) == 677
        assert [len(AdvGlue(name).examples("test")) for name in ("sst2", "qqp", "rte")] == [148, 78, 81]
    except DataError:
        pytest.skip("the challenge sets are not here")
    sizes = {name: int(chosen.sum()) for name, chosen in Hans().strata().items()}
    assert sizes["entailment"] == sizes["non-entailment"] == 15_000 and sizes["subsequence non-entailment"] == 5_000


def test_a_users_own_table_is_a_challenge_too(pupil, tmp_path):
    (tmp_path / "own.csv").write_text(
        "text,label\n" + "\n".join(f"word {i},{'positive' if i % 2 else 'negative'}" for i in range(20))
    )
    own = TableTask(tmp_path / "own.csv", name="own", first="text")
    found = readings(pupil, OutOfDomain(SENTIMENT.title, own))
    assert set(found) == {"accuracy"}


@pytest.mark.parametrize("needed", [2.5, 3.0, 5.75])
def test_planted_bits_are_recovered(needed):
    bits = [32, 8, 7, 6, 5, 4, 3, 2, 1]
    scores = [0.9 if b >= np.ceil(needed) else 0.5 for b in bits]
    keep = 1 - (np.ceil(needed) - needed) if needed % 1 else 1.0
    assert bits_needed(bits, scores, floor=0.5, keep=keep) == pytest.approx(needed)
    assert bits_needed([32, 4, 2], [0.9, 0.9, 0.9], floor=0.5) == 2
    assert np.isnan(bits_needed([32, 4], [0.5, 0.5], floor=0.5))
    assert 4 < bits_needed([32, 4, 2], [0.9, 0.5, 0.5], floor=0.5) < 5
    assert bits_needed([8, 4, 2], [0.9, 0.5, 0.5], floor=0.5, keep=0.5) == 6.0  # no 32: a straight line from the 8
    assert bits_needed([32, 4, 3], [0.8, 0.8, np.nan], floor=0.0, keep=0.5) == 3.5


def test_bits_per_synapse_of_a_record_come_with_their_interval(tmp_path):
    directory = write_record(tmp_path, individuals=6)
    told = json.loads((directory / "study.json").read_text())
    told["tasks"]["mrpc"]["chance"] = {"f1": 0.5}
    (directory / "study.json").write_text(json.dumps(told))
    rows = []
    for individual in range(6):
        for severity, value in ((0, 0.9), (0.5, 0.9), (0.625, 0.88 + individual / 500), (0.75, 0.6), (1, 0.5)):
            who = {"study": "s", "group": "healthy", "individual": individual, "seed": 7 + individual, "step": 3, "age": 9}
            place = {"stage": "x", "probe": "Response to Quantize", "task": "mrpc", "split": "dev", "n": 10}
            rows.append({**who, **place, "metric": f"f1@{severity:g}", "value": value})
            rows.append({**rows[-1], "metric": f"f1@{severity:g}/sd", "value": 0.1})
            rows.append({**rows[-2], "probe": "Response to Quantize/during", "value": 0.5})
            rows.append({**rows[-3], "probe": "Response to Quantize(grid='sigma')", "value": 0.9})
        rows.append({**rows[-4], "metric": "f1@area"})
    (directory / "measurements.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = bits_per_synapse(read(directory))
    own = [bits_needed([32, 5, 4, 3, 1], [0.9, 0.9, 0.88 + i / 500, 0.6, 0.5], floor=0.5) for i in range(6)]
    told = table[["group", "task", "split", "n", "fewest", "most"]].values.tolist()
    assert told == [["healthy", "mrpc", "dev", 6, 1, 5]] * 2
    assert table["probe"].tolist() == ["Response to Quantize", "Response to Quantize(grid='sigma')"]
    assert table["mean"].iloc[1] == 1
    assert table["mean"].iloc[0] == pytest.approx(np.mean(own)) and 3 < table["low"].iloc[0] < table["high"].iloc[0] < 4


def test_severities_between_two_eighths_are_the_fewer_bits():
    assert [_bits(severity) for severity in (0, 0.1, 0.2, 0.25, 0.9, 1)] == [
        Quantize(severity=severity).bits or 32 for severity in (0, 0.1, 0.2, 0.25, 0.9, 1)
    ]


def test_a_record_without_few_bits_says_so(tmp_path):
    with pytest.raises(RecordError, match="has no scores at few bits"):
        bits_per_synapse(read(write_record(tmp_path, individuals=1)))


def test_lesions_hit_units_that_the_task_still_hears():
    subject, _ = lived(*SCHOOL, Age(to=0.3, by=Heads()), origin=BODY)
    masks = subject.effective(SENTIMENT.title)
    heard = torch.cat([layer.heads.heard(masks) for layer in anatomy_of(subject.encoder)])
    assert 0 < int(heard.sum()) < 4
    living = _alive(subject, SENTIMENT.title, "heads")
    assert torch.equal(living, heard)
    for share, count in ((0.01, 1), (1.0, int(heard.sum()))):
        lost = torch.cat(list(_weakest(torch.arange(4.0), share, living, subject, "heads").values()))
        assert int(lost.sum()) == count and not bool((lost & ~heard).any())


def test_masks_are_worn_while_damage_is_tried():
    masked, _ = lived(*SCHOOL[:1], Learn(SENTIMENT, by=Masks(steps=20, rate=2e-2)), origin=BODY)
    found = readings(masked, Pruned(Magnitude(), sparsities=(0.5,)))
    _, seen = lived(
        *SCHOOL[:1],
        Learn(SENTIMENT, by=Masks(steps=20, rate=2e-2)),
        Age(to=0.5, by=Magnitude()),
        Probe(Score(split="train")),
        origin=BODY,
    )
    assert found["accuracy@0.5"] == seen[0][3]


@pytest.mark.parametrize("kind", ["albert", "deberta-v2", "distilbert", "modernbert", "roberta"])
def test_damage_is_tried_and_undone_on_other_architectures_in_bf16_and_for_scores(kind):
    subject = built(kind)
    subject.precision = "bf16"
    tasks = {
        task.title: task
        for task in (MicroTask(name, train_examples=32, eval_examples=12) for name in ("sentiment", "similarity"))
    }
    for task in tasks.values():
        subject.skill_for(task, "weights", STREAMS)
    before = content(subject)
    for probe in (
        LesionMap(),
        LesionMap(kind="layers"),
        TargetedLesions(kind="neurons", shares=(0.5,), draws=2, batches=1),
        Response(ActivationNoise(), severities=(1.0,), draws=2),
        Response(HeadLoss(), severities=(0.5,)),
        Response(Typos(), severities=(1.0,)),
        Pruned(Heads(batches=1), sparsities=(0.1, 0.9)),
    ):
        found = list(probe.read(subject, tasks, STREAMS))
        assert {reading.task for reading in found} == set(tasks), probe
        assert same(before, content(subject)), probe

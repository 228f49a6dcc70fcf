"""Words are tagged all through a life: weights, masks, ageing, recovery, strategies, disorders, probes, the report."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from conftest import TASKS, TINY, Listener, rows_of

from lifespan import (
    EWC,
    Age,
    AvalancheStrategy,
    Between,
    Calibration,
    DarkExperience,
    Develop,
    Distilled,
    ErrorOverlap,
    Fisher,
    FisherTrace,
    HeadOnly,
    ImbalancedClasses,
    LabelNoise,
    Learn,
    LearningWithoutForgetting,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    OutOfDomain,
    Outputs,
    Probe,
    Readout,
    Recover,
    Rehearsal,
    Response,
    Scenario,
    Score,
    Sharpness,
    Study,
    Suffer,
    TokenBlur,
    VocabularySwap,
    Weights,
    WordOrderMirror,
    WordOrderShuffle,
    read,
    simulate,
)
from lifespan.contracts import Course, Plasticity
from lifespan.errors import ScenarioError
from lifespan.model.forward import head_outputs
from lifespan.model.subject import Subject
from lifespan.probes.landscape._losses import batches_of, mean_loss
from lifespan.randomness import Streams
from lifespan.report.html import write_report
from lifespan.strategies.fisher import fisher_diagonal
from lifespan.study.plan import compile_study
from lifespan.training.batches import task_source
from lifespan.training.loop import Interrupted

TAGGING = MicroTask("tagging", train_examples=256, eval_examples=48)
SHORT = MicroTask("tagging", train_examples=32, eval_examples=24)
BY = Weights(steps=4, batch_size=8)
OVERLAP = (Between(ErrorOverlap(examples=8), pairs="individuals"),)


def study(*events, subject=TINY, **more):
    return Study(name="tags", groups={"one": Scenario(name="one", subject=subject, events=events)}, **more)


@pytest.fixture
def tagger():
    subject = Subject(TINY.build(Streams(0, "birth")))
    for task in (SHORT, TASKS[0]):
        subject.skill_for(task, "weights", Streams(1, task.title))
    return subject


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """One life with everything, with its report."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("tags") / "run"
    look = Probe(Score(), Outputs(examples=8), Calibration(examples=8), FisherTrace(examples=3), Sharpness(examples=4))
    events = (
        Develop(MicroText(number=200), steps=4, batch_size=8),
        *(Learn(TAGGING, by=Weights(steps=80, batch_size=16, rate=5e-3)), look),
        Learn(TASKS[0], by=BY, against_forgetting=EWC(fisher="sampled", examples=4)),
        Learn(TASKS[1], by=BY, against_forgetting=LearningWithoutForgetting()),
        *(Age(to=0.2, by=Magnitude()), Age(to=0.3, by=Fisher(examples=3)), Recover(steps=6), look),
        *(Suffer(WordOrderShuffle(severity=0.5)), Suffer(VocabularySwap(severity=0.3))),
        Learn(TASKS[0], also=(TAGGING,), by=Masks(steps=4, batch_size=8)),
        Learn(TAGGING, by=Distilled(by=BY, teacher=2)),
        *(Recover(steps=3, by=HeadOnly(steps=3)), Probe(Score(), Outputs(examples=8))),
    )
    whole = study(
        *events, subject=Micro(layers=1, width=32, heads=2), between=(Between(ErrorOverlap(examples=8), pairs="individuals"),)
    )
    simulate(whole, place, observer=Listener())
    write_report([place])
    return place


def test_it_is_learned_and_scored(run_dir):
    rows = read(run_dir).measurements()
    scores = rows[(rows["task"] == "micro-tagging") & (rows["probe"] == "Score")]
    assert set(scores["metric"]) == {"span_f1", "tag_accuracy"}
    f1 = scores[scores["metric"] == "span_f1"]["value"].tolist()
    assert len(f1) == 3 and f1[0] > 0.35
    told = read(run_dir).study["tasks"]["micro-tagging"]
    assert told["kind"] == "tags" and told["chance"]["span_f1"] < 0.25 < told["chance"]["tag_accuracy"] < 0.6
    assert f1[0] > told["chance"]["span_f1"]


def test_outputs_are_words(run_dir):
    outputs = read(run_dir).examples("Outputs")
    rows = TAGGING.examples("dev")
    own = outputs[(outputs["task"] == "micro-tagging") & (outputs["step"] == outputs["step"].min())]
    for example, part in own.groupby("example"):
        assert part["word"].tolist() == list(range(len(rows.labels[example])))
        assert [TAGGING.labels[int(label)] for label in part["label"]] == list(rows.labels[example])
        logits = part[[f"logit_{i}" for i in range(len(TAGGING.labels))]].to_numpy()
        assert logits.argmax(axis=1).tolist() == part["prediction"].tolist()
    classes = outputs[outputs["task"] == TASKS[0].title]
    assert classes["word"].isna().all() and len(classes)


def test_the_report_shows_it(run_dir):
    page = (run_dir / "report.html").read_text()
    assert "micro-tagging" in page and "F1 of spans" in page


def test_calibration_has_no_tags_and_the_others_have_numbers(run_dir):
    rows = read(run_dir).measurements()
    assert "micro-tagging" not in set(rows[rows["probe"] == "Calibration"]["task"])
    for probe in ("FisherTrace", "Sharpness"):
        values = rows[(rows["probe"] == probe) & (rows["task"] == "micro-tagging")]["value"]
        assert len(values) and np.isfinite(values.dropna()).all()


def test_a_kill_inside_leaves_the_same_rows(tmp_path):
    events = (Learn(SHORT, by=Masks(steps=6, batch_size=8)), Probe(Score(), every=3), Recover(steps=4), Probe(Score()))
    simulate(study(*events), tmp_path / "one", observer=Listener(), every=1)
    stops = iter([False] * 3 + [True] * 1000)
    with pytest.raises(Interrupted):
        simulate(study(*events), tmp_path / "two", observer=Listener(), every=1, should_stop=lambda: next(stops))
    simulate(study(*events), tmp_path / "two", observer=Listener(), every=1)
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "two")


def test_replayed_words_are_learned_while_a_class_is(tmp_path):
    events = (
        *(
            Learn(SHORT, by=BY, against_forgetting=Rehearsal(size=8)),
            Learn(TASKS[0], by=BY, against_forgetting=Rehearsal(size=8)),
        ),
        Probe(Score()),
    )
    simulate(study(*events), tmp_path / "run", observer=Listener())
    rows = read(tmp_path / "run").measurements()
    kept = rows[(rows["probe"] == "Strategy/Rehearsal") & (rows["metric"] == "examples")]["value"].tolist()
    assert kept == [8.0, 8.0]


def test_the_mean_loss_is_over_words(tagger):
    batches = batches_of(tagger, SHORT, "dev", 32, None)
    with torch.no_grad():
        logits = [head_outputs(tagger, SHORT.title, batch) for batch in batches]
    terms = torch.cat(
        [
            torch.nn.functional.cross_entropy(out.flatten(0, 1), batch["labels"].flatten(), reduction="none")[
                batch["labels"].flatten() != -100
            ]
            for out, batch in zip(logits, batches, strict=True)
        ]
    )
    assert len(terms) == sum(len(tags) for tags in SHORT.examples("dev").labels)
    with torch.no_grad():
        found = mean_loss(tagger, SHORT.title, batches)
    assert found == pytest.approx(float(terms.mean()), rel=1e-5)


def test_the_fisher_of_words_is_the_sum_over_words_and_tags(tagger):
    from lifespan.contracts import Lesson

    lesson = Lesson((SHORT,), (), 32, 8, Streams(0, "learn"))
    found = fisher_diagonal(tagger, SHORT, lesson, estimator="exact", examples=1)
    from lifespan.contracts import thinning

    rows = SHORT.examples("train")
    index = thinning(f"{SHORT.title}/train/looking", len(rows), 1)
    one = replace(rows, first=[rows.first[i] for i in index], labels=rows.labels[index])
    batch = task_source(tagger, SHORT, length=32, batch_size=1, streams=Streams(0, "x"), rows=one).batch(0)
    name, weight = next(iter(tagger.synapses.items()))
    logs = head_outputs(tagger, SHORT.title, batch)[batch["labels"] != -100].log_softmax(-1)
    expected = torch.zeros_like(weight)
    for row in logs:
        for log in row:
            expected += float(log.detach().exp()) * torch.autograd.grad(log, weight, retain_graph=True)[0] ** 2
    assert torch.allclose(found[name], expected, rtol=1e-3, atol=1e-9)


def test_words_that_trade_places_take_their_tags_along(tagger):
    batch = task_source(tagger, SHORT, length=32, batch_size=8, streams=Streams(0, "learn")).batch(0)
    course = Course(tagger, Plasticity(), SHORT.title, 0, 1, Streams(0, "x"), {})
    for disorder in (WordOrderShuffle(severity=1.0), WordOrderMirror(severity=1.0)):
        moved = disorder.batch(batch, course)
        assert not torch.equal(moved["input_ids"], batch["input_ids"])
        for row in range(8):
            before, after = (
                sorted(zip(each["input_ids"][row].tolist(), each["labels"][row].tolist(), strict=True))
                for each in (batch, moved)
            )
            assert before == after


def test_swapped_words_keep_the_tags_of_their_places(tagger):
    batch = task_source(tagger, SHORT, length=32, batch_size=8, streams=Streams(0, "learn")).batch(0)
    course = Course(tagger, Plasticity(), SHORT.title, 0, 1, Streams(0, "x"), {})
    swapped = VocabularySwap(severity=1.0).batch(batch, course)
    assert not torch.equal(swapped["input_ids"], batch["input_ids"])
    assert torch.equal(swapped["labels"], batch["labels"])


def test_a_probe_that_moves_words_scores_each_word_where_it_went(tagger):
    """Without places a head reads nothing but the word itself: then order cannot matter to its score."""
    head = tagger.skills[SHORT.title].head
    head.output.weight.data.mul_(50)
    for name, value in tagger.encoder.named_parameters():
        if "position_embeddings" in name or "attention.output.dense" in name:
            value.data.zero_()

    def response(disorder):
        probe = Response(disorder, severities=(1.0,))
        return {each.metric: each.value for each in probe.read(tagger, {SHORT.title: SHORT}, Streams(0, "look"))}

    found, blurred = response(WordOrderShuffle()), response(TokenBlur())
    assert found["tag_accuracy@1"] == pytest.approx(found["tag_accuracy@0"]) and found["tag_accuracy@0"] > 0
    assert blurred["tag_accuracy@1"] != blurred["tag_accuracy@0"]


ALIEN = MicroTask("tagging", eval_examples=8)
REFUSED = {
    "label noise": (Suffer(LabelNoise(severity=0.5)), Learn(SHORT, by=BY)),
    "imbalance": (Suffer(ImbalancedClasses(severity=0.5)), Learn(SHORT, by=BY)),
    "recovery": (Learn(SHORT, by=BY), Suffer(LabelNoise(severity=0.5)), Recover(steps=1)),
    "outputs kept": (Learn(SHORT, by=BY), Learn(TASKS[0], by=BY, against_forgetting=DarkExperience())),
    "readout": (Learn(TASKS[0], by=BY), Probe(Readout((SHORT,)))),
    "elsewhere": (Learn(SHORT, by=BY), Probe(OutOfDomain("micro-tagging", TASKS[0]))),
    "elsewhere's data": (Learn(TASKS[0], by=BY), Probe(OutOfDomain(TASKS[0].title, ALIEN))),
}


if find_spec("avalanche"):
    REFUSED["avalanche"] = (Learn(SHORT, by=AvalancheStrategy("Naive")),)


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_do_with_tags_is_told_before_anything_is_lived(case):
    with pytest.raises(
        ScenarioError, match=r"cannot do with 'micro-tagging', whose answers are tags: it knows classes and score"
    ):
        compile_study(study(*REFUSED[case]), precision="fp32")


def test_a_disorder_of_labels_that_is_over_or_meets_classes_alone_is_fine():
    over = (Suffer(LabelNoise(severity=0.5), lasting=1), Learn(TASKS[0], by=BY), Learn(SHORT, by=BY), Recover(steps=1))
    assert compile_study(study(*over), precision="fp32").shared == 4

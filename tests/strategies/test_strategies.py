"""Strategies against forgetting: values by hand; nothing to forget and kills change nothing; less is forgotten."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import TASKS, TINY
from small_lives import CHILDHOOD, THIRD, born, content, lived, same

from lifespan import (
    EWC,
    Age,
    AveragedGEM,
    DarkExperience,
    Learn,
    LearningWithoutForgetting,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    Probe,
    Rehearsal,
    Scenario,
    Score,
    Study,
    SynapticIntelligence,
    TokenBlur,
    UserError,
    VocabularySwap,
    Weights,
    read,
    simulate,
)
from lifespan.contracts import Course, Lesson
from lifespan.contracts.checkpoint import Snapshot
from lifespan.execution.step import StepContext, live
from lifespan.learners._weights import WeightChange
from lifespan.model.forward import batch_loss
from lifespan.randomness import Streams
from lifespan.strategies.buffers import Buffer, keep
from lifespan.strategies.fisher import fisher_diagonal
from lifespan.strategies.shared import file, filed
from lifespan.study.plan import compile_study
from lifespan.training.batches import task_source
from lifespan.training.loop import Interrupted

STRATEGIES = (
    EWC(strength=1e4, examples=16),
    EWC(strength=1e4, examples=16, decay=0.9),
    EWC(strength=1e4, examples=16, fisher="exact"),
    EWC(strength=1e5, examples=32, fisher="batch"),
    SynapticIntelligence(strength=100.0),
    LearningWithoutForgetting(strength=5.0),
    Rehearsal(size=24),
    Rehearsal(size=24, buffer="reservoir"),
    DarkExperience(size=24),
    AveragedGEM(size=24),
)
NAMES = [each.describe() for each in STRATEGIES]
BY = Weights(steps=6, batch_size=8, rate=2e-3)


def school(strategy, *tasks, by=BY):
    return [Learn(task, by=by, length=32, against_forgetting=strategy) for task in tasks]


def lesson(subject, *tasks, earlier=(), batch_size=8):
    return Lesson(tasks, earlier, 32, batch_size, Streams(0, "test"))


@pytest.mark.parametrize("strategy", STRATEGIES, ids=NAMES)
def test_with_nothing_to_forget_nothing_changes(strategy):
    healthy, _ = lived(CHILDHOOD, *school(None, TASKS[0]))
    guarded, _ = lived(CHILDHOOD, *school(strategy, TASKS[0]))
    guarded.remembered = {}
    assert same(guarded, healthy)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=NAMES)
def test_with_something_to_forget_something_changes_and_all_is_remembered(strategy):
    healthy, _ = lived(CHILDHOOD, *school(None, *TASKS))
    guarded, _ = lived(CHILDHOOD, *school(strategy, *TASKS))
    remembered = guarded.remembered
    assert bool(remembered) != isinstance(strategy, LearningWithoutForgetting)
    assert all(name.startswith(f"{type(strategy).__name__}/") for name in remembered)
    assert all(bool(torch.isfinite(value.float()).all()) for value in remembered.values())
    guarded.remembered = {}
    assert not same(guarded, healthy)


class Dying:
    """Kills a learning at every third optimizer step; the next attempt goes on from the last saved state."""

    def __init__(self):
        self.kept, self.every = None, 1

    def load(self):
        return self.kept

    def save(self, snapshot):
        self.kept = Snapshot({name: value.clone() for name, value in snapshot.tensors.items()}, snapshot.facts)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=NAMES)
def test_a_killed_learning_goes_on_with_the_same_bits(strategy):
    events = (CHILDHOOD, *school(strategy, *TASKS, THIRD))
    whole, _ = lived(*events)
    life = Scenario(name="small", subject=TINY, events=events)
    steps = compile_study(Study(name="small", groups={"one": life}), precision="fp32").lives[0].steps
    subject = None
    for step in steps:
        before = None if subject is None else (subject.facts(), {k: dict(v) for k, v in _copied(subject).items()})
        checkpointer, kills = Dying(), [2, 4, None]
        for kill in kills:
            if before is not None and kill != kills[0]:
                subject.load(*before)
            count = iter(range(100))
            here = StepContext(checkpointer=checkpointer, should_stop=lambda kill=kill, count=count: next(count) + 1 == kill)
            try:
                subject, _ = live(subject, step, "fp32", here)
                break
            except Interrupted:
                continue
    assert same(subject, whole)


def _copied(subject):
    return {group: {name: value.clone() for name, value in part.items()} for group, part in subject.state().items()}


def test_the_fisher_information_is_that_of_a_calculation_by_hand():
    subject, task = born(TASKS[0]), TASKS[0]
    found = fisher_diagonal(subject, task, lesson(subject, task), estimator="exact", examples=3)
    name = next(iter(subject.synapses))
    from lifespan.model.forward import token_states
    from lifespan.training.batches import Tokens
    from lifespan.training.evaluation import evaluated_rows

    rows = task.examples("train").take(evaluated_rows(task, "train", 3))
    tokens = Tokens(subject.tokenizer, rows.first, rows.second, 32)
    expected = torch.zeros_like(subject.synapses[name].data)
    for i in range(3):
        for label in range(len(task.labels)):
            logs = (
                subject.skills[task.title].head(token_states(subject, tokens.collate(np.array([i])))[:, 0]).log_softmax(-1)[0]
            )
            (gradient,) = torch.autograd.grad(logs[label], [subject.synapses[name]])
            expected += float(logs[label].detach().exp()) * gradient**2 / 3
    assert torch.allclose(found[name], expected, rtol=1e-4, atol=1e-12)


def test_sampled_agrees_with_exact_in_the_mean_and_batches_are_smaller():
    subject, task = born(TASKS[0]), MicroTask("sentiment", train_examples=200, eval_examples=10)
    subject.skill_for(task, "weights", Streams(0, "x"))
    traces = {}
    for estimator in ("exact", "sampled", "batch"):
        found = fisher_diagonal(subject, task, lesson(subject, task, batch_size=50), estimator=estimator, examples=200)
        traces[estimator] = float(sum(value.double().sum() for value in found.values()))
    assert traces["sampled"] == pytest.approx(traces["exact"], rel=0.25)
    assert traces["batch"] < traces["exact"]


def test_ewc_pulls_with_strength_times_fisher_times_distance_and_spares_the_dead():
    subject = born(*TASKS)
    name, weight = next(iter(subject.synapses.items()))
    subject.alive[name] = subject.alive[name].clone()
    subject.alive[name][0, 0] = False
    plasticity = WeightChange(subject, [TASKS[1]], BY)
    strategy = EWC(strength=10.0)
    ones = {n: torch.ones_like(p.data) for n, p in subject.encoder.named_parameters()}
    file(subject, f"EWC/fisher/{TASKS[0].title}/", {n: 0.5 * one for n, one in ones.items()})
    file(subject, f"EWC/anchor/{TASKS[0].title}/", {n: p.detach() - 0.2 for n, p in subject.encoder.named_parameters()})
    guard = strategy.guard(subject, lesson(subject, TASKS[1], earlier=[TASKS[0]]))
    parameters = [p for group in plasticity.groups() for p in group["params"]]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    guard.gradient(parameters, Course(subject, plasticity, TASKS[1].title, 0, 1, Streams(0, "x"), {}))
    expected = torch.full_like(weight, 10.0 * 0.5 * 0.2)
    expected[0, 0] = 0.0
    assert torch.allclose(weight.grad, expected, atol=1e-5)
    head = next(subject.skills[TASKS[1].title].head.parameters())
    assert not head.grad.any()


def test_synaptic_intelligence_sums_the_path():
    subject = born(TASKS[0])
    name, weight = next(iter(subject.synapses.items()))
    strategy = SynapticIntelligence(damping=0.1)
    guard = strategy.guard(subject, lesson(subject, TASKS[0]))
    course = Course(subject, None, TASKS[0].title, 0, 2, Streams(0, "x"), {})
    for gradient, change in ((-1.0, 0.5), (2.0, -0.25)):
        weight.grad = torch.full_like(weight, gradient)
        guard.gradient([weight], course)
        weight.data += change
        guard.after(course)
    guard.settle(subject, course.memory)
    # omega = 1 * 0.5 + 2 * 0.25 = 1, over a way of 0.25.
    importance = filed(subject, "SynapticIntelligence/importance/")[name]
    assert torch.allclose(importance, torch.full_like(importance, 1.0 / (0.25**2 + 0.1)), rtol=1e-4)


@pytest.mark.parametrize("disorder", [None, TokenBlur(severity=0.5), VocabularySwap(severity=0.5)])
def test_a_teacher_reads_what_its_student_reads(disorder):
    subject = born(*TASKS)
    guard = LearningWithoutForgetting(strength=5.0).guard(subject, lesson(subject, TASKS[1], earlier=[TASKS[0]]))
    course = Course(subject, WeightChange(subject, [TASKS[1]], BY), TASKS[1].title, 0, 1, Streams(0, "x"), {})
    clean = task_source(subject, TASKS[1], length=32, batch_size=8, streams=Streams(0, "x")).batch(0)
    batch = guard.batch(clean, course)
    if disorder is not None:
        batch = disorder.batch(batch, course)
        assert not torch.equal(batch["input_ids"], clean["input_ids"])
    with guard.activations(subject, course.streams, 0):
        batch_loss(subject, TASKS[1].title, batch)
        assert float(guard.penalty(course).detach()) == pytest.approx(0.0, abs=1e-6)
        with torch.no_grad():
            subject.skills[TASKS[0].title].head.output.bias[0] += 1.0
        batch_loss(subject, TASKS[1].title, batch)
        assert float(guard.penalty(course).detach()) > 0.01


def test_a_gem_takes_away_what_points_against_the_memory_and_no_more():
    subject = born(*TASKS)
    keep("AveragedGEM", subject, lesson(subject, TASKS[0]), kind="balanced", size=16)
    plasticity = WeightChange(subject, [TASKS[1]], BY)
    guard = AveragedGEM(size=16).guard(subject, lesson(subject, TASKS[1], earlier=[TASKS[0]]))
    parameters = list(subject.encoder.parameters())
    course = Course(subject, plasticity, TASKS[1].title, 0, 1, Streams(0, "x"), {})
    batch, _ = guard.buffer.batch(TASKS[0].title, 0)
    reference = torch.autograd.grad(batch_loss(subject, TASKS[0].title, batch), parameters, allow_unused=True)
    for sign, share in ((-1.0, 0.0), (1.0, 1.0)):
        for parameter, gradient in zip(parameters, reference, strict=True):
            parameter.grad = None if gradient is None else sign * gradient.clone()
        guard.gradient(parameters, course)
        left = sum(float((p.grad * r).sum()) for p, r in zip(parameters, reference, strict=True) if r is not None)
        whole = sum(float((r * r).sum()) for r in reference if r is not None)
        assert left / whole == pytest.approx(share, abs=1e-5)


def test_balanced_buffers_share_alike_and_only_lose():
    subject = born(*TASKS, THIRD)
    held = []
    for count, task in enumerate((*TASKS, THIRD), 1):
        keep("R", subject, lesson(subject, task), kind="balanced", size=30)
        rows = {name: set(value.tolist()) for name, value in filed(subject, "R/rows/").items()}
        assert {len(each) for each in rows.values()} == {30 // count}
        held.append(rows)
    assert held[2][TASKS[0].title] < held[1][TASKS[0].title] < held[0][TASKS[0].title]


def test_a_reservoir_holds_every_row_with_one_probability():
    small, large = (
        MicroTask(name, train_examples=n, eval_examples=10) for name, n in (("sentiment", 50), ("entailment", 150))
    )
    shares = []
    for seed in range(60):
        subject = born(small, large)
        for task in (small, large):
            own = Lesson([task], [], 32, 8, Streams(seed, f"learn/{task.title}"))
            keep("R", subject, own, kind="reservoir", size=40)
        rows = filed(subject, "R/rows/")
        assert sum(len(each) for each in rows.values()) == 40
        shares.append(len(rows[small.title]) / 40)
    # A quarter of all rows; the standard error of the mean of 60 is about 0.008.
    assert np.mean(shares) == pytest.approx(0.25, abs=0.03)


def test_a_task_that_comes_back_changes_no_probability():
    one, other = (MicroTask(name, train_examples=40, eval_examples=10) for name in ("sentiment", "entailment"))
    subject, early, late = born(one, other), 0, 0
    for seed in range(200):
        subject.remembered = {}
        for number, task in enumerate((one, other, one)):
            keep("R", subject, Lesson([task], [], 32, 8, Streams(seed, f"learn/{number}")), kind="reservoir", size=20)
        kept = filed(subject, "R/rows/")
        assert sum(len(rows) for rows in kept.values()) == 20
        early += int((kept[one.title] < 20).sum())
        late += int((kept[one.title] >= 20).sum())
    # Each row is there with p = 20 / 80; 4,000 tries of each half have a standard error below 0.007.
    assert [early / 4_000, late / 4_000] == pytest.approx([0.25, 0.25], abs=0.025)


@pytest.mark.parametrize("strategy", [DarkExperience(size=2), DarkExperience(size=2, buffer="reservoir"), Rehearsal(size=2)])
def test_a_buffer_smaller_than_the_tasks_is_used_to_the_full(strategy):
    tasks = (*TASKS, THIRD, *(MicroTask(name, train_examples=20, eval_examples=10) for name in ("paraphrase", "inference")))
    subject = born(*tasks)
    for place, task in enumerate(tasks):
        guard = strategy.guard(subject, lesson(subject, task, earlier=tasks[:place]))
        guard.settle(subject, {})
        kept = {title: rows for title, rows in filed(subject, f"{strategy.name}/rows/").items() if len(rows)}
        assert sum(len(rows) for rows in kept.values()) == 2
        answers = filed(subject, f"{strategy.name}/answers/")
        assert {title: len(rows) for title, rows in answers.items()} in ({}, {t: len(r) for t, r in kept.items()})


def test_what_does_not_divide_evenly_goes_to_the_tasks_learned_first():
    subject = born(*TASKS, THIRD)
    for task in (*TASKS, THIRD):
        keep("R", subject, lesson(subject, task), kind="balanced", size=8)
    assert [len(rows) for rows in filed(subject, "R/rows/").values()] == [3, 3, 2]


def test_a_task_with_a_mask_of_its_own_is_not_rehearsed():
    subject = born(*TASKS)
    keep("Rehearsal", subject, lesson(subject, TASKS[0]), kind="balanced", size=8)
    assert Buffer("Rehearsal", subject, lesson(subject, TASKS[1], earlier=[TASKS[0]]))
    subject.skills[TASKS[0].title].mask = {name: torch.ones_like(w, dtype=torch.bool) for name, w in subject.synapses.items()}
    assert not Buffer("Rehearsal", subject, lesson(subject, TASKS[1], earlier=[TASKS[0]]))


@pytest.mark.parametrize("strategy", STRATEGIES[:6], ids=NAMES[:6])
def test_strategies_live_on_after_ageing_and_move_no_dead_synapse(strategy):
    events = (*school(strategy, TASKS[0]), Age(to=0.5, by=Magnitude()), *school(strategy, TASKS[1]))
    young, _ = lived(*events[:2])
    before, dead = content(young), {name: ~mask for name, mask in young.alive.items()}
    old, _ = lived(*events)
    for name, gone in dead.items():
        assert torch.equal(old.synapses[name].data[gone], before["encoder", name][gone])


FIRST, SECOND = (MicroTask(name, train_examples=64, eval_examples=64) for name in ("acceptability", "sentiment"))
LARGER = Micro(layers=2, width=32, heads=2, feed_forward=64)
LONG = Weights(steps=150, batch_size=16, rate=3e-3, weight_decay=0.0)
BY_HEART = Probe(Score(length=32, split="train"))


def lost(strategy):
    """Share of the training rows of the first task that are forgotten once the second was learned; mean of four seeds."""
    events = (*school(strategy, FIRST, by=LONG), BY_HEART, *school(strategy, SECOND, by=LONG), BY_HEART)
    found = []
    for seed in range(4):
        readings = lived(*events, seed=seed, origin=LARGER)[1]
        before, after = (value for _, task, metric, value in readings if (task, metric) == (FIRST.title, "accuracy"))
        found.append(before - after)
    return np.mean(found)


@pytest.fixture(scope="module")
def without():
    return lost(None)


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param(Rehearsal(size=64), marks=pytest.mark.slow),
        pytest.param(SynapticIntelligence(strength=100.0), marks=pytest.mark.slow),
        pytest.param(LearningWithoutForgetting(strength=5.0), marks=pytest.mark.slow),
        pytest.param(DarkExperience(size=64, alpha=1.0, beta=1.0), marks=pytest.mark.slow),
        pytest.param(AveragedGEM(size=64), marks=pytest.mark.slow),
    ],
    ids=lambda each: type(each).__name__,
)
def test_less_is_forgotten(strategy, without):
    """What was learned by heart is lost to the next task; how much differs between seeds, and between kinds of processors."""
    assert without > 0.15
    assert lost(strategy) < 0.6 * without


@pytest.mark.slow
def test_elastic_weights_move_less_where_it_matters():
    """Rows known by heart leave next to no Fisher information, so that scores on them tell little of this strategy."""
    strategy = EWC(strength=1e6, examples=64)
    first = school(strategy, FIRST, by=LONG)
    before, _ = lived(*first, origin=LARGER)
    importance = filed(before, f"EWC/fisher/{FIRST.title}/")

    def moved(by):
        after, _ = lived(*first, *school(by, SECOND, by=LONG), origin=LARGER)
        now, then = dict(after.encoder.named_parameters()), dict(before.encoder.named_parameters())
        return sum(float((f * (now[name].data - then[name].data).square()).sum()) for name, f in importance.items())

    assert 0 < moved(strategy) < 0.2 * moved(None)


def test_what_is_kept_is_told_in_rows_and_the_checkpoint(tmp_path):
    life = Scenario(name="x", subject=TINY, events=(CHILDHOOD, *school(Rehearsal(size=10), *TASKS), Probe(Score())))
    simulate(Study(name="x", groups={"x": life}), tmp_path, threads=1)
    rows = read(tmp_path).measurements().query("probe == 'Strategy/Rehearsal'")
    assert rows[rows["metric"] == "examples"]["value"].tolist() == [10.0, 10.0]
    assert (rows[rows["metric"] == "bytes"]["value"] == [8 * 10 + 8, 8 * 10 + 8]).all()


def test_the_field_is_refused_where_it_makes_no_sense_and_leaves_digests_alone():
    with pytest.raises(UserError, match="keeps weights that Masks does not move"):
        Learn(TASKS[0], by=Masks(steps=3), against_forgetting=EWC())
    with pytest.raises(UserError, match="must be a Strategy"):
        Learn(TASKS[0], by=BY, against_forgetting="ewc")
    with pytest.raises(UserError, match="fisher"):
        EWC(fisher="diagonal")
    with pytest.raises(UserError, match="buffer"):
        Rehearsal(buffer="queue")
    assert "against_forgetting" not in Learn(TASKS[0], by=BY).to_data()
    assert Learn(TASKS[0], by=BY).digest() != Learn(TASKS[0], by=BY, against_forgetting=EWC()).digest()


def test_streams_are_plain_events():
    from lifespan import stream

    by = Weights(steps=10)
    names = ("sentiment", "entailment", "acceptability")
    tasks = tuple(MicroTask(name) for name in names)
    school = stream(*tasks, by=by, thin=50, each=lambda task: Probe(Score()), against_forgetting=EWC())
    assert [event.label for event in school] == [text for name in names for text in (f"learn micro-{name}", "probe")]
    assert all(event.task.train_examples == 50 and event.against_forgetting == EWC() for event in school[::2])
    again = stream(*tasks, by=by, shuffled=1, times=2)
    order = [event.task.title for event in again]
    assert order[:3] == order[3:] and sorted(order[:3]) == sorted(task.title for task in tasks)
    assert order == [event.task.title for event in stream(*tasks, by=by, shuffled=1, times=2)]
    assert {tuple(e.task.title for e in stream(*tasks, by=by, shuffled=n)) for n in range(20)} > {tuple(order[:3])}
    blurred = stream(*tasks, by=by, blur=0.2)
    assert [event.by.steps for event in blurred] == [8, 2, 6, 2, 8]
    assert [len(event.tasks) for event in blurred] == [1, 2, 1, 2, 1]
    together = stream(*tasks, by=by, cumulative=True)
    assert [len(event.tasks) for event in together] == [1, 2, 3]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"times": 0}, "times=0"),
        ({"blur": 0.5}, "0 <= blur < 0.5"),
        ({"blur": 0.1, "cumulative": True}, "no boundaries to blur"),
    ],
)
def test_wrong_streams_are_refused(how, message):
    from lifespan import stream

    with pytest.raises(UserError, match=message):
        stream(*TASKS, by=BY, **how)
    with pytest.raises(UserError, match="names a task twice"):
        stream(TASKS[0], TASKS[0], by=BY)
    with pytest.raises(UserError, match="needs two tasks or more"):
        stream(TASKS[0], by=BY)


def test_a_blurred_stream_is_lived():
    from lifespan import stream

    subject, readings = lived(
        *stream(*TASKS, by=BY, blur=0.2, against_forgetting=Rehearsal(size=10), each=lambda task: Probe(Score()))
    )
    assert set(subject.skills) == {task.title for task in TASKS} and len(readings) >= 3

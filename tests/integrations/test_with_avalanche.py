"""Avalanche 0.6 inside a life, and streams as Avalanche benchmarks. Runs where avalanche-lib is installed."""

from __future__ import annotations

import itertools
import random
import re
from contextlib import contextmanager

import pytest
import torch
from conftest import TASKS, TINY
from small_lives import CHILDHOOD, SCHOOL, born, content, learn, lived, same

from lifespan import (
    Age,
    AvalancheStrategy,
    Develop,
    Distilled,
    Learn,
    Magnitude,
    Masks,
    MicroTask,
    MicroText,
    Probe,
    Rehearsal,
    Scenario,
    Score,
    Study,
    Suffer,
    UnstableOptimizer,
    Weights,
    stream,
)
from lifespan.errors import ScenarioError
from lifespan.execution.step import StepContext, live
from lifespan.learners._weights import decayed
from lifespan.learners.avalanche_strategy import REFUSED, SUPPORTED
from lifespan.randomness import Streams
from lifespan.study.plan import compile_study
from lifespan.subjects._torchvision import mend_torchvision
from lifespan.testing import check_learner
from lifespan.training.loop import Recipe

mend_torchvision()
pytest.importorskip("avalanche")

from lifespan.integrations.avalanche import datasets, memory, strategies  # noqa: E402
from lifespan.integrations.avalanche.model import Model  # noqa: E402

RECIPE = {"steps": 8, "batch_size": 8, "rate": 2e-3}
SETTINGS = {
    "EWC": {"ewc_lambda": 1e3},
    "SynapticIntelligence": {"si_lambda": 1e3},
    "MAS": {"lambda_reg": 100.0},
    "RWalk": {"ewc_lambda": 100.0, "delta_t": 2},
    "LwF": {"alpha": 5.0, "temperature": 2.0},
    "Replay": {"mem_size": 24},
    "GDumb": {"mem_size": 24},
    "AGEM": {"patterns_per_exp": 12, "sample_size": 8},
    "GEM": {"patterns_per_exp": 12},
    "ER_ACE": {"mem_size": 24},
}


def by(name, **changes):
    return AvalancheStrategy(name, settings=SETTINGS.get(name, {}), **{**RECIPE, **changes})


# Streams


def test_a_stream_is_an_avalanche_benchmark():
    tokenizer = TINY.build(Streams(0, "birth")).tokenizer
    school = stream(*TASKS, by=Weights(steps=10), blur=0.2, length=32)
    benchmark = school.to_avalanche(tokenizer)
    assert len(benchmark.train_stream) == len(school) == 3 and len(benchmark.test_stream) == 2
    assert [list(experience.task_labels) for experience in benchmark.train_stream] == [[0], [0, 1], [1]]
    rows = TASKS[0].examples("train")
    data = benchmark.train_stream[0].dataset
    assert len(data) == len(rows) and [int(data[i][1]) for i in range(len(rows))] == list(rows.labels)
    fields = datasets.unpacked(data[3][0][None])
    wanted = tokenizer(rows.first[3], None if rows.second is None else rows.second[3], return_tensors="pt")
    length = int(fields["attention_mask"].sum())
    assert torch.equal(fields["input_ids"][0, :length], wanted["input_ids"][0])
    assert len(benchmark.test_stream[1].dataset) == len(TASKS[1].examples(TASKS[1].splits[1]))


def test_an_avalanche_user_trains_on_it():
    from avalanche.training.supervised import Naive

    subject = born(*TASKS)
    benchmark = stream(*TASKS, by=Weights(steps=10), length=32).to_avalanche(subject.tokenizer)
    model = Model(subject, [task.title for task in TASKS])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with datasets.quiet():
        naive = Naive(model=model, optimizer=optimizer, train_mb_size=16, evaluator=None)
        before = content(subject)
        for experience in benchmark.train_stream:
            naive.train(experience)
    assert not same(before, subject)


def test_tasks_whose_answer_is_a_score_are_refused():
    similarity = MicroTask("similarity", train_examples=24, eval_examples=16)
    tokenizer = TINY.build(Streams(0, "birth")).tokenizer
    with pytest.raises(ScenarioError, match=r"answers with a score; Avalanche 0\.6 learns classes"):
        stream(TASKS[0], similarity, by=Weights(steps=4), length=32).to_avalanche(tokenizer)
    with pytest.raises(ScenarioError, match="cannot learn 'micro-similarity', whose answer is a score"):
        lived(*learn(by("Naive"), similarity))
    with pytest.raises(ScenarioError, match="learns tasks, not language"):
        lived(Develop(MicroText(number=100), steps=4, batch_size=8, by=by("Naive")))


# Strategies


@pytest.mark.parametrize("name", SUPPORTED)
def test_a_strategy_keeps_the_rules_of_learners(name):
    check_learner(by(name))


@pytest.mark.parametrize("name", SUPPORTED)
def test_what_a_strategy_keeps_comes_back(name):
    """Written down and read again, its memory is the same; and it changes what is learned next."""
    subject, _ = lived(CHILDHOOD, *learn(by(name), *SCHOOL))
    kept = {key.removeprefix("AvalancheStrategy/"): value for key, value in subject.remembered.items()}
    data = memory.outline(kept)
    assert data["titles"] == [task.title for task in SCHOOL] and data["clock"][0] == 3
    model = Model(subject, data["titles"])
    reader = memory.Reader(memory.tensors_of(kept), model, 32, 0)
    values = {key: reader.read(value) for key, value in data["values"].items()}
    facts = {key: value for key, value in data.items() if key != "values"}
    again = memory.written(facts, values)
    assert again.keys() == kept.keys()
    assert all(torch.equal(again[key], kept[key]) or again[key].shape[-1] > kept[key].shape[-1] for key in kept)
    plain, _ = lived(CHILDHOOD, *learn(by("Naive"), *SCHOOL))
    differs = {k: v for k, v in content(subject).items() if k[0] == "encoder"}
    assert same({k: v for k, v in content(plain).items() if k[0] == "encoder"}, differs) == (name == "Naive")


@contextmanager
def drawing(place, purpose):
    """The same draws for both loops."""
    state = random.getstate()
    random.seed(f"{place}/{purpose}")
    with datasets.quiet(), torch.random.fork_rng():
        torch.manual_seed(1000 * place + len(purpose))
        yield
    random.setstate(state)


def alone(strategy, experience, steps, place, parameters):
    """One experience by Avalanche's own loop, with the life's rates and clipping."""
    before, after, epoch = strategy._before_training_exp, strategy._after_training_exp, strategy._before_training_epoch
    step = itertools.count()

    def update(**_):
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        rate = RECIPE["rate"] * Recipe(steps, 0.1, 1.0).factor(next(step))
        for group in strategy.optimizer.param_groups:
            group["lr"] = rate

    def begin(**_):
        with drawing(place, "begin"):
            before()

    def ordered(**_):
        with drawing(place, "order"):
            epoch()
            strategy.dataloader = list(strategy.dataloader)

    def end(**_):
        with drawing(place, "end"):
            after()

    own = {"_before_training_exp": begin, "_before_training_epoch": ordered, "_after_training_exp": end}
    with pytest.MonkeyPatch.context() as patch, datasets.quiet():
        for name, method in {**own, "_before_update": update}.items():
            patch.setattr(strategy, name, method)
        strategy.train(experience, eval_streams=[])


@pytest.mark.parametrize("name", ["Naive", "EWC", "MAS", "LwF", "Replay", "AGEM", "GEM", "Cumulative"])
def test_inside_a_life_a_strategy_does_what_it_does_outside(name, monkeypatch):
    """Three experiences by Avalanche's own loop, its strategy kept in memory, against three events that write it down."""
    from lifespan.learners import _avalanche as loop

    places = itertools.count()
    attach = loop.Strategic.__init__

    def attached(self, *arguments):
        self.place = next(places)
        attach(self, *arguments)

    monkeypatch.setattr(loop.Strategic, "__init__", attached)
    monkeypatch.setattr(loop.Strategic, "_drawing", lambda self, purpose, number: drawing(self.place, purpose))
    tasks = [MicroTask(task.name, train_examples=48, eval_examples=16) for task in SCHOOL]
    counts = (6, 12, 18) if name == "Cumulative" else (6, 6, 6)
    events = [Learn(task, by=by(name, steps=n), length=32) for task, n in zip(tasks, counts, strict=True)]
    inside, _ = lived(CHILDHOOD, *events)

    subject, _ = lived(CHILDHOOD)
    life = Scenario(name="small", subject=TINY, events=(CHILDHOOD, *events))
    lessons = compile_study(Study(name="small", groups={"one": life}), precision="fp32").lives[0].steps[2:]
    benchmark = stream(*tasks, by=Weights(steps=6), length=32).to_avalanche(subject.tokenizer)
    strategy = None
    for place, (experience, lesson) in enumerate(zip(benchmark.train_stream, lessons, strict=True)):
        subject.skill_for(tasks[place], "weights", Streams(lesson.seed, lesson.key))
        model = Model(subject, [task.title for task in tasks[: place + 1]])
        if strategy is not None:
            model.max_class_label = strategy.model.max_class_label
            model.known_train_tasks_labels = strategy.model.known_train_tasks_labels
        groups = [*decayed(model.encoder.parameters(), 1.0, 0.01), *decayed(model.heads.parameters(), 1.0, 0.01)]
        optimizer = torch.optim.AdamW(groups, lr=RECIPE["rate"])
        if strategy is None:
            common = {"criterion": torch.nn.CrossEntropyLoss(), "train_mb_size": 8, "evaluator": None}
            with datasets.quiet():
                strategy = strategies.made(name, SETTINGS.get(name, {}), model=model, optimizer=optimizer, **common)
        strategy.model, strategy.optimizer = model, optimizer
        strategy.check_model_and_optimizer = lambda model=model, experience=experience, **_: model.adaptation(experience)
        alone(strategy, experience, counts[place], place, [p for group in groups for p in group["params"]])
    one, two = content(inside), content(subject)
    for key in two:
        # Earlier heads begin where their teacher is: Adam makes steps of a gradient that is rounding alone.
        room = 2e-3 if name == "LwF" else 1e-5
        torch.testing.assert_close(one[key], two[key], rtol=1e-3, atol=room, msg=lambda text, key=key: f"{key}: {text}")


def test_avalanches_synaptic_intelligence_is_mended_on_a_cpu():
    """It keeps views of the weights, which move with them. Here the way is kept: minus gradient times step, by hand."""
    from lifespan.learners import _avalanche as loop

    by_hand, seen = {}, {}
    objective, advance = loop.Strategic.objective, loop.Strategic.advance

    def before(self, task, batch):
        seen.update({name: parameter.detach().clone() for name, parameter in self.model.named_parameters()})
        return objective(self, task, batch)

    def after(self, step):
        for name, parameter in self.model.named_parameters():
            if self.gradients[name] is not None:
                way = self.gradients[name] * (parameter.detach() - seen[name])
                by_hand[name] = by_hand.get(name, 0) + way.flatten()
        advance(self, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Strategic, "objective", before)
        patch.setattr(loop.Strategic, "advance", after)
        subject, _ = lived(CHILDHOOD, *learn(by("SynapticIntelligence"), TASKS[0]))
    kept = {key.removeprefix("AvalancheStrategy/"): value for key, value in subject.remembered.items()}
    model = Model(subject, [TASKS[0].title])
    values = memory.Reader(memory.tensors_of(kept), model, 32, 0).read(memory.outline(kept)["values"]["syn_data"])
    for name, way in by_hand.items():
        torch.testing.assert_close(values["trajectory"][name].data, way, rtol=1e-4, atol=1e-9)


# Lives


def test_ageing_disorders_and_probes_meet_it():
    events = [*learn(by("Replay"), TASKS[0]), Age(to=0.5, by=Magnitude()), Suffer(UnstableOptimizer(severity=0.5))]
    before, _ = lived(CHILDHOOD, *events)
    subject, readings = lived(CHILDHOOD, *events, *learn(by("Replay"), *SCHOOL[1:]), Probe(Score(length=32)))
    healthy, _ = lived(CHILDHOOD, *events[:2], *learn(by("Replay"), *SCHOOL[1:]))
    assert len(readings) >= 3 and not same(subject, healthy)
    for name, alive in before.alive.items():
        assert torch.equal(subject.synapses[name].data[~alive], before.synapses[name].data[~alive])
    watched, _ = lived(CHILDHOOD, *learn(by("EWC"), TASKS[0]), Probe(Score(length=32), every=4))
    unwatched, _ = lived(CHILDHOOD, *learn(by("EWC"), TASKS[0]))
    assert same(watched, unwatched)


def test_masks_of_earlier_tasks_stay_frozen_in_their_place():
    """A task learned by masks is no task of Avalanche's: its head and mask are not touched."""
    subject, _ = lived(CHILDHOOD, *learn(Masks(**RECIPE), TASKS[0]), *learn(by("EWC"), *SCHOOL[1:]))
    before, _ = lived(CHILDHOOD, *learn(Masks(**RECIPE), TASKS[0]))
    title = TASKS[0].title
    assert same(
        {k: v for k, v in content(subject).items() if title in k[0]},
        {k: v for k, v in content(before).items() if title in k[0]},
    )


def test_what_cannot_be_run_says_why():
    for name, reason in REFUSED.items():
        with pytest.raises(ScenarioError, match=re.escape(reason)):
            AvalancheStrategy(name)
    with pytest.raises(ScenarioError, match=r"is not supported here\. Did you mean 'Replay'"):
        AvalancheStrategy("Replai")
    with pytest.raises(
        ScenarioError, match=r"holds 'lambda', which is none of the strategy's\. .*EWC takes: ewc_lambda, mode"
    ):
        AvalancheStrategy("EWC", settings={"ewc_lambda": 1.0, "lambda": 3.0})
    with pytest.raises(ScenarioError, match=r"lacks 'temperature', which the strategy needs\. LwF takes: alpha, temperature"):
        AvalancheStrategy("LwF", settings={"alpha": 1.0})
    with pytest.raises(ScenarioError, match="must map the strategy's arguments to values"):
        AvalancheStrategy("LwF", settings=3)


def test_it_stands_alone():
    with pytest.raises(ScenarioError, match="stands beside AvalancheStrategy, which brings a strategy of its own"):
        Learn(TASKS[0], by=by("Naive"), against_forgetting=Rehearsal())
    with pytest.raises(ScenarioError, match="is AvalancheStrategy, which mixes tasks in its batches"):
        Distilled(by=by("Naive"), teacher=2)


def test_settings_are_those_of_avalanche():
    import inspect

    from avalanche.training import supervised
    from avalanche.training.plugins import RWalkPlugin

    ours = {"self", "model", "optimizer", "criterion", "train_mb_size", "train_epochs", "eval_mb_size", "device", "plugins"}
    ours |= {"evaluator", "eval_every", "peval_mode", "kwargs", "base_kwargs"}
    for name, (needed, others) in SUPPORTED.items():
        taken = inspect.signature(getattr(supervised, name, RWalkPlugin).__init__).parameters
        own = {key: value.default is inspect.Parameter.empty for key, value in taken.items() if key not in ours}
        assert own == {**dict.fromkeys(needed, True), **dict.fromkeys(others, False)}


def test_without_avalanche_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("lifespan.errors.find_spec", lambda name: None)
    with pytest.raises(ScenarioError, match=r"pip install 'lifespan\[avalanche\]'"):
        AvalancheStrategy("Naive")
    with pytest.raises(ScenarioError, match=r"pip install 'lifespan\[avalanche\]'"):
        stream(*TASKS, by=Weights(steps=4)).to_avalanche(None)


def test_the_class_itself_may_be_given():
    from avalanche.training.supervised import EWC

    assert AvalancheStrategy(EWC, settings={"ewc_lambda": 1.0}) == AvalancheStrategy("EWC", settings={"ewc_lambda": 1.0})


@pytest.mark.parametrize(("name", "examples"), [("Replay", 24), ("AGEM", 24), ("Cumulative", 96), ("EWC", 0)])
def test_what_is_kept_is_counted_in_rows(name, examples):
    tasks = [MicroTask(task.name, train_examples=48, eval_examples=16) for task in TASKS]
    life = Scenario(name="small", subject=TINY, events=(CHILDHOOD, *learn(by(name), *tasks)))
    subject, rows = None, []
    for step in compile_study(Study(name="small", groups={"one": life}), precision="fp32").lives[0].steps:
        subject, lived_step = live(subject, step, "fp32", StepContext())
        rows += [row for row in lived_step.rows if row.probe == "Strategy/AvalancheStrategy"]
    found = {row.reading.metric: row.reading.value for row in rows[-2:]}
    assert len(rows) == 4 and found["examples"] == examples
    assert found["bytes"] == sum(tensor.numel() * tensor.element_size() for tensor in subject.remembered.values())

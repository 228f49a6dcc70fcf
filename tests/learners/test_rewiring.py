"""RigL and SET against a slow textbook version; exact counts at every step; and a kill that changes nothing."""

import itertools
import math

import pytest
import torch
from conftest import TASKS, TINY, tiny_study
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from lifespan import SET, Age, Learn, Magnitude, Masks, Recover, RigL, Scenario, UserError, Weights, simulate
from lifespan.contracts import Learner, Plasticity
from lifespan.errors import LifespanError
from lifespan.execution.step import checked_recovery
from lifespan.learners._rewiring import drop_fraction, starting_masks
from lifespan.model.forward import batch_loss, seeded
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.record.store import Store
from lifespan.study.plan import compile_study
from lifespan.training.batches import TurnSource, task_source
from lifespan.training.loop import Interrupted, Recipe, train
from lifespan.training.objectives._masked import MaskedSource

STREAMS = Streams(3, "learn/test#0")
ONE, TWO = TASKS[:1], TASKS[:2]
FROZEN_SKILL = {"sparsity": 0.5, "every": 3}
SPARSE_SKILL = {"sparsity": 0.5, "every": 3, "weights": True, "rate": 1e-3}
FROZEN_ANATOMY = {"anatomy": True, "every": 3}
SPARSE_ANATOMY = {"anatomy": True, "every": 3, "weights": True, "heads": True, "rate": 1e-3}
USES = [(FROZEN_SKILL, ONE), (SPARSE_SKILL, ONE), (FROZEN_ANATOMY, TWO), (SPARSE_ANATOMY, TWO)]
KINDS = pytest.mark.parametrize("kind", [RigL, SET])
EVERYWHERE = pytest.mark.parametrize(("use", "tasks"), USES, ids=["skill", "skill-weights", "anatomy", "anatomy-weights"])


def born(tasks=ONE, sparsity=0.0):
    """A subject with some synapses dead by magnitude; a second task has a mask of its own."""
    subject = Subject(TINY.build(Streams(0, "birth")))
    subject.alive = Magnitude().choose(subject, sparsity, STREAMS, ())
    for task in tasks:
        subject.skill_for(task, "weights", STREAMS)
    for task in tasks[1:]:
        draw = torch.Generator().manual_seed(1)
        own = {n: torch.rand(w.shape, generator=draw) < 0.9 for n, w in subject.synapses.items()}
        subject.skills[task.title].mask = own
    return subject


def source_of(subject, tasks):
    return TurnSource([task_source(subject, task, length=128, batch_size=16, streams=STREAMS) for task in tasks])


def learn(subject, by, tasks=ONE, steps=12, watch=None, **more):
    plasticity = by.attach(subject, tasks, steps, STREAMS)
    trace = train(
        subject,
        plasticity,
        source_of(subject, tasks),
        Recipe(steps, by.warmup, by.clip),
        STREAMS,
        progress=lambda done, loss: watch(plasticity, done) if watch else None,
        **more,
    )
    return plasticity, trace


def living(masks):
    return {name: int(mask.sum()) for name, mask in masks.items()}


def copies(tensors):
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


class Textbook:
    """The algorithms of the papers on plain lists: sort every matrix, drop, grow; W x mask is an autograd leaf each step."""

    def __init__(self, by, tasks, steps, subject):
        self.by, self.tasks, self.steps, self.subject = by, tasks, steps, subject
        self.weights = copies({n: w.data for n, w in subject.synapses.items()})
        self.died_with = copies(self.weights)
        self.eligible = {n: torch.ones_like(m) if by.anatomy else m for n, m in subject.alive.items()}
        heads = [p for task in tasks for p in subject.skills[task.title].head.parameters()]
        synapses = {id(w) for w in subject.synapses.values()}
        others = [p for p in subject.encoder.parameters() if id(p) not in synapses]
        self.slow, self.fast = (others if by.weights else []), (heads if by.heads or not by.anatomy else [])
        self.leaves = {n: w.clone().requires_grad_() for n, w in self.weights.items()} if by.weights else {}
        self.mask = {n: m.clone() for n, m in subject.alive.items()}
        if not by.anatomy:
            wanted = living(starting_masks(subject, by, STREAMS))
            for name, alive in subject.alive.items():
                order = sorted(alive.flatten().nonzero().flatten().tolist(), key=self.size(name))
                self.mask[name].view(-1)[order[: len(order) - wanted[name]]] = False
        groups = [
            {"params": [p for p in moving if (p.dim() > 1) == matrix], "lr": rate, "weight_decay": 0.01 * matrix}
            for moving, rate in (([*self.leaves.values(), *self.slow], by.rate), (self.fast, by.head_rate))
            for matrix in (True, False)
        ]
        self.moving = [p for group in groups for p in group["params"]]
        self.optimizer = torch.optim.AdamW(groups) if self.moving else None
        self.peaks = [group["lr"] for group in groups]

    def size(self, name):
        values = self.value(name).abs().flatten().tolist()
        return lambda position: values[position]

    def value(self, name):
        return self.leaves[name].data if self.leaves else self.weights[name]

    def run(self):
        source = source_of(self.subject, self.tasks)
        self.subject.encoder.train()
        for skill in self.subject.skills.values():
            skill.head.train()
        recent = []
        for step in range(self.steps):
            recent = [*recent, self.gradients(source, step)][-len(self.tasks) :]
            t = step + 1
            due = t % self.by.every == 0 and t < 0.75 * self.steps
            if due and isinstance(self.by, RigL):
                total = {n: sum(gradient[n] for gradient in recent) for n in self.mask}
                self.rewire(t, {n: g.abs() if self.by.weights else (g * self.weights[n]).abs() for n, g in total.items()})
                continue
            self.descend(step)
            if due:
                draw = STREAMS.torch("mask", t)
                self.rewire(t, {n: torch.rand(m.shape, generator=draw) for n, m in self.mask.items()})
        return self

    def gradients(self, source, step):
        """dL/d(W x mask x skill) of one batch, with the skill's dead entries at zero; leaves get the masked one."""
        own_source, own_step = source.at(step)
        skill = self.subject.skills[own_source.task]
        own = skill.mask if self.by.anatomy else None
        seen = {n: m if own is None else m & own[n] for n, m in self.mask.items()}
        effective = {n: (self.value(n) * seen[n]).requires_grad_() for n in self.mask}
        for parameter in self.moving:
            parameter.grad = None
        batch = own_source.batch(own_step)
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        with seeded(STREAMS.number("dropout", step), torch.device("cpu")):
            states = torch.func.functional_call(self.subject.encoder, effective, kwargs=inputs).last_hidden_state
            cross_entropy(skill.head(states[:, 0]), batch["labels"]).backward()
        for name, leaf in self.leaves.items():
            leaf.grad = effective[name].grad * seen[name]
        return {n: e.grad if own is None else e.grad * own[n] for n, e in effective.items()}

    def descend(self, step):
        if self.optimizer is None:
            return
        torch.nn.utils.clip_grad_norm_(self.moving, self.by.clip)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * Recipe(self.steps, self.by.warmup, self.by.clip).factor(step)
        self.optimizer.step()

    def rewire(self, t, merit):
        for name, mask in self.mask.items():
            alive = mask.flatten().nonzero().flatten().tolist()
            fraction = 0.3 / 2 * (1 + math.cos(t * math.pi / (0.75 * self.steps)))
            number = round(fraction * len(alive))
            kept = sorted(alive, key=self.size(name))[number:]
            free = sorted(set(self.eligible[name].flatten().nonzero().flatten().tolist()) - set(kept))
            values = merit[name].flatten().tolist()
            grown = sorted(free, key=lambda position: -values[position])[:number]
            new = torch.zeros(mask.numel(), dtype=torch.bool)
            new[kept + grown] = True
            new = new.view(mask.shape)
            self.died_with[name] = torch.where(mask & ~new, self.value(name), self.died_with[name])
            if self.leaves:
                self.leaves[name].data[new & ~mask] = 0.0
            self.mask[name] = new


@KINDS
@EVERYWHERE
def test_learning_equals_the_textbook(kind, use, tasks):
    by = kind(**use)
    subject = born(tasks, sparsity=0.4)
    before = copies({n: w.data for n, w in subject.synapses.items()})
    start = living(subject.alive)
    learn(subject, by, tasks)
    book = Textbook(by, tasks, 12, born(tasks, sparsity=0.4)).run()
    mask = subject.alive if by.anatomy else subject.skills[tasks[0].title].mask
    assert all(torch.equal(mask[name], book.mask[name]) for name in mask)
    assert by.anatomy == (living(subject.alive) == living(mask))
    assert living(subject.alive) == start
    for name, weight in subject.synapses.items():
        outside = book.died_with[name] if by.anatomy else before[name]
        torch.testing.assert_close(weight.data[mask[name]], book.value(name)[mask[name]], atol=2e-6, rtol=1e-4)
        torch.testing.assert_close(weight.data[~mask[name]], outside[~mask[name]], atol=2e-6, rtol=1e-4)
    for own, other in zip(subject.encoder.parameters(), book.subject.encoder.parameters(), strict=True):
        if own.dim() == 1:
            torch.testing.assert_close(own, other, atol=2e-6, rtol=1e-4)
    for task in tasks:
        own, other = (s.skills[task.title].head.output.weight for s in (subject, book.subject))
        torch.testing.assert_close(own, other, atol=2e-6, rtol=1e-4)


@KINDS
@EVERYWHERE
def test_every_matrix_keeps_its_count_at_every_step_and_only_updates_move_it(kind, use, tasks):
    subject = born(tasks, sparsity=0.4)
    alive = copies(subject.alive)
    seen = [copies(starting_masks(subject, kind(**use), STREAMS)) if "sparsity" in use else copies(subject.alive)]
    _, trace = learn(subject, kind(**use), tasks, watch=lambda p, done: seen.append(copies(p.mask)))
    counts = {tuple(living(mask).values()) for mask in seen}
    assert len(counts) == 1
    moved = [t for t in range(1, 13) if any(not torch.equal(seen[t][n], seen[t - 1][n]) for n in seen[0])]
    assert moved == [3, 6], "updates come every 3 steps before 0.75 x 12"
    if "sparsity" in use:
        assert all(bool((mask[n] <= alive[n]).all()) for mask in seen for n in mask), "the dead stay dead"
        assert all(torch.equal(subject.alive[n], alive[n]) for n in alive)
        assert sum(living(seen[0]).values()) == sum(living(alive).values()) - round(0.5 * sum(living(alive).values()))
    report = {metric: value for _, metric, value, _ in trace.points}
    flipped = sum(int((seen[0][n] ^ seen[-1][n]).sum()) for n in alive)
    count = next(iter(counts))
    possible = sum(living(alive).values()) if "sparsity" in use else subject.count
    grown = sum(int((b[n] & ~a[n]).sum()) for a, b in itertools.pairwise(seen) for n in a)
    assert report["flips"] == flipped / possible > 0
    assert report["turnover"] == grown / sum(count) >= flipped / 2 / sum(count)
    assert report["sparsity"] == pytest.approx(1 - sum(count) / subject.count)


@KINDS
@pytest.mark.parametrize("use", [FROZEN_SKILL, FROZEN_ANATOMY])
def test_without_weights_all_stays_bit_for_bit(kind, use):
    subject = born(sparsity=0.4)
    before = copies(dict(subject.encoder.named_parameters()))
    head = subject.skills[TASKS[0].title].head.output.weight.detach().clone()
    learn(subject, kind(**use))
    assert all(torch.equal(before[name], p.data) for name, p in subject.encoder.named_parameters())
    assert torch.equal(head, subject.skills[TASKS[0].title].head.output.weight) == ("anatomy" in use)
    assert all(p.requires_grad for p in subject.encoder.parameters())
    assert all(p.requires_grad and p.grad is None for p in subject.skills[TASKS[0].title].head.parameters())


@KINDS
def test_with_weights_what_is_outside_the_mask_is_as_before(kind):
    subject = born(sparsity=0.4)
    before = copies({name: w.data for name, w in subject.synapses.items()})
    learn(subject, kind(**SPARSE_SKILL))
    mask = subject.skills[TASKS[0].title].mask
    for name, weight in subject.synapses.items():
        assert torch.equal(before[name][~mask[name]], weight.data[~mask[name]])
        assert not torch.equal(before[name][mask[name]], weight.data[mask[name]])


@KINDS
def test_a_grown_synapse_starts_at_zero(kind):
    subject = born(sparsity=0.4)
    masters = []

    def watch(plasticity, done):
        masters.append((copies(plasticity.mask), copies({n: m.data for n, m in plasticity.masters.items()})))

    learn(subject, kind(**SPARSE_ANATOMY), watch=watch, steps=6)
    (before, _), (after, weights) = masters[1], masters[2]
    grown = {name: after[name] & ~before[name] for name in after}
    assert sum(living(grown).values()) > 0
    assert all(bool((weights[name][grown[name]] == 0).all()) for name in grown)


class Checkpointer:
    """Keeps the last snapshot in memory, as a checkpoint on disk would."""

    def __init__(self):
        self.every, self.kept = 10**6, None

    def load(self):
        return self.kept

    def save(self, snapshot):
        snapshot.tensors = copies(snapshot.tensors)
        self.kept = snapshot


@KINDS
@EVERYWHERE
def test_stopped_after_any_step_and_resumed_the_bits_are_the_same(kind, use, tasks):
    by = kind(**use)
    whole, stopped, checkpointer = born(tasks, 0.4), born(tasks, 0.4), Checkpointer()
    _, trace = learn(whole, by, tasks, steps=8)
    for _ in range(7):
        with pytest.raises(Interrupted):
            learn(stopped, by, tasks, steps=8, checkpointer=checkpointer, should_stop=lambda: True)
        stopped = born(tasks, 0.4)
    _, resumed = learn(stopped, by, tasks, steps=8, checkpointer=checkpointer, should_stop=lambda: True)
    assert trace.points == resumed.points
    for group, tensors in whole.state().items():
        assert all(torch.equal(value, stopped.state()[group][name]) for name, value in tensors.items()), group


@pytest.mark.parametrize("start", ["magnitude", "random"])
def test_starts(start):
    subject = born(sparsity=0.3)
    masks = starting_masks(subject, RigL(sparsity=0.37, start=start), STREAMS)
    total = sum(living(subject.alive).values())
    assert sum(living(masks).values()) == total - round(0.37 * total)
    for name, mask in masks.items():
        alive, size = subject.alive[name], subject.synapses[name].data.abs()
        assert int(mask.sum()) == pytest.approx(0.63 * int(alive.sum()), abs=1)
        assert bool((mask <= alive).all())
        assert (size[alive & ~mask].max() <= size[mask].min()) == (start == "magnitude")


def test_set_draws_anew_at_every_update_and_repeats_itself_for_a_seed():
    masks = []
    for _ in range(2):
        subject = born(sparsity=0.4)
        learn(subject, SET(**FROZEN_ANATOMY))
        masks.append(subject.alive)
    assert all(torch.equal(masks[0][n], masks[1][n]) for n in masks[0])
    draws = [torch.rand(5, generator=STREAMS.torch("mask", step)) for step in (0, 3, 6)]
    assert not torch.equal(draws[0], draws[1]) and not torch.equal(draws[1], draws[2])


def test_the_static_control_moves_nothing_and_trains_at_every_step():
    subject = born(sparsity=0.4)
    plasticity, _ = learn(subject, RigL(**SPARSE_SKILL, drop=0.0))
    assert plasticity.report()["flips"] == plasticity.report()["turnover"] == 0
    assert plasticity.warnings() == []


def test_a_mask_learns_language_too():
    subject = born(())
    texts = [f"the cat {verb} the dog" for verb in ("sees", "likes", "hears", "finds")] * 8
    source = MaskedSource(texts, subject.tokenizer, length=32, batch_size=8, masking=0.3, streams=STREAMS)
    by = RigL(sparsity=0.5, every=2, weights=True)
    train(subject, by.attach(subject, (), 6, STREAMS), source, Recipe(6, 0.1, 1.0), STREAMS)
    assert sum(living(subject.language_mask).values()) == subject.count - round(0.5 * subject.count)


def test_what_cannot_rewire_warns():
    subject = born()
    late = RigL(sparsity=0.5, every=10).attach(subject, ONE, 12, STREAMS)
    assert "its first update would come at step 10, but updates end before step 9 of 12" in late.warnings()[0]
    late.settle()
    full = RigL(anatomy=True, every=2).attach(subject, ONE, 12, STREAMS)
    assert "no synapse is dead here" in full.warnings()[0]
    full.settle()
    plasticity = RigL(sparsity=0.5, every=2).attach(subject, ONE, 12, STREAMS)
    assert plasticity.warnings() == []
    plasticity.settle()


@given(st.integers(1, 500), st.floats(0.01, 1.0))
def test_the_drop_fraction_falls_from_drop_to_zero(end, drop):
    fractions = [drop_fraction(step, end, drop) for step in range(end + 1)]
    assert fractions == sorted(fractions, reverse=True)
    assert fractions[0] == drop and fractions[-1] == 0


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([RigL, SET]), st.floats(0.0, 0.9), st.integers(1, 4), st.floats(0.1, 1.0))
def test_counts_are_exact_whatever_the_recipe(kind, sparsity, every, drop):
    subject = born(sparsity=sparsity)
    start = living(subject.alive)
    learn(subject, kind(anatomy=True, every=every, drop=drop, until=1.0), steps=5)
    assert living(subject.alive) == start


@KINDS
def test_a_life_of_sparse_learning_ageing_and_rewiring(tmp_path, kind):
    events = (
        Learn(TASKS[0], by=kind(sparsity=0.5, weights=True, steps=6, every=2, rate=1e-3)),
        Learn(TASKS[1], by=Weights(steps=4)),
        Age(to=0.4, by=Magnitude()),
        Recover(steps=6, by=kind(anatomy=True, every=2)),
    )
    study = tiny_study(life=Scenario(name="x", subject=TINY, events=events))
    assert simulate(study, tmp_path).done == 1
    states = [Store(tmp_path / "store").load_state(s.digest)[1] for s in compile_study(study, precision="fp32").lives[0].steps]
    alive = [state["alive"] for state in states]
    assert living(alive[-1]) == living(alive[-2])
    assert any(not torch.equal(alive[-1][name], alive[-2][name]) for name in alive[-1])
    assert all(torch.equal(states[-1]["encoder"][n], states[-2]["encoder"][n]) for n in states[-1]["encoder"])


class _Killing(Plasticity):
    def __init__(self, subject, inner):
        self.subject, self.inner = subject, inner

    def groups(self):
        return self.inner.groups()

    def settle(self):
        self.inner.settle()
        next(iter(self.subject.alive.values()))[0, 0] ^= True


class Killing(Learner):
    """A learner that breaks the rule of recovery."""

    plasticity = "structure"
    moves_anatomy = True

    def attach(self, subject, tasks, steps, streams):
        return _Killing(subject, Weights().attach(subject, tasks, steps, streams))


def test_a_recovery_that_does_not_keep_the_count_is_refused(tmp_path):
    events = (Learn(TASKS[0], by=Weights(steps=2)), Recover(steps=2, by=Killing()))
    outcome = simulate(tiny_study(life=Scenario(name="x", subject=TINY, events=events)), tmp_path)
    assert outcome.failed == 1
    assert "it must keep their number" in (tmp_path / "participants.tsv").read_text()
    subject = born(sparsity=0.4)
    count = sum(living(subject.alive).values())
    checked_recovery(subject, count)
    with pytest.raises(LifespanError, match=rf"left {count} synapses alive where {count + 1} lived before"):
        checked_recovery(subject, count + 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RigL(anatomy=True, sparsity=0.5), r"RigL\(sparsity=0\.5\): is for a mask of the task's own.*Leave it out"),
        (lambda: SET(anatomy=True, start="random"), r"SET\(start='random'\): is for a mask of the task's own"),
        (lambda: RigL(anatomy="yes"), r"RigL\(anatomy='yes'\): is not known here\. Known: False, True"),
        (lambda: RigL(sparsity=1.0), r"must be a number in \[0, 1\)"),
        (lambda: RigL(start="magnitud"), r"Did you mean 'magnitude'\?"),
        (lambda: SET(every=0), r"SET\(every=0\): must be a whole number, at least 1"),
        (lambda: SET(until=75), r"For 75 percent write 0\.75"),
        (lambda: RigL(drop=-0.1), r"RigL\(drop=-0\.1\): must be a number in \[0, 1\]"),
        (lambda: RigL(anatomy=True).attach(born(), (), 9, STREAMS), r"only Recover may\. Write RigL\(sparsity=0\.5\)"),
        (lambda: SET().attach(born(TWO), TWO, 9, STREAMS), r"2 are learned here\. In Recover write SET\(anatomy=True\)"),
    ],
)
def test_mistakes_are_met(build, message):
    with pytest.raises(UserError, match=message):
        build()


def test_the_plasticity_says_what_moves():
    assert RigL().plasticity == SET().plasticity == Masks().plasticity == "structure"
    assert RigL(weights=True).plasticity == SET(weights=True).plasticity == "both"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@KINDS
@EVERYWHERE
def test_on_an_accelerator(kind, use, tasks):
    subject = Subject(TINY.build(Streams(0, "birth")), device="cuda")
    subject.alive = Magnitude().choose(subject, 0.4, STREAMS, ())
    for task in tasks:
        subject.skill_for(task, "weights", STREAMS)
    start = living(subject.alive)
    learn(subject, kind(**use), tasks, checkpointer=Checkpointer())
    assert living(subject.alive) == start
    assert all(mask.is_cuda for mask in subject.alive.values())
    assert torch.isfinite(batch_loss(subject, tasks[0].title, source_of(subject, tasks).at(0)[0].batch(0)))

"""Every way of learning a mask against a slow textbook version with autograd, and its invariants."""

import math

import pytest
import torch
from conftest import TASKS, TINY
from torch.nn.functional import cross_entropy

from lifespan import (
    BernoulliMasks,
    Both,
    Develop,
    FixedMask,
    Footprint,
    HeadOnly,
    LanguageMask,
    Learn,
    Lottery,
    Magnitude,
    Masks,
    MicroText,
    MovementMasks,
    Quantize,
    Random,
    Recover,
    Scenario,
    SignOnly,
    SkillMask,
    SoftMovementMasks,
    Study,
    TopKMasks,
    Weights,
    simulate,
)
from lifespan.contracts.checkpoint import Snapshot
from lifespan.errors import ScenarioError
from lifespan.learners._selection import Rule
from lifespan.learners._starts import random_ranks
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.record.store import Store
from lifespan.training.batches import task_source
from lifespan.training.loop import Recipe, train

STREAMS = Streams(3, "learn/test#0")
TASK = TASKS[0]
STEPS = 6


def born():
    subject = Subject(TINY.build(Streams(0, "birth")))
    subject.skill_for(TASK, "structure", STREAMS)
    return subject


def learn(subject, by, steps=STEPS, checkpointer=None):
    source = task_source(subject, TASK, length=128, batch_size=16, streams=STREAMS)
    plasticity = by.attach(subject, (TASK,), steps, STREAMS)
    train(subject, plasticity, source, Recipe(steps, by.warmup, by.clip), STREAMS, checkpointer=checkpointer)
    return plasticity


class Identity(torch.autograd.Function):
    """A binary mask forward, the identity backward: the straight-through estimator as papers write it."""

    @staticmethod
    def forward(context, score, mask):
        return mask.float()

    @staticmethod
    def backward(context, gradient):
        return gradient, None


def textbook(by, scores, gate, *, score_rate, weights=False, penalty=lambda scores: 0.0):
    """The same learning by autograd, functional_call and plain AdamW. `gate(step, scores)` gives boolean masks."""
    subject = born()
    head = subject.skills[TASK.title].head
    names = list(subject.synapses)
    own = {name: subject.synapses[name].data.clone().requires_grad_(weights) for name in names}
    others = {n: p for n, p in subject.encoder.named_parameters() if n not in own}
    scores = {name: scores[name].clone().requires_grad_() for name in names}
    source = task_source(subject, TASK, length=128, batch_size=16, streams=STREAMS)
    moving = [*own.values(), *others.values()] if weights else []
    groups = [{"params": list(scores.values()), "lr": score_rate, "weight_decay": 0.0}]
    for parameters, rate in ((list(head.parameters()), by.head_rate), (moving, by.rate)):
        groups.append({"params": [p for p in parameters if p.dim() > 1], "lr": rate, "weight_decay": by.weight_decay})
        groups.append({"params": [p for p in parameters if p.dim() == 1], "lr": rate, "weight_decay": 0.0})
    groups = [group for group in groups if group["params"]]
    optimizer = torch.optim.AdamW(groups)
    peaks = [group["lr"] for group in groups]
    recipe = Recipe(STEPS, by.warmup, by.clip)
    for step in range(STEPS):
        batch = source.batch(step)
        masks = gate(step, {name: score.detach() for name, score in scores.items()})
        effective = {name: own[name] * Identity.apply(scores[name], masks[name]) for name in names}
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        states = torch.func.functional_call(subject.encoder, {**others, **effective}, kwargs=inputs).last_hidden_state
        loss = cross_entropy(head(states[:, 0]), batch["labels"]) + penalty(scores)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], by.clip)
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * recipe.factor(step)
        optimizer.step()
    return {name: score.detach() for name, score in scores.items()}, {name: w.detach() for name, w in own.items()}, head


def agree(plasticity, scores, subject, head):
    for name, score in plasticity.scores.items():
        torch.testing.assert_close(score.data, scores[name], atol=3e-6, rtol=1e-4)
    mine = subject.skills[TASK.title].head
    torch.testing.assert_close(mine.output.weight, head.output.weight, atol=2e-6, rtol=1e-4)


def zeros():
    return {name: torch.zeros_like(weight.data) for name, weight in born().synapses.items()}


def test_bernoulli_masks_equal_the_textbook():
    by = BernoulliMasks(rate=0.5, sparsity=0.2)
    start = {}
    for name, weight in born().synapses.items():
        order = weight.data.abs().flatten().argsort(stable=True).argsort(stable=True).reshape(weight.shape)
        start[name] = torch.where((order + 0.5) / weight.numel() > 0.2, 3.0, -3.0)

    def gate(step, scores):
        generator = STREAMS.torch("mask", step)
        return {name: torch.rand(score.shape, generator=generator) < score.sigmoid() for name, score in scores.items()}

    subject = born()
    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    plasticity = learn(subject, by)
    scores, _, head = textbook(by, start, gate, score_rate=by.rate)
    agree(plasticity, scores, subject, head)
    mask = subject.skills[TASK.title].mask
    assert all(torch.equal(mask[name], plasticity.scores[name].data > 0) for name in mask)
    assert all(torch.equal(before[name], weight.data) for name, weight in subject.synapses.items())


def test_topk_masks_equal_the_textbook_edge_popup():
    by = TopKMasks(rate=5e-3, sparsity=0.4, refresh=1)
    subject = born()
    start = {name: by.spread * rank for name, rank in random_ranks(subject, STREAMS).items()}

    def gate(step, scores):
        masks = {}
        for name, score in scores.items():
            best = score.abs().flatten().sort(stable=True).indices[round(0.4 * score.numel()) :]
            masks[name] = torch.zeros(score.numel(), dtype=torch.bool).index_fill(0, best, True).reshape(score.shape)
        return masks

    # The paper differentiates abs(score): where a score is negative, its gradient turns.
    class Signed(torch.autograd.Function):
        @staticmethod
        def forward(context, score, mask):
            context.save_for_backward(score)
            return mask.float()

        @staticmethod
        def backward(context, gradient):
            return gradient * context.saved_tensors[0].sign(), None

    plasticity = learn(subject, by)
    original, Identity.apply = Identity.apply, Signed.apply
    try:
        scores, _, head = textbook(by, start, gate, score_rate=by.rate)
    finally:
        Identity.apply = original
    agree(plasticity, scores, subject, head)
    for mask in subject.skills[TASK.title].mask.values():
        assert int((~mask).sum()) == round(0.4 * mask.numel())
    assert plasticity.report()["flips"] > 0


@pytest.mark.parametrize("weights", [True, False])
def test_movement_masks_equal_the_textbook(weights):
    by = MovementMasks(rate=1e-3, sparsity=0.6, weights=weights, refresh=1, begin=0.2, end=0.8)
    subject = born()
    count = subject.count

    def gate(step, scores):
        passed = min(1.0, max(0.0, (step / STEPS - 0.2) / 0.6))
        fraction = 0.6 * (1 - (1 - passed) ** 3)
        flat = torch.cat([score.flatten() for score in scores.values()])
        dead = round(fraction * count)
        cut = flat.sort().values[dead - 1] if dead else -math.inf
        return {name: score > cut for name, score in scores.items()}

    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    plasticity = learn(subject, by)
    scores, own, head = textbook(by, zeros(), gate, score_rate=by.score_rate, weights=weights)
    agree(plasticity, scores, subject, head)
    mask = subject.skills[TASK.title].mask
    assert sum(int((~m).sum()) for m in mask.values()) == round(0.6 * count)
    for name, weight in subject.synapses.items():
        torch.testing.assert_close(weight.data, own[name], atol=3e-6, rtol=1e-4)
        assert torch.equal(weight.data, before[name]) != weights


def test_movement_scores_fall_for_weights_that_move_towards_zero():
    subject = born()
    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    plasticity = learn(subject, MovementMasks(rate=1e-3, sparsity=0.0, score_rate=1e-3))
    agreeing = total = 0
    for name, score in plasticity.scores.items():
        towards = (subject.synapses[name].data.abs() < before[name].abs()) == (score.data < 0)
        agreeing, total = agreeing + int(towards.sum()), total + towards.numel()
    assert agreeing / total > 0.8


def test_soft_movement_masks_equal_the_textbook():
    by = SoftMovementMasks(rate=1e-3, price=50.0, score_rate=1.0)
    subject = born()
    cut = math.log(0.1 / 0.9)

    def penalty(scores):
        return 50.0 * torch.cat([score.flatten() for score in scores.values()]).sigmoid().mean()

    plasticity = learn(subject, by)
    scores, own, head = textbook(
        by, zeros(), lambda _, s: {n: v > cut for n, v in s.items()}, score_rate=1.0, weights=True, penalty=penalty
    )
    for name, score in plasticity.scores.items():
        torch.testing.assert_close(score.data, scores[name], atol=2e-3, rtol=1e-3)
        torch.testing.assert_close(subject.synapses[name].data, own[name], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(subject.skills[TASK.title].head.output.weight, head.output.weight, atol=1e-5, rtol=1e-3)
    assert plasticity.report()["sparsity"] > 0


def test_a_higher_price_leaves_fewer_synapses():
    sparsities = []
    for price in (0.0, 0.001, 0.01):
        plasticity = learn(born(), SoftMovementMasks(price=price, score_rate=0.8))
        sparsities.append(plasticity.report()["sparsity"])
    assert sparsities[0] < sparsities[1] < sparsities[2]


@pytest.mark.parametrize("pruner", [Random(), Magnitude()])
@pytest.mark.parametrize("weights", [False, True])
def test_a_fixed_mask_stays_what_the_pruner_chose(pruner, weights):
    subject = born()
    chosen = pruner.choose(subject, 0.3, STREAMS, ())
    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    learn(subject, FixedMask(by=pruner, sparsity=0.3, weights=weights, rate=1e-2))
    skill = subject.skills[TASK.title]
    for name, weight in subject.synapses.items():
        assert torch.equal(skill.mask[name], chosen[name])
        assert torch.equal(weight.data[~chosen[name]], before[name][~chosen[name]])
        assert torch.equal(weight.data[chosen[name]], before[name][chosen[name]]) != weights


def test_a_fixed_mask_counts_among_the_living():
    subject = born()
    subject.alive = Magnitude().choose(subject, 0.5, STREAMS, ())
    learn(subject, FixedMask(sparsity=0.4), steps=1)
    mask = subject.skills[TASK.title].mask
    assert sum(int((~m).sum()) for m in mask.values()) == round(0.7 * subject.count)
    assert all(bool((mask[name] <= subject.alive[name]).all()) for name in mask)


def test_a_fixed_mask_at_no_sparsity_is_the_head_alone():
    one, two = born(), born()
    learn(one, FixedMask(sparsity=0.0, head_rate=5e-4))
    learn(two, HeadOnly(head_rate=5e-4))
    for mine, other in zip(one.skills[TASK.title].head.parameters(), two.skills[TASK.title].head.parameters(), strict=True):
        assert torch.equal(mine, other)


class Halfway:
    """Keeps the state after three steps, and offers it to the next run."""

    every = 3

    def __init__(self):
        self.kept = None

    def load(self):
        return self.kept

    def save(self, snapshot):
        self.kept = Snapshot({n: v.clone() for n, v in snapshot.tensors.items()}, dict(snapshot.facts))


@pytest.mark.parametrize(
    "by",
    [
        BernoulliMasks(rate=0.5),
        TopKMasks(rate=5e-3),
        MovementMasks(rate=1e-3, refresh=2),
        MovementMasks(rate=1e-3, refresh=2, weights=False),
        SoftMovementMasks(score_rate=0.8),
        FixedMask(weights=True, rate=1e-3),
        FixedMask(),
    ],
    ids=lambda by: type(by).__name__ + str(getattr(by, "weights", "")),
)
def test_resumed_learning_ends_with_the_same_bits(by):
    checkpointer = Halfway()
    through, resumed = born(), born()
    learn(through, by, checkpointer=checkpointer)
    assert checkpointer.kept is not None
    learn(resumed, by, checkpointer=checkpointer)
    one, two = through.state(), resumed.state()
    assert one.keys() == two.keys()
    for group in one:
        assert all(torch.equal(one[group][name], two[group][name]) for name in one[group]), group


def test_a_language_mask_is_learned_kept_and_transferred(tmp_path):
    life = Scenario(
        name="transfer",
        subject=TINY,
        events=(
            Develop(MicroText(number=300), steps=12, batch_size=16, rate=1e-2, by=Masks(target=0.4, refresh=2)),
            Learn(TASK, by=FixedMask(by=LanguageMask(), sparsity=0.4, steps=3)),
        ),
    )
    simulate(Study(name="transfer", groups={"one": life}), tmp_path)
    store = Store(tmp_path / "store")
    states = [store.load_state(folder.parent.name)[1] for folder in (tmp_path / "store").glob("*/node.json")]
    last = next(state for state in states if f"skill/{TASK.title}" in state)
    language = last["language_mask"]
    count = sum(mask.numel() for mask in language.values())
    assert sum(int((~mask).sum()) for mask in language.values()) == round(0.4 * count)
    assert all(torch.equal(mask, last[f"skill/{TASK.title}"][name]) for name, mask in language.items())


def test_a_language_mask_has_to_be_learned_first():
    with pytest.raises(ScenarioError, match=r"LanguageMask\(\): no mask was learned on masked-language modelling"):
        LanguageMask().choose(born(), 0.4, STREAMS, ())


def test_a_language_mask_gives_way_to_another_sparsity_by_magnitude():
    subject = born()
    subject.language_mask = Random().choose(subject, 0.4, STREAMS, ())
    sparser, denser = (LanguageMask().choose(subject, sparsity, STREAMS, ()) for sparsity in (0.7, 0.1))
    for name, mask in subject.language_mask.items():
        assert bool((sparser[name] <= mask).all()) and bool((mask <= denser[name]).all())


def test_a_subnetwork_moves_to_another_task():
    subject = born()
    subject.skill_for(TASK, "structure", STREAMS).mask = Random().choose(subject, 0.4, STREAMS, ())
    moved = SkillMask(TASK).choose(subject, 0.4, STREAMS, ())
    assert all(torch.equal(mask, moved[name]) for name, mask in subject.skills[TASK.title].mask.items())


def test_a_subnetwork_is_learned_once_more_with_other_weights():
    subject = born()
    old = Random().choose(subject, 0.4, STREAMS, ())
    subject.skill_for(TASK, "structure", STREAMS).mask = old
    FixedMask(by=SkillMask(TASK), sparsity=0.4, weights=True, steps=1).attach(subject, (TASK,), 1, STREAMS).settle()
    assert all(torch.equal(mask, old[name]) for name, mask in subject.skills[TASK.title].mask.items())


def test_a_subnetwork_has_to_be_learned_first():
    subject, other = born(), TASKS[1]
    with pytest.raises(ScenarioError, match=r"SkillMask\(.*\): this task left no mask behind. Put a Learn\("):
        SkillMask(TASK).choose(subject, 0.4, STREAMS, ())
    subject.skill_for(TASK, "structure", STREAMS).mask = Random().choose(subject, 0.4, STREAMS, ())
    with pytest.raises(ScenarioError, match=TASK.title):
        SkillMask(other).choose(subject, 0.4, STREAMS, ())


def test_the_cubic_schedule_by_hand():
    rule = Rule(target=0.8, end=0.5)
    assert rule.fraction_at(0, 10) == 0.0
    assert rule.fraction_at(2, 10) == pytest.approx(0.8 * (1 - 0.6**3))
    assert rule.fraction_at(5, 10) == rule.fraction_at(9, 10) == 0.8


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: TopKMasks(scope="row"), "scope"),
        (lambda: MovementMasks(begin=0.5, end=0.4), "must be above begin=0.5"),
        (lambda: SoftMovementMasks(threshold=0.5), "between 0 and 0.5"),
        (lambda: BernoulliMasks(confidence=0), "confidence"),
        (lambda: FixedMask(by=0.5), "by"),
        (lambda: FixedMask(sparsity=1.0), "sparsity"),
    ],
)
def test_wrong_recipes_are_refused(wrong, message):
    with pytest.raises(ScenarioError, match=message):
        wrong()


def test_the_footprint_by_hand():
    subject = born()
    mask = Magnitude(scope="layer").choose(subject, 0.25, STREAMS, ())
    first = next(iter(mask))
    on, off = mask[first].flatten().nonzero()[0], (~mask[first]).flatten().nonzero()[0]
    mask[first].view(-1)[on], mask[first].view(-1)[off] = False, True
    subject.skills[TASK.title].mask = mask
    found = {reading.metric: reading.value for reading in Footprint().read(subject, {TASK.title: TASK}, STREAMS)}
    p = 2 / mask[first].numel()
    bits = mask[first].numel() * (-p * math.log2(p) - (1 - p) * math.log2(1 - p))
    head = 4 * sum(parameter.numel() for parameter in subject.skills[TASK.title].head.parameters())
    assert found["from_magnitude"] == 2 / subject.count
    assert found["mask_bytes"] == pytest.approx(bits / 8)
    assert found["bytes"] == pytest.approx(head + bits / 8)
    subject.skills[TASK.title].plasticity = "weights"
    encoder = 4 * sum(parameter.numel() for parameter in subject.encoder.parameters())
    whole = next(iter(Footprint().read(subject, {TASK.title: TASK}, STREAMS)))
    assert whole.value == pytest.approx(head + encoder + bits / 8)


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_topk_masks_hold_their_sparsity_from_the_first_step(scope):
    plasticity = TopKMasks(sparsity=0.5, scope=scope).attach(born(), (TASK,), STEPS, STREAMS)
    assert plasticity.report()["sparsity"] == pytest.approx(0.5, abs=1e-3)
    assert plasticity.report()["flips"] == 0
    plasticity.settle()


def test_masks_that_select_the_best_hold_their_target_from_the_first_step():
    plasticity = Masks(select="topk", sparsity=0.05, target=0.5).attach(born(), (TASK,), STEPS, STREAMS)
    assert plasticity.report()["sparsity"] == pytest.approx(0.5, abs=1e-3)
    plasticity.settle()


def test_a_fixed_mask_on_language_is_the_languages():
    subject = born()
    plasticity = FixedMask(sparsity=0.3).attach(subject, (), 1, STREAMS)
    plasticity.settle()
    assert sum(int((~m).sum()) for m in subject.language_mask.values()) == round(0.3 * subject.count)


def test_a_head_re_tuned_on_moved_weights_still_needs_them():
    subject = born()
    learn(subject, Weights(steps=2, rate=1e-3))
    subject.skill_for(TASK, "head", STREAMS)
    learn(subject, HeadOnly())
    found = {reading.metric: reading.value for reading in Footprint().read(subject, {TASK.title: TASK}, STREAMS)}
    assert found["bytes"] > 4 * sum(parameter.numel() for parameter in subject.encoder.parameters())


def blocks(mask):
    """The largest share of one row of a matrix that is off, over all matrices with at least 16 columns."""
    return max(float((~part).float().mean(dim=1).max()) for part in mask.values())


@pytest.mark.parametrize(
    "by", [BernoulliMasks(sparsity=0.25), Masks(sparsity=0.25), TopKMasks(sparsity=0.25, start="magnitude")]
)
def test_equal_weights_do_not_die_as_blocks_when_tasks_are_learned(by):
    subject = born()
    Quantize.to_bits(1).strike(subject, STREAMS)
    plasticity = by.attach(subject, (TASK,), STEPS, STREAMS)
    assert blocks(plasticity.masks()) < 0.8
    plasticity.settle()


@pytest.mark.parametrize("pruner", [Magnitude(), Magnitude(scope="layer"), Magnitude(scope="row")])
def test_equal_weights_do_not_die_as_blocks_when_synapses_die(pruner):
    subject = born()
    SignOnly(severity=1.0, constant="shared").strike(subject, STREAMS)
    masks = pruner.choose(subject, 0.5, STREAMS, ())
    assert sum(int((~m).sum()) for m in masks.values()) == round(0.5 * subject.count)
    assert blocks(masks) < 1
    for mask in masks.values():
        assert float((~mask).float().mean()) == pytest.approx(0.5, abs=0.15)
        assert float((~mask).float().mean(dim=0).max()) < 1


@pytest.mark.parametrize("by", [Masks(), FixedMask(), MovementMasks(), Lottery(), Both()])
def test_recover_refuses_one_mask_for_all(by):
    with pytest.raises(ScenarioError, match="would give all tasks learned so far one mask"):
        Recover(steps=8, by=by)
    assert Recover(steps=8, by=HeadOnly()).by and Recover(steps=8, by=Weights()).by

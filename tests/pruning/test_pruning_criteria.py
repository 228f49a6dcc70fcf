"""Criteria of pruners against slow textbook versions; what they ask leaves no trace in the subject."""

import random

import numpy as np
import pytest
import torch
from conftest import TASKS
from torch.nn.functional import cross_entropy

from lifespan import (
    Age,
    ClassHead,
    Fisher,
    GradientSaliency,
    Learn,
    Masks,
    Micro,
    MicroTask,
    Movement,
    NofM,
    Random,
    Scenario,
    Study,
    Wanda,
    simulate,
)
from lifespan.errors import Diverged, ScenarioError
from lifespan.model.forward import seeded
from lifespan.model.subject import Subject
from lifespan.pruning._task_batches import task_batches
from lifespan.pruning.selection import weakest
from lifespan.pruning.window import untouched
from lifespan.randomness import Streams
from lifespan.training.loop import Recipe

STREAMS = Streams(5, "age#0")
ASKING = [
    GradientSaliency(batches=3, batch_size=8),
    Fisher(examples=5),
    Movement(steps=3, batch_size=8, rate=1e-2),
    Wanda(batches=3, batch_size=8),
]
asking = pytest.mark.parametrize("pruner", ASKING, ids=lambda pruner: type(pruner).__name__)


def grown(dropout=0.0):
    """A subject with dead synapses and two skills, of which one has a mask of its own."""
    origin = Micro(layers=1, width=16, heads=2, feed_forward=32, dropout=dropout)
    subject = Subject(origin.build(Streams(0, "birth")))
    draw = torch.Generator().manual_seed(0)
    for task in TASKS:
        head = subject.skill_for(task, "weights", Streams(0, task.title)).head
        head.output.weight.data.normal_(generator=draw)
    subject.alive = Random().choose(subject, 0.2, STREAMS, ())
    own = {name: torch.rand(mask.shape, generator=draw) < 0.8 for name, mask in subject.alive.items()}
    subject.skills[TASKS[1].title].mask = own
    return subject


def batches(subject, number, size):
    return list(task_batches(subject, TASKS, batches=number, batch_size=size, streams=STREAMS, who="test"))


def textbook_loss(subject, task, batch, weights):
    """The task's mean loss with these matrices, times alive and skill, in place of the subject's."""
    skill = subject.skills[task]
    effective = {name: weight * subject.alive[name] for name, weight in weights.items()}
    if skill.mask is not None:
        effective = {name: weight * skill.mask[name] for name, weight in effective.items()}
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    states = torch.func.functional_call(subject.encoder, effective, kwargs=inputs).last_hidden_state
    return cross_entropy(skill.head(states[:, 0]), batch["labels"])


def gated_gradients(subject, task, batch):
    """dL/dc of a gate c = 1 on every synapse."""
    gates = {name: torch.ones_like(w.data, requires_grad=True) for name, w in subject.synapses.items()}
    loss = textbook_loss(subject, task, batch, {name: gates[name] * w.data for name, w in subject.synapses.items()})
    return loss, dict(zip(gates, torch.autograd.grad(loss, list(gates.values())), strict=True))


def assert_close(found, expected):
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert float(value.abs().max()) > 0
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5 * float(value.abs().max()))


def test_gradient_saliency_is_the_absolute_derivative_of_the_mean_loss_by_a_gate():
    subject = grown()
    total = {name: torch.zeros_like(w.data) for name, w in subject.synapses.items()}
    for task, batch in batches(subject, 3, 8):
        for name, gradient in gated_gradients(subject, task, batch)[1].items():
            total[name] += gradient / 3
    strength = GradientSaliency(batches=3, batch_size=8).strength(subject, STREAMS, TASKS)
    assert_close(strength, {name: value.abs() for name, value in total.items()})


def test_gradient_saliency_predicts_what_a_small_loss_of_one_synapse_costs():
    subject = grown()
    subject.encoder.double()
    for skill in subject.skills.values():
        skill.head.double()
    given = batches(subject, 2, 8)
    strength = GradientSaliency(batches=2, batch_size=8).strength(subject, STREAMS, TASKS)
    name, values = max(strength.items(), key=lambda item: float(item[1].max()))
    weights = {name: w.data for name, w in subject.synapses.items()}
    less = weights[name].clone()
    less.view(-1)[values.argmax()] *= 1 - 1e-5
    before, after = (
        sum(textbook_loss(subject, task, batch, weights | changed).item() for task, batch in given) / 2
        for changed in ({}, {name: less})
    )
    assert abs(after - before) == pytest.approx(1e-5 * float(values.max()), rel=1e-3)


def test_fisher_is_half_the_mean_square_of_single_examples():
    subject = grown()
    total = {name: torch.zeros_like(w.data) for name, w in subject.synapses.items()}
    for task, batch in batches(subject, 5, 1):
        for name, gradient in gated_gradients(subject, task, batch)[1].items():
            total[name] += 0.5 * gradient**2 / 5
    assert_close(Fisher(examples=5).strength(subject, STREAMS, TASKS), total)


def textbook_movement(by, dropout):
    """Equation 4 along a fine-tuning by hand-written Adam through autograd."""
    subject = grown(dropout)
    given = batches(subject, by.steps, by.batch_size)
    synapses = {name: w.data.clone().requires_grad_() for name, w in subject.synapses.items()}
    own = {id(w) for w in subject.synapses.values()}
    others = [p for p in subject.encoder.parameters() if id(p) not in own]
    moving = [*synapses.values(), *others, *(p for s in subject.skills.values() for p in s.head.parameters())]
    first, second, times = ([0.0] * len(moving) for _ in range(3))
    scores = {name: torch.zeros_like(w) for name, w in synapses.items()}
    subject.encoder.train()
    for skill in subject.skills.values():
        skill.head.train()
    for step, (task, batch) in enumerate(given):
        rate = by.rate * Recipe(by.steps, 0.1, 1.0).factor(step)
        with seeded(STREAMS.number("dropout/window", step), torch.device("cpu")):
            loss = textbook_loss(subject, task, batch, synapses)
        gradients = torch.autograd.grad(loss, moving, allow_unused=True)
        for (name, weight), gradient in zip(synapses.items(), gradients, strict=False):
            scores[name] -= rate * gradient * weight.detach()
        norm = torch.stack([g.norm() for g in gradients if g is not None]).norm()
        with torch.no_grad():
            for i, (parameter, gradient) in enumerate(zip(moving, gradients, strict=True)):
                if gradient is None:
                    continue
                gradient = gradient / max(1.0, float(norm) + 1e-6)
                times[i] += 1
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * gradient**2
                mean, square = first[i] / (1 - 0.9 ** times[i]), second[i] / (1 - 0.999 ** times[i])
                parameter -= rate * mean / (square.sqrt() + 1e-8)
    return scores


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_movement_is_summed_along_a_window_of_fine_tuning(dropout):
    by = Movement(steps=6, batch_size=8, rate=3e-3)
    scores = by.strength(grown(dropout), STREAMS, TASKS)
    assert_close(scores, textbook_movement(by, dropout))
    assert any(bool((score > 0).any()) and bool((score < 0).any()) for score in scores.values())


def test_wanda_is_magnitude_times_the_norm_of_the_input_over_real_tokens():
    subject = grown()
    squares = {name: torch.zeros_like(w.data) for name, w in subject.synapses.items()}
    padded = 0
    for task, batch in batches(subject, 4, 8):
        mask = subject.effective(task)
        weights = {name: w.data * mask[name] for name, w in subject.synapses.items()}
        for row in range(8):
            length = int(batch["attention_mask"][row].sum())
            padded += batch["attention_mask"].shape[1] - length
            alone = {name: value[row : row + 1, :length] for name, value in batch.items() if name != "labels"}
            for name, states in layer_inputs(subject, weights, alone).items():
                squares[name] += weights[name] ** 2 * states.square().sum(dim=0)
    assert padded > 0
    assert_close(
        Wanda(batches=4, batch_size=8).strength(subject, STREAMS, TASKS),
        {name: value.sqrt() for name, value in squares.items()},
    )


def layer_inputs(subject, weights, inputs):
    """The inputs of every synapse matrix, computed along the formulas of a BERT layer for one text without padding."""
    layer = subject.encoder.encoder.layer[0]
    part = {name.removeprefix("encoder.layer.0.").removesuffix(".weight"): w for name, w in weights.items()}

    def linear(path, states):
        return states @ part[path].T + layer.get_submodule(path).bias

    with torch.no_grad():
        states = subject.encoder.embeddings(input_ids=inputs["input_ids"], token_type_ids=inputs["token_type_ids"])[0]
        found = dict.fromkeys((f"attention.self.{name}" for name in ("query", "key", "value")), states)
        query, key, value = (linear(path, states).view(-1, 2, 8).transpose(0, 1) for path in found)
        mixed = torch.softmax(query @ key.transpose(1, 2) / 8**0.5, dim=-1) @ value
        found["attention.output.dense"] = mixed.transpose(0, 1).reshape(-1, 16)
        output = linear("attention.output.dense", found["attention.output.dense"])
        found["intermediate.dense"] = layer.attention.output.LayerNorm(output + states)
        wide = linear("intermediate.dense", found["intermediate.dense"])
        found["output.dense"] = torch.nn.functional.gelu(wide)
    return {f"encoder.layer.0.{name}.weight": value for name, value in found.items()}


def test_wanda_ranks_within_rows_by_default():
    subject = grown()
    strength = Wanda(batches=2).strength(subject, STREAMS, TASKS)
    for name, mask in Wanda(batches=2).choose(subject, 0.6, STREAMS, TASKS).items():
        for row, (kept, value) in enumerate(zip(mask, strength[name], strict=True)):
            assert abs(int((~kept).sum()) - 0.6 * len(kept)) < 1
            assert value[subject.alive[name][row] & ~kept].max() <= value[kept].min()


@pytest.mark.parametrize(("keep", "of"), [(2, 4), (1, 4), (4, 8), (1, 2)])
def test_n_of_m_keeps_the_largest_of_every_group(keep, of):
    subject = grown()
    masks = NofM(keep=keep, of=of).choose(subject, 1 - keep / of, STREAMS, ())
    for name, weight in subject.synapses.items():
        for row, size in enumerate(weight.data.abs()):
            for start in range(0, len(size), of):
                living = [i for i in range(start, start + of) if subject.alive[name][row, i]]
                kept = sorted(living, key=lambda i: float(size[i]))[-keep:]
                assert masks[name][row, start : start + of].nonzero().flatten().tolist() == sorted(i - start for i in kept)


def test_n_of_m_meets_its_sparsity_where_nothing_was_dead():
    subject = grown()
    subject.alive = {name: torch.ones_like(mask) for name, mask in subject.alive.items()}
    masks = NofM(keep=1, of=4).choose(subject, 0.75, STREAMS, ())
    assert sum(int((~mask).sum()) for mask in masks.values()) == 0.75 * subject.count
    assert NofM.exact is False


def test_n_of_m_refuses_another_sparsity_and_inputs_that_do_not_divide():
    with pytest.raises(ScenarioError, match=r"NofM\(\): keeps 2 of 4, which fixes the sparsity at 0\.5, not 0\.4\. Write Age"):
        NofM().choose(grown(), 0.4, STREAMS, ())
    with pytest.raises(ScenarioError, match=r"query\.weight has 16 inputs, no multiple of 3\."):
        NofM(keep=1, of=3).choose(grown(), 2 / 3, STREAMS, ())
    with pytest.raises(ScenarioError, match=r"NofM\(keep=4\): must be below of=4"):
        NofM(keep=4)


@asking
def test_a_subject_that_learned_nothing_cannot_be_asked(pruner):
    with pytest.raises(ScenarioError, match=r"\): needs a task learned before, and there is none\. Put a Learn before it"):
        pruner.choose(grown(), 0.5, STREAMS, ())


@asking
def test_asking_changes_nothing_in_the_subject(pruner):
    subject = grown(dropout=0.3)
    bias = subject.encoder.encoder.layer[0].output.dense.bias
    bias.requires_grad_(False)
    next(iter(subject.synapses.values())).grad = torch.ones(16, 16)
    subject.skills[TASKS[0].title].head.dense.train()  # a layer without dropout, so that nothing is drawn
    before, tensors = everything(subject)
    pruner.choose(subject, 0.5, STREAMS, TASKS)
    after, same = everything(subject)
    assert before == after
    assert all(one is two or one.data_ptr() == two.data_ptr() for one, two in zip(tensors, same, strict=True))


def everything(subject):
    """All state as bytes, flags and draws; and the tensors that carry it."""
    roots = [subject.encoder, subject.language, *(skill.head for skill in subject.skills.values())]
    parameters = [p for root in roots for p in root.parameters()]
    tensors = [*parameters, *(b for root in roots for b in root.buffers()), *subject.alive.values()]
    tensors += [mask for skill in subject.skills.values() for mask in (skill.mask or {}).values()]
    facts = [tensor.detach().numpy().tobytes() for tensor in tensors]
    facts += [(p.requires_grad, None if p.grad is None else p.grad.numpy().tobytes()) for p in parameters]
    facts += [module.training for root in roots for module in root.modules()]
    facts += [len(module._forward_pre_hooks) for root in roots for module in root.modules()]
    draws = (torch.get_rng_state().numpy().tobytes(), str(np.random.get_state()), random.getstate())
    return [facts, subject.facts(), draws], [tensor.data for tensor in tensors]


@asking
def test_asking_again_says_the_same_and_another_seed_asks_other_examples(pruner):
    subject = grown(dropout=0.3)
    first, again = (pruner.strength(subject, STREAMS, TASKS) for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = pruner.strength(subject, Streams(6, "age#0"), TASKS)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_window_that_breaks_is_closed_too():
    subject = grown()
    before, _ = everything(subject)
    with pytest.raises(KeyError), untouched(subject):
        for parameter in subject.encoder.parameters():
            parameter.data.add_(1.0)
            parameter.requires_grad_(False)
        raise KeyError
    with pytest.raises(Diverged, match=r"at step \d of 5 that Movement\(steps=5, rate=1e\+30\) trains ahead"):
        Movement(steps=5, rate=1e30).choose(subject, 0.5, STREAMS, TASKS)
    assert everything(subject)[0] == before


def test_scores_are_asked_by_squared_error():
    subject, task = grown(), MicroTask("similarity", train_examples=48)
    subject.skill_for(task, "weights", STREAMS)
    for pruner in ASKING:
        assert all(bool(torch.isfinite(value).all()) for value in pruner.strength(subject, STREAMS, (task,)).values())


def test_arguments_are_checked():
    with pytest.raises(ScenarioError, match=r"Wanda\(scope='rows'\): is not known here\. Did you mean 'row'\?"):
        Wanda(scope="rows")
    for wrong in (
        lambda: GradientSaliency(batches=0),
        lambda: GradientSaliency(batch_size=0),
        lambda: Fisher(examples=0),
        lambda: Movement(steps=0),
        lambda: Wanda(batches=0),
        lambda: NofM(keep=0),
    ):
        with pytest.raises(ScenarioError, match="must be a whole number, at least 1"):
            wrong()
    with pytest.raises(ScenarioError, match=r"Movement\(rate=0\): must be a number above 0"):
        Movement(rate=0)


def test_a_life_is_aged_by_every_criterion(tmp_path):
    ages = [Age(to=0.1 * (i + 1), by=pruner) for i, pruner in enumerate(ASKING)]
    life = Scenario(
        name="aged",
        subject=Micro(layers=1, width=16, heads=2, feed_forward=32, dropout=0.1),
        events=(Learn(TASKS[0], by=Masks(steps=2, rate=5e-3)), *ages, Age(to=0.5, by=NofM())),
    )
    assert simulate(Study(name="aged", groups={"aged": life}), tmp_path).done == 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scope", ["layer", "global"])
def test_selection_by_magnitude_equals_that_of_nncf(scope):
    """Its global mode divides every matrix by its norm before it ranks them; its local mode ranks plain magnitudes."""
    nncf = pytest.importorskip("nncf")
    torch.manual_seed(0)
    model = ClassHead(count=8).module(12, 0.0)
    size = {"dense": model.dense.weight.data.abs(), "output": model.output.weight.data.abs()}
    if scope == "global":
        size = {name: value / value.norm() for name, value in size.items()}
    masks = weakest(size, {name: torch.ones_like(value, dtype=torch.bool) for name, value in size.items()}, 0.3, scope=scope)
    mode = nncf.PruneMode[f"UNSTRUCTURED_MAGNITUDE_{'GLOBAL' if scope == 'global' else 'LOCAL'}"]
    state = nncf.prune(model, mode, ratio=0.3, examples_inputs=torch.randn(2, 12)).state_dict()
    for name, mask in masks.items():
        (theirs,) = (value for key, value in state.items() if key.endswith("binary_mask") and f".{name}:weight" in key)
        assert torch.equal(mask, theirs.bool())


def test_every_task_is_asked_where_batches_are_fewer(monkeypatch):
    """Nine tasks and two batches: the last seven would have no say."""

    class Source:
        def batch(self, number):
            return number

    monkeypatch.setattr("lifespan.pruning._task_batches.task_source", lambda *_, **__: Source())
    tasks = [MicroTask(name) for name in ("sentiment", "entailment", "acceptability")]
    streams = Streams(0, "age")

    def met(batches):
        return [title for title, _ in task_batches(None, tasks, batches=batches, batch_size=1, streams=streams, who="x")]

    assert met(1) == [task.title for task in tasks]
    assert met(4) == [*(task.title for task in tasks), tasks[0].title]

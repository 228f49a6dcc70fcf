"""Disorders of noise and neuromodulation: health at severity 0, slow versions, doses, hooks that leave no trace."""

from dataclasses import dataclass, replace

import pytest
import torch
from architectures import KINDS, sentences, states
from architectures import born as born_as
from conftest import TASKS, TINY, weights
from small_lives import born, lived, same

from lifespan import (
    ActivationNoise,
    Develop,
    FailingSynapses,
    GainReduction,
    Learn,
    MicroText,
    Probe,
    Score,
    Suffer,
    TokenBlur,
    VocabularyLoss,
    Weights,
    WordOrderShuffle,
)
from lifespan.contracts import Measure, Reading
from lifespan.errors import ScenarioError
from lifespan.model.subject import layer_of
from lifespan.randomness import Streams
from lifespan.training.batches import task_source
from lifespan.training.evaluation import task_logits
from lifespan.training.loop import ActiveHooks, Interrupted, Recipe, train

STREAMS = Streams(3, "suffer/test#0/learn")
NOISE = [ActivationNoise(), FailingSynapses(), GainReduction(), GainReduction(at="neurons"), GainReduction(at="attention")]
DRAWN = NOISE[:2]
IDS = {"ids": lambda disorder: disorder.describe()}


def hooks_of(encoder):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in encoder.modules())


def disturbed(subject, disorder, step=0, streams=STREAMS):
    with disorder.activations(subject, streams, step):
        return states(subject.encoder)


@pytest.mark.parametrize("disorder", NOISE, **IDS)
def test_severity_zero_is_health_bit_for_bit_and_a_larger_one_is_not(disorder):
    events = [Develop(MicroText(number=100), steps=2, batch_size=8), Learn(TASKS[0], by=weights(2)), Probe(Score())]
    healthy, scores = lived(*events)
    same_life, same_scores = lived(Suffer(disorder.healthy()), *events)
    assert same(healthy, same_life)
    assert [s[1:] for s in scores] == [s[1:] for s in same_scores]
    ill, _ = lived(Suffer(disorder), *events)
    assert not same(healthy, ill)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("disorder", NOISE, **IDS)
def test_every_architecture_is_disturbed_and_healthy_afterwards(kind, disorder):
    subject = born_as(kind)
    before = states(subject.encoder)
    assert not torch.allclose(disturbed(subject, disorder), before, atol=1e-5)
    assert hooks_of(subject.encoder) == 0
    assert torch.equal(states(subject.encoder), before)


@pytest.mark.parametrize("disorder", NOISE, **IDS)
def test_hooks_are_lifted_after_an_error(disorder):
    subject = born()
    with pytest.raises(RuntimeError, match="halfway"), disorder.activations(subject, STREAMS, 0):
        assert hooks_of(subject.encoder) > 0
        raise RuntimeError("halfway")
    assert hooks_of(subject.encoder) == 0


@pytest.mark.parametrize("disorder", DRAWN, **IDS)
def test_draws_repeat_with_their_step_and_differ_between_steps_batches_and_individuals(disorder):
    subject = born_as("bert")
    first = disturbed(subject, disorder, 4)
    assert torch.equal(first, disturbed(subject, disorder, 4))
    assert not torch.equal(first, disturbed(subject, disorder, 5))
    assert not torch.equal(first, disturbed(subject, disorder, 4, Streams(4, STREAMS.key)))
    with disorder.activations(subject, STREAMS, 4):
        assert torch.equal(states(subject.encoder), first)
        assert not torch.equal(states(subject.encoder), first)


@pytest.mark.parametrize("disorder", NOISE, **IDS)
def test_the_dose_is_monotone(disorder):
    subject = born_as("bert")
    healthy = states(subject.encoder)
    change = [(disturbed(subject, replace(disorder, severity=s)) - healthy).norm() for s in (0.0, 0.1, 0.3, 0.6)]
    assert change[0] == 0 and change == sorted(change) and change[1] > 0


def recorded(subject, paths, **inputs):
    """What the modules at these paths put out, by path, in one forward pass."""
    found, hooks = {}, []
    for path in paths:
        module = subject.encoder.get_submodule(path)
        hooks.append(module.register_forward_hook(lambda m, i, output, path=path: found.setdefault(path, output)))
    with torch.inference_mode():
        subject.encoder(**inputs)
    for hook in hooks:
        hook.remove()
    return {path: output[0] if isinstance(output, tuple) else output for path, output in found.items()}


def test_activation_noise_by_hand():
    subject = born(origin=replace(TINY, layers=2))
    first, second = dict.fromkeys(layer_of(name) for name in subject.synapses)
    inputs = sentences()
    clean = recorded(subject, [first], **inputs)[first]
    with ActivationNoise(severity=0.7).activations(subject, STREAMS, 9), torch.inference_mode():
        noisy = subject.encoder(**inputs).last_hidden_state
    generator = STREAMS.torch("disorder", 9)
    with torch.inference_mode():
        handed = torch.empty_like(clean)
        noise = torch.randn(clean.shape, generator=generator)
        for text in range(len(clean)):
            for token in range(clean.shape[1]):
                state = clean[text, token]
                size = ((state - state.mean()) ** 2).mean().sqrt()
                handed[text, token] = state + 0.7 * size * noise[text, token]
        # The second layer reads what the first one handed on; the padding's states are masked out in it as ever.
        mask = torch.where(inputs["attention_mask"][:, None, None, :].bool(), 0.0, torch.finfo(torch.float32).min)
        output = subject.encoder.get_submodule(second)(handed, attention_mask=mask)
        output = output[0] if isinstance(output, tuple) else output
        noise = torch.randn(output.shape, generator=generator)
        expected = output + 0.7 * output.std(-1, keepdim=True, correction=0) * noise
    torch.testing.assert_close(noisy, expected, atol=1e-5, rtol=1e-5)


def test_noise_is_white_and_as_strong_as_asked():
    subject = born_as("bert")
    name = layer_of(next(iter(subject.synapses)))
    inputs = {"input_ids": torch.randint(5, 300, (60, 20), generator=torch.Generator().manual_seed(0))}
    clean = recorded(subject, [name], **inputs)[name]
    with ActivationNoise(severity=0.4).activations(subject, STREAMS, 0):
        noisy = recorded(subject, [name], **inputs)[name]
    relative = (noisy - clean) / clean.std(-1, keepdim=True, correction=0)
    assert float(relative.std()) == pytest.approx(0.4, rel=0.02) and abs(float(relative.mean())) < 0.01


def test_failing_synapses_by_hand():
    subject = born()
    inputs = sentences()
    names = [name.removesuffix(".weight") for name in subject.synapses]
    seen, read = [], []

    def spying(found):
        spy = [(subject.encoder.get_submodule(name), name) for name in names]
        return [m.register_forward_pre_hook(lambda _, i, name=name: found.append((name, i[0].clone()))) for m, name in spy]

    spies = spying(seen)
    with FailingSynapses(severity=0.6).activations(subject, STREAMS, 2):
        spies += spying(read)
        with torch.inference_mode():
            subject.encoder(**inputs)
    for hook in spies:
        hook.remove()
    generator = STREAMS.torch("disorder", 2)
    assert [name for name, _ in seen] == [name for name, _ in read] and len(seen) == len(names)
    for (_, whole), (_, part) in zip(seen, read, strict=True):
        failed = torch.rand(whole.shape, generator=generator) < 0.6
        assert torch.equal(part, torch.where(failed, 0.0, whole)), "what arrives is not scaled up"


def test_larger_failures_contain_smaller_ones_and_at_one_nothing_arrives():
    subject = born()
    name = next(iter(subject.synapses)).removesuffix(".weight")
    gone = []
    for severity in (0.2, 0.5, 1.0):
        with FailingSynapses(severity=severity).activations(subject, STREAMS, 0):
            hook = subject.encoder.get_submodule(name).register_forward_pre_hook(lambda m, i: gone.append(i[0] == 0))
            states(subject.encoder)
            hook.remove()
    assert bool((gone[0] <= gone[1]).all()) and bool(gone[2].all()) and 0 < gone[0].float().mean() < gone[1].float().mean() < 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["neurons", "attention", "both"])
def test_a_gain_is_what_smaller_weights_would_do(kind, at):
    subject, gain = born_as(kind), 0.3
    turned_down = disturbed(subject, GainReduction(severity=1 - gain, at=at))
    with torch.no_grad():
        for path, module in subject.encoder.named_modules():
            last = path.split(".")[-1]
            if not hasattr(module, "out_features") or not any(part.isdigit() for part in path.split(".")):
                continue
            rows = module.out_features
            if at != "attention" and (last in ("ffn", "lin1", "Wi") or "intermediate.dense" in path):
                module.weight[: rows // 2 if last == "Wi" else rows] *= gain
            if at != "neurons" and last in ("query", "query_proj", "pos_query_proj", "q_lin", "Wqkv"):
                rows = rows // 3 if last == "Wqkv" else rows
                module.weight[:rows] *= gain
                if module.bias is not None:
                    module.bias[:rows] *= gain
    torch.testing.assert_close(turned_down, states(subject.encoder), atol=2e-4, rtol=1e-3)


def test_without_gain_attention_is_uniform_and_neurons_are_deaf():
    subject = born_as("bert")
    subject.encoder.set_attn_implementation("eager")
    inputs = sentences()
    with GainReduction(severity=1.0).activations(subject, STREAMS, 0), torch.inference_mode():
        attention = subject.encoder(**inputs, output_attentions=True).attentions
        neurons = recorded(subject, ["encoder.layer.0.intermediate"], **inputs)["encoder.layer.0.intermediate"]
    readable = inputs["attention_mask"][:, None, None, :].float()
    for probabilities in attention:
        torch.testing.assert_close(probabilities, (readable / readable.sum(-1, keepdim=True)).expand_as(probabilities))
    assert torch.allclose(neurons, neurons[0, 0].expand_as(neurons), atol=1e-6)


class Kept:
    """Keeps an unfinished run in memory."""

    every, snapshot = 1000, None

    def load(self):
        return self.snapshot

    def save(self, snapshot):
        self.snapshot = snapshot


def test_a_run_that_was_killed_goes_on_with_the_same_noise():
    def learning(checkpointer=None, **how):
        subject = born(TASKS[0])
        ill = [ActivationNoise(), FailingSynapses(severity=0.1), TokenBlur(), WordOrderShuffle(), VocabularyLoss()]
        hooks = [ActiveHooks(each, Streams(3, f"suffer/{i}")) for i, each in enumerate(ill)]
        source = task_source(subject, TASKS[0], length=32, batch_size=8, streams=STREAMS)
        plasticity = weights(6).attach(subject, (TASKS[0],), 6, STREAMS)
        train(subject, plasticity, source, Recipe(6, 0.1, 1.0), STREAMS, hooks=hooks, checkpointer=checkpointer, **how)
        return subject

    checkpointer, count = Kept(), iter([False, False, True])
    with pytest.raises(Interrupted, match="after 3 of 6"):
        learning(checkpointer, should_stop=lambda: next(count))
    assert same(learning(checkpointer), learning())


@dataclass(frozen=True, kw_only=True)
class Spread(Measure):
    """How much the answers to different texts differ."""

    def read(self, subject, tasks, streams):
        for title, task in tasks.items():
            yield Reading("spread", float(task_logits(subject, task, "dev", 32)[0].std(axis=0).max()), 40, title, "dev")


def test_looks_are_disturbed_while_the_disorder_lasts_and_not_after_it():
    learned = Learn(TASKS[0], by=Weights(steps=40, rate=1e-2))
    blow = Suffer(FailingSynapses(severity=1.0), lasting=1)
    _, readings = lived(learned, Probe(Spread()), blow, Probe(Spread()), learned, Probe(Spread()))
    before, during, after = [value for _, _, _, value in readings]
    assert before > 1e-4 and after > 1e-4 and during < 1e-6, "nothing arrives: every text gets the same answer"


@pytest.mark.parametrize("arguments", [{"severity": 1.5}, {"at": "neuron"}])
def test_bad_arguments_are_named(arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ScenarioError, match=rf"GainReduction\({name}={value!r}\)"):
        GainReduction(**arguments)

"""The checks find what is broken in a plug-in, and say it in one sentence with the way out."""

import random
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from lifespan import (
    Disorder,
    Examples,
    HeadOnly,
    Learn,
    Magnitude,
    Masks,
    Measure,
    MicroTask,
    Pruner,
    Reading,
    TagHead,
    Weights,
)
from lifespan.contracts import ClassHead, Task, sequences
from lifespan.disorders import WeightNoise
from lifespan.learners._weights import WeightChange
from lifespan.model.subject import Subject
from lifespan.testing import check_disorder, check_learner, check_measure, check_pruner, check_task
from lifespan.testing.lives import BY_WEIGHTS, DEVELOP, FIRST

ENTRY = "@article{doe2020, author = {Doe, Jane}, title = {On Ears}, journal = {Sound}, year = {2020}}"
SHORT = (DEVELOP, Learn(FIRST, by=BY_WEIGHTS))


@dataclass(frozen=True, kw_only=True)
class Sound(Disorder):
    """A disorder that keeps every rule. Native parameter: none, for it does nothing."""

    aetiology = "degeneration"
    citation = ENTRY


def test_what_keeps_the_rules_passes():
    check_disorder(Sound())
    check_disorder(Sound(), events=SHORT)


def test_an_object_is_asked_for():
    with pytest.raises(AssertionError, match=r"Sound is a class, not an object: check an object, Sound\(\.\.\.\)"):
        check_disorder(Sound)
    with pytest.raises(AssertionError, match=r"Magnitude is no Disorder: derive its class from lifespan\.Disorder"):
        check_disorder(Magnitude())


class Plain(Disorder):
    """Native parameter: none."""

    aetiology = "degeneration"
    citation = ENTRY


@dataclass(frozen=True, kw_only=True)
class Silent(Disorder):
    aetiology = "degeneration"
    citation = ENTRY


@dataclass(frozen=True, kw_only=True)
class Vague(Disorder):
    """Something happens."""

    aetiology = "degeneration"
    citation = ENTRY


@dataclass(frozen=True, kw_only=True)
class Rootless(Sound):
    """Native parameter: none."""

    aetiology = "degenration"


@dataclass(frozen=True, kw_only=True)
class Uncited(Sound):
    """Native parameter: none."""

    citation = " "


@dataclass(frozen=True, kw_only=True)
class Miscited(Sound):
    """Native parameter: none."""

    citation = "@article{doe2020, author = {Doe"


@dataclass(frozen=True, kw_only=True)
class Boundless(Sound):
    """Native parameter: none."""

    def __post_init__(self):
        pass


@dataclass(frozen=True, kw_only=True)
class SelfControlled(Sound):
    """Native parameter: none."""

    def control(self):
        return self


@dataclass(frozen=True, kw_only=True)
class Converting(Sound):
    """Native parameter: none."""

    names: tuple = (1,)

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "names", (*self.names, 1))


STATIC = [
    (Plain, "Plain is no dataclass of its own: put @dataclass(frozen=True, kw_only=True) above the class"),
    (Silent, "Silent has no docstring: say in a docstring what it does"),
    (Vague, "Vague does not state its native parameter in the docstring: write"),
    (Rootless, "Rootless has the unknown aetiology 'degenration': set it in its class. Did you mean 'degeneration'?"),
    (Uncited, "Uncited has no citation: set citation in its class; give a key of lifespan/report/references.bib, or"),
    (Miscited, "Miscited has a citation that cannot be read, '@article{doe2020, author = {Doe'"),
    (Boundless, "Boundless accepts severity=-0.1: call super().__post_init__() first in its __post_init__"),
    (SelfControlled, "SelfControlled has the control SelfControlled(severity=0.5): return another disorder, or None"),
    (Converting, "Converting differs from a copy with the same arguments: store arguments exactly as given"),
]


@pytest.mark.parametrize(("kind", "said"), STATIC, ids=[kind.__name__ for kind, _ in STATIC])
def test_what_a_class_lacks_is_said(kind, said):
    with pytest.raises(AssertionError) as caught:
        check_disorder(kind())
    assert str(caught.value).startswith(said)


def ill(**hooks):
    """A disorder with these hooks and nothing else wrong."""
    return dataclass(frozen=True, kw_only=True)(type("Broken", (Sound,), {"__doc__": "Native parameter: x.", **hooks}))()


def off_by_health(self, batch, course):
    return {**batch, "input_ids": batch["input_ids"].roll(1, dims=1)}


def noisy_strike(self, subject, streams):
    torch.rand(1)
    return {}


def forgetful_after(self, course):
    """Counts in the module, where a kill loses it and a second life finds it."""
    COUNT["steps"] += self.severity
    with torch.no_grad():
        for weight in course.subject.synapses.values():
            weight.mul_(1 + 1e-3 * COUNT["steps"])


COUNT = {"steps": 0.0}


def counting_strike(self, subject, streams):
    COUNT["steps"] += self.severity
    next(iter(subject.synapses.values())).data.mul_(1 + COUNT["steps"])
    return {}


def reviving_strike(self, subject, streams):
    if self.severity:
        subject.alive = {name: torch.ones_like(mask) for name, mask in subject.alive.items()}
    return {"entries": 1.0}


def stubborn_activations(self, subject, streams, step):
    @contextmanager
    def block():
        if self.severity:
            subject.encoder.register_forward_hook(lambda *_: None)
        yield

    return block()


@contextmanager
def careless_activations(self, subject, streams, step):
    for weight in subject.synapses.values():
        weight.data = weight.data * (1 - self.severity)
    yield


@contextmanager
def restless_activations(self, subject, streams, step):
    """Draws from the global generator at each forward pass."""
    hook = subject.encoder.register_forward_pre_hook(lambda *_: torch.rand(1) and None)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def unequal_activations(self, subject, streams, step):
    """Two looks at one moment see different things."""
    COUNT["steps"] += not subject.encoder.training
    noise = 0 if subject.encoder.training else self.severity * COUNT["steps"]
    hook = subject.encoder.register_forward_hook(lambda _, __, out: _scaled(out, noise))
    try:
        yield
    finally:
        hook.remove()


def _scaled(out, noise):
    out.last_hidden_state = out.last_hidden_state.roll(int(noise), dims=-1)
    return out


def self_keeping_batch(self, batch, course):
    object.__setattr__(self, "seen", course.step)
    return batch


def numbered_after(self, course):
    course.memory["steps"] = course.step


def drawing_examples(self, examples, task, streams):
    random.random()
    np.random.rand()
    return examples


HOOKS = [
    ({"batch": off_by_health}, "Broken changes something in batch at severity 0: return the input as it is there"),
    ({"batch": lambda self, batch, course: None}, "Broken returns no batch from batch: return a batch with the same names"),
    (
        {"batch": lambda self, batch, course: {**batch, "input_ids": batch["input_ids"][:, :2]}},
        "Broken changes the shape or type of 'input_ids' in batch: return a batch with the same names, shapes and types",
    ),
    ({"strike": noisy_strike}, "Broken uses the global random generator of torch in strike: draw from the streams given"),
    ({"examples": drawing_examples}, "Broken uses the global random generator of NumPy and random in examples: draw from"),
    ({"strike": lambda self, subject, streams: None}, "Broken returns None from strike: return what was injured"),
    (
        {"strike": lambda self, subject, streams: {"norm": float("nan")}},
        "Broken reports norm=nan from strike: report finite numbers",
    ),
    ({"strike": reviving_strike}, "Broken revives 1229 dead synapses in strike: clear alive masks only, or set regrows"),
    ({"regimen": lambda self, regimen, course: None}, "Broken returns no Regimen from regimen: return replace(regimen, rate="),
    (
        {"regimen": lambda self, regimen, course: replace(regimen, rate=-self.severity)},
        "Broken changes something in regimen at severity 0",
    ),
    (
        {"regimen": lambda self, regimen, course: replace(regimen, rate=regimen.rate * (1 - 3 * self.severity))},
        "Broken returns Regimen(rate=-0.5, clip=",
    ),
    ({"refit": lambda self, steps: steps / 2}, "Broken returns 1.5 from refit: return a whole number of steps, at least 0"),
    (
        {"ageing": lambda self, sparsity, pruner, subject: sparsity},
        "Broken returns 0.3 from ageing: return (spar",
    ),
    ({"penalty": lambda self, course: 1.0}, "Broken returns no number from penalty: return a tensor without dimensions"),
    (
        {"gradient": lambda self, parameters, course: 1},
        "Broken returns something from gradient: alter",
    ),
    ({"after": numbered_after}, "Broken puts something that is no tensor into course.memory in after: keep tensors alone"),
    ({"batch": self_keeping_batch}, "Broken keeps seen on itself in batch: remember in course.memory, as tensors"),
    ({"after": forgetful_after}, "Broken leads twice to different lives"),
    ({"strike": counting_strike}, "Broken leads twice to different lives (encoder, "),
    ({"strike": lambda self, *_: {"norm": random.Random().random()}}, "Broken leads twice to different lives (what it rep"),
    ({"activations": lambda *_: None}, "Broken returns no context manager from activations: put @contextmanager above it"),
    ({"activations": stubborn_activations}, "Broken leaves hooks behind after activations: undo in a finally: clause"),
    ({"activations": careless_activations}, "Broken leaves the subject changed after activations (encoder, "),
    ({"activations": restless_activations}, "Broken uses the global random generator of torch in an evaluation: draw from"),
    ({"activations": unequal_activations}, "Broken makes two equal evaluations differ: draw only from the streams"),
    (
        {"penalty": lambda self, course: course.subject.skills[course.task]},
        "Broken fails in penalty (KeyError: None): let it run on every kind of event, on a task as on language",
    ),
]


@pytest.mark.parametrize(("hooks", "said"), HOOKS, ids=[said.removeprefix("Broken ")[:45] for _, said in HOOKS])
def test_what_a_hook_breaks_is_said(hooks, said):
    COUNT["steps"] = 0.0
    with pytest.raises(AssertionError) as caught:
        check_disorder(ill(**hooks))
    assert str(caught.value).startswith(said), str(caught.value)


def test_what_a_kill_loses_is_said():
    """A count by optimizer steps run in this process: a resumed event begins to count anew, a whole one does not."""

    def counting(self, course):
        # What a new process would do: a resumed event finds nothing of what ran before the kill.
        resumed = course.step > 0 and (course.subject, course.streams.key) not in begun
        begun.add((course.subject, course.streams.key))
        if resumed and self.severity:
            with torch.no_grad():
                next(iter(course.subject.synapses.values())).mul_(1.5)

    begun = set()
    with pytest.raises(AssertionError, match=r"Broken continues with other bits after a kill .*: keep in course\.memory"):
        check_disorder(ill(after=counting))


def test_a_refusal_names_the_event_and_offers_a_life_of_ones_own():
    def refuse(self, subject, streams):
        from lifespan.errors import ScenarioError

        raise ScenarioError("Broken()", "has nothing to do here.")

    with pytest.raises(AssertionError, match=r"Broken cannot live 'suffer Broken' \(ScenarioError.*check it in events="):
        check_disorder(ill(strike=refuse))


def learner(plasticity="weights", **methods):
    made = type("Odd", (Weights,), {"__doc__": "Learns.", "plasticity": property(lambda self: plasticity), **methods})
    return dataclass(frozen=True, kw_only=True)(made)(rate=1e-3)


class Forgetting(WeightChange):
    def state(self):
        return {name: value for name, value in super().state().items() if not name.startswith("head/")}

    def load_state(self, state):
        heads = {f"head/{i}": value.data for i, value in enumerate(self.heads)}
        super().load_state({**state, **heads})


class Unsettled(WeightChange):
    def settle(self):
        super().settle()
        next(self.subject.encoder.parameters()).requires_grad_(False)


class Burying(WeightChange):
    def settle(self):
        """Leaves the dead at zero."""


def attaching(change):
    return lambda self, subject, tasks, steps, streams: change(subject, tasks, self)


def luck(self, subject, tasks, steps, streams):
    torch.rand(1)
    return WeightChange(subject, tasks, self)


LEARNERS = [
    (learner("magic"), "Odd has the plasticity 'magic': say one of weights, structure, both, head"),
    (learner("structure"), "Odd learns by structure and changes the encoder (encoder, "),
    (
        learner(attach=attaching(Forgetting)),
        "Odd continues with other bits after a kill (after 'learn micro-entailment': encoder, ",
    ),
    (learner(attach=attaching(Unsettled)), "Odd leaves parameters frozen or with gradients: undo in settle()"),
    (learner(attach=attaching(Burying)), "Odd changes weights of dead synapses ("),
    (learner(attach=luck), "Odd uses the global random generator of torch in a learning"),
    (learner(lasting=lambda self, **_: self), "Odd does not take an event's own steps: let lasting(...) replace steps"),
]


@pytest.mark.parametrize(("made", "said"), LEARNERS, ids=[said[:40] for _, said in LEARNERS])
def test_what_a_learner_breaks_is_said(made, said):
    with pytest.raises(AssertionError) as caught:
        check_learner(made)
    assert str(caught.value).startswith(said), str(caught.value)


def test_a_learner_that_keeps_the_rules_passes():
    check_learner(HeadOnly())


def pruner(choose, **attributes):
    return dataclass(frozen=True, kw_only=True)(type("Axe", (Pruner,), {"__doc__": "Cuts.", "choose": choose, **attributes}))()


def right(self, subject, sparsity, streams, tasks):
    return Magnitude().choose(subject, sparsity, streams, tasks)


def killing(self, subject, sparsity, streams, tasks):
    masks = right(self, subject, sparsity, streams, tasks)
    subject.alive = masks
    return masks


def all_alive(self, subject, sparsity, streams, tasks):
    return {name: torch.ones_like(mask) for name, mask in subject.alive.items()}


def too_many(self, subject, sparsity, streams, tasks):
    return right(self, subject, min(1.0, sparsity + 0.1), streams, tasks)


def lucky(self, subject, sparsity, streams, tasks):
    np.random.rand()
    return right(self, subject, sparsity, streams, tasks)


PRUNERS = [
    (pruner(killing), "Axe changes the subject (alive, "),
    (
        pruner(all_alive),
        "Axe leaves 0 synapses dead where 819 were requested: leave round(sparsity * synapses) dead exactly, or set",
    ),
    (pruner(all_alive, exact=False), "Axe revives 410 dead synapses: return mask & subject.alive[name]"),
    (pruner(too_many, exact=False), "Axe leaves 1229 synapses dead where at most 819 were requested: never go above"),
    (pruner(lucky), "Axe uses the global random generator of NumPy in choose"),
    (pruner(lambda *_: {}), "Axe does not return a mask for every synapse matrix: return a boolean mask"),
    (pruner(lambda *_: 1 / 0), "Axe cannot prune a tiny subject to 0.2 (ZeroDivisionError: "),
]


@pytest.mark.parametrize(("made", "said"), PRUNERS, ids=[said[:40] for _, said in PRUNERS])
def test_what_a_pruner_breaks_is_said(made, said):
    with pytest.raises(AssertionError) as caught:
        check_pruner(made)
    assert str(caught.value).startswith(said), str(caught.value)


def measure(read, **attributes):
    made = type("Eye", (Measure,), {"__doc__": "Looks.", "read": read, **attributes})
    return dataclass(frozen=True, kw_only=True)(made)()


def touching(self, subject, tasks, streams):
    subject.age += 1
    next(iter(subject.synapses.values())).data.add_(1)
    yield Reading("x", 1.0, 1)


def training(self, subject, tasks, streams):
    subject.encoder.train()
    yield Reading("x", 1.0, 1)


def impatient(self, subject: Subject, tasks: Mapping[str, Task], streams):
    yield Reading("x", float(len(tasks[FIRST.title].labels)), 1)


MEASURES = [
    (measure(touching), "Eye changes the subject (encoder, "),
    (measure(training), "Eye switches training mode: leave the subject as it was"),
    (measure(impatient), f"Eye cannot read a subject with 0 tasks (KeyError: '{FIRST.title}')"),
    (measure(lambda *_: [1.0]), "Eye yields 1.0: yield lifespan.Reading(metric, value, n)"),
    (measure(lambda *_: [Reading("x", "1", 1)]), "Eye yields Reading(metric='x', value='1'"),
    (measure(lambda *_: [Reading("x", 1.0, 1, "other")]), "Eye yields Reading(metric='x', value=1.0, n=1, task='other'"),
    (measure(lambda *_: []), "Eye reads nothing of a subject with two tasks"),
    (measure(lambda *_: [Reading("x", random.random(), 1)]), "Eye uses the global random generator of random in read"),
    (measure(lambda *_: [], title=""), "Eye has the title '': give a short text"),
]


@pytest.mark.parametrize(("made", "said"), MEASURES, ids=[said[:40] for _, said in MEASURES])
def test_what_a_measure_breaks_is_said(made, said):
    with pytest.raises(AssertionError) as caught:
        check_measure(made)
    assert str(caught.value).startswith(said), str(caught.value)


@dataclass(frozen=True, kw_only=True)
class Quiz(MicroTask):
    """A task with something changed."""

    title = "quiz"
    rows = staticmethod(lambda rows: rows)

    def load(self, split):
        return self.rows(super().load(split))


def quiz(**attributes):
    made = type("Quiz", (Quiz,), {"__doc__": "A task.", **attributes})
    return dataclass(frozen=True, kw_only=True)(made)("sentiment")


def floating(rows):
    return Examples(rows.first, rows.second, rows.labels.astype(np.float64))


def shuffled(rows):
    COUNT["steps"] += 1
    return rows.take(np.roll(np.arange(len(rows)), int(COUNT["steps"])))


def one_tag(rows):
    return Examples(["a b c d e"], None, sequences([("positive",)]))


TAGS = TagHead(labels=("negative", "positive"))
TASKS = [
    (quiz(title="My Quiz"), "Quiz has the title 'My Quiz': use lower-case letters"),
    (quiz(labels=("yes",)), "Quiz has the labels ('yes',): give two or more class names"),
    (quiz(metrics=("pearson",)), "Quiz has the metrics ('pearson',): name functions of lifespan.stats.metrics, such as"),
    (quiz(splits=("train",)), "Quiz has the splits ('train',): name at least two"),
    (quiz(rows=staticmethod(floating)), "Quiz has labels that are no class index in the split 'train': give int64"),
    (quiz(rows=staticmethod(shuffled)), "Quiz loads other rows the second time in the split 'train'"),
    (quiz(rows=staticmethod(lambda rows: rows.take(np.arange(0)))), "Quiz has no Examples in the split 'train'"),
    (quiz(load=lambda self, split: MicroTask("sentiment").load("train")), "Quiz loads a split that it does not have"),
    (quiz(head="tags"), "Quiz has the head 'tags': give an object of a class derived from lifespan.Head"),
    (
        quiz(head=TAGS, metrics=("accuracy",)),
        "Quiz has the metrics ('accuracy',): name functions of lifespan.stats.metrics, such as tag",
    ),
    (
        quiz(head=TAGS, metrics=("span_f1",)),
        "Quiz has labels that are no tuples of its tags in the split 'train': use lifespan",
    ),
    (
        quiz(head=TAGS, metrics=("span_f1",), rows=staticmethod(one_tag)),
        "Quiz has 5 words and 1 labels in 'a b c d e': join words",
    ),
    (
        quiz(load=lambda self, split: {name: MicroTask("sentiment").load(name) for name in ("train", "dev", "test")}[split]),
        "Quiz raises KeyError ('no such split') for a split that it does not have: raise lifespan.errors.DataError",
    ),
]


def headed(**attributes):
    """A task of two classes whose head has something changed."""
    made = dataclass(frozen=True, kw_only=True)(type("Guess", (ClassHead,), {"__doc__": "A head.", **attributes}))
    return quiz(head=made(count=2))


TASKS += [
    (
        headed(module=lambda self, width, dropout: torch.nn.Linear(width, 3)),
        "Guess puts out (8, 3) for states of (8, 8): let module",
    ),
    (headed(module=lambda self, width, dropout: torch.nn.Linear(9, 2)), "Guess fails in module (RuntimeError: "),
    (headed(targets=lambda self, labels: labels), "Guess fails in loss (TypeError: "),
    (headed(loss=lambda self, answer, labels: answer.sum(-1)), "Guess has the loss tensor(["),
    (headed(loss=lambda self, answer, labels: torch.tensor(0.5)), "Guess has the loss tensor(0.5"),
    (headed(answers=lambda self, logits: logits[0]), "Guess has not one answer an example, array(["),
    (headed(answers=lambda self, logits: logits.argmax(1)), "Guess answers from outputs that are not finite: answer NaN, or"),
    (headed(unanswered=lambda self, answers: answers >= 0), "Guess takes answers for none: let unanswered name those alone"),
]


@pytest.mark.parametrize(("made", "said"), TASKS, ids=[said[:40] for _, said in TASKS])
def test_what_a_task_breaks_is_said(made, said):
    with pytest.raises(AssertionError) as caught:
        check_task(made)
    assert str(caught.value).startswith(said), str(caught.value)


def test_the_checks_leave_the_global_generators_alone_but_for_what_the_engine_draws():
    np.random.seed(3), random.seed(3)
    before = np.random.get_state()[1].tobytes(), random.getstate()
    check_disorder(WeightNoise(), events=SHORT)
    check_learner(Masks())
    assert (np.random.get_state()[1].tobytes(), random.getstate()) == before

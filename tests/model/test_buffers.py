"""Bodies with buffers that training changes: what BatchNorm learned of its inputs is part of the subject."""

import dataclasses

import pytest
from conftest import TASKS, TINY, weights
from small_lives import content, lived, same
from torch import nn

from lifespan import Develop, Learn, Micro, MicroText
from lifespan.contracts.checkpoint import Snapshot
from lifespan.errors import RecordError
from lifespan.execution.step import StepContext, live
from lifespan.model.forward import copy_of
from lifespan.model.history import undone
from lifespan.model.subject import Subject
from lifespan.packs.body import learned_buffers
from lifespan.packs.pack import _contents
from lifespan.randomness import Streams
from lifespan.study.plan import compile_study
from lifespan.study.scenario import Scenario, Study
from lifespan.training.evaluation import task_logits
from lifespan.training.loop import Interrupted


class TokenNorm(nn.Module):
    """BatchNorm over all tokens of a batch."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, states):
        return self.norm(states.flatten(0, 1)).view_as(states)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Normalised(Micro):
    """The built-in body with BatchNorm after its embeddings."""

    def build(self, streams):
        body = super().build(streams)
        body.encoder.embeddings.LayerNorm = TokenNorm(self.width)
        return body


ORIGIN = Normalised(**{field.name: getattr(TINY, field.name) for field in dataclasses.fields(TINY)})
EVENTS = (Develop(MicroText(number=100), steps=4, batch_size=8), Learn(TASKS[0], by=weights(6), length=32))


def answers(subject):
    return task_logits(subject, TASKS[0], "dev", 32)[0]


def test_a_reloaded_subject_answers_as_before():
    subject, _ = lived(*EVENTS, origin=ORIGIN)
    assert set(subject.state()["buffers"]) == {
        f"encoder/embeddings.LayerNorm.norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")
    }
    state = {group: {name: value.clone() for name, value in part.items()} for group, part in subject.state().items()}
    again = Subject(ORIGIN.build(Streams(0, "birth")))
    again.load(subject.facts(), state)
    assert (answers(again) == answers(subject)).all() and same(again, subject)
    assert same(copy_of(subject), subject)
    before = content(subject)
    with undone(subject):
        for value in subject.buffers.values():
            value.add_(1)
    assert same(before, subject)


def test_states_without_buffers_are_read_as_ever():
    subject, _ = lived(*EVENTS)
    assert "buffers" not in subject.state()
    ill, _ = lived(*EVENTS, origin=ORIGIN)
    state = {group: part for group, part in ill.state().items() if group != "buffers"}
    Subject(ORIGIN.build(Streams(0, "birth"))).load(ill.facts(), state)


class Once:
    """Keeps one state, and stops the learning there."""

    every = 3

    def __init__(self):
        self.kept = None

    def load(self):
        return self.kept

    def save(self, snapshot):
        self.kept = Snapshot({name: value.clone() for name, value in snapshot.tensors.items()}, dict(snapshot.facts))


def test_a_killed_learning_goes_on_with_the_same_buffers():
    whole, _ = lived(*EVENTS, origin=ORIGIN)
    life = Scenario(name="small", subject=ORIGIN, events=EVENTS)
    steps = compile_study(Study(name="small", groups={"one": life}), precision="fp32").lives[0].steps
    start, _ = lived(EVENTS[0], origin=ORIGIN)
    keeper = Once()
    with pytest.raises(Interrupted):
        live(copy_of(start), steps[-1], "fp32", StepContext(checkpointer=keeper, should_stop=lambda: keeper.kept is not None))
    assert keeper.kept is not None and any(name.startswith("buffer/") for name in keeper.kept.tensors)
    resumed, _ = live(start, steps[-1], "fp32", StepContext(checkpointer=keeper))
    assert same(resumed, whole)


def test_a_pack_of_such_a_body_is_refused(tmp_path):
    subject, _ = lived(*EVENTS, origin=ORIGIN)
    assert learned_buffers(subject.encoder) and not learned_buffers(lived(*EVENTS)[0].encoder)
    with pytest.raises(RecordError, match="buffers that training changes"):
        _contents(subject, tmp_path, "fp32", "fp32", {}, "x", None)

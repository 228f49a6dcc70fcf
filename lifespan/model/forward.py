"""Forward passes of a subject: token states, losses of a batch, precision and dropout's random draws."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from lifespan.contracts.subject import Subject
from lifespan.subjects.first_token import first_token_only

Batch = dict[str, torch.Tensor]


def copy_of(subject: Subject) -> Subject:
    """A copy of the subject in memory of its own; the tokenizer and the past are shared."""
    return copy.deepcopy(subject, _shared(subject))


def _shared(subject: Subject) -> dict[int, Any]:
    """What copies of a subject have in common, as `copy.deepcopy` takes it."""
    return {id(part): part for part in (subject.tokenizer, subject.past)}


def batch_loss(subject: Subject, task: str, batch: Batch) -> torch.Tensor:
    """Mean loss of a task's labelled batch, as its head defines it: cross-entropy for classes, squared error for scores."""
    answer = head_outputs(subject, task, batch)
    return subject.skills[task].form.loss(answer, batch["labels"].to(subject.device))


def head_outputs(subject: Subject, task: str, batch: Batch) -> torch.Tensor:
    """Outputs of a task's head in float32, (batch, outputs), or (batch, length, outputs) where it reads every token."""
    state = head_states(subject, task, batch)
    with autocast(subject):
        return subject.skills[task].head(state).float()


def head_states(subject: Subject, task: str, batch: Batch) -> torch.Tensor:
    """The last token states that a task's head reads: (batch, width), or (batch, length, width) where it reads every token."""
    form = subject.skills[task].form
    if form.reads == "first":
        return first_states(subject, batch)
    return form.pick(token_states(subject, batch), batch["attention_mask"].to(subject.device))


def token_states(subject: Subject, batch: Batch) -> torch.Tensor:
    """The encoder's last token states, (batch, length, width)."""
    inputs = {name: value.to(subject.device) for name, value in batch.items() if name != "labels"}
    with autocast(subject):
        return subject.encoder(**inputs).last_hidden_state


def first_states(subject: Subject, batch: Batch) -> torch.Tensor:
    """The last state of each text's first token, (batch, width)."""
    with first_token_only(subject.encoder):
        return token_states(subject, batch)[:, 0]


def autocast(subject: Subject) -> torch.autocast:
    """A context in which matrix products are in bfloat16 where the subject's precision is "bf16"; weights stay fp32."""
    return torch.autocast(subject.device.type, dtype=torch.bfloat16, enabled=subject.precision == "bf16")


@contextmanager
def seeded(number: int, device: torch.device) -> Iterator[None]:
    """Dropout inside this block draws from the given seed; the global generator is as before afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        # `torch.manual_seed` also seeds kinds of device that do not exist here, at a twentieth of a micro step.
        torch.default_generator.manual_seed(number)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(number)
        yield

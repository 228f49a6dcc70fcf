"""Distillation at work: the teacher's answers beside the labels."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn import functional

from lifespan.contracts import Plasticity
from lifespan.contracts.subject import Subject
from lifespan.learners._wrapping import Around
from lifespan.model.forward import autocast, first_states


def answers(subject: Subject, task: str, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Outputs of the task's head (batch, outputs), float32, computed with the weights that the encoder has now."""
    state = first_states(subject, dict(batch))
    with autocast(subject):
        return subject.skills[task].head(state).float()


def label_loss(answer: torch.Tensor, labels: torch.Tensor, outputs: int) -> torch.Tensor:
    """The task's own loss of these answers, as in `batch_loss`."""
    if outputs == 0:
        return functional.mse_loss(answer.squeeze(-1), labels.float())
    return functional.cross_entropy(answer, labels)


def divergence(answer: torch.Tensor, taught: torch.Tensor, outputs: int, temperature: float) -> torch.Tensor:
    """Mean distance of answers from a teacher's: T**2 KL(teacher || student) for classes, squared for scores (0 outputs)."""
    if outputs == 0:
        return functional.mse_loss(answer, taught)
    student = functional.log_softmax(answer / temperature, dim=-1)
    teacher = functional.log_softmax(taught / temperature, dim=-1)
    return temperature**2 * functional.kl_div(student, teacher, reduction="batchmean", log_target=True)


class Teacher:
    """A younger self that answers: no dropout, no gradient, and in the effective weights of the task at hand."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        self.placed: str | None = None
        subject.encoder.eval()
        for skill in subject.skills.values():
            skill.head.eval()

    def answer(self, task: str, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        with torch.no_grad():
            self._wear(task)
            return answers(self.subject, task, batch)

    def _wear(self, task: str) -> None:
        if self.placed == task:
            return
        for name, worn in self.subject.worn(task, self.whole).items():
            self.subject.synapses[name].data = worn
        self.placed = task


class Distillation(Around):
    """Another plasticity, taught: `share` of the loss is the distance to the teacher's answers."""

    def __init__(self, inner: Plasticity, subject: Subject, teacher: Teacher, *, share: float, temperature: float) -> None:
        super().__init__(inner)
        self.subject, self.teacher, self.share, self.temperature = subject, teacher, share, temperature

    def objective(self, task: str | None, batch: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
        assert task is not None, "a Distilled attaches to tasks only"
        own = self.inner.objective(task, batch)
        outputs = self.subject.skills[task].outputs
        answer = answers(self.subject, task, batch)
        if own is None:
            own = label_loss(answer, batch["labels"].to(self.subject.device), outputs)
        taught = self.teacher.answer(task, batch)
        return (1 - self.share) * own + self.share * divergence(answer, taught, outputs, self.temperature)

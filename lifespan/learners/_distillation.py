"""The plasticity of `Distilled`: the teacher's answers beside the labels."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lifespan.contracts import Plasticity
from lifespan.contracts.subject import Subject
from lifespan.learners._wrapping import Around
from lifespan.model.forward import head_outputs


class Teacher:
    """A younger self that answers, without dropout and gradients, at the effective weights of each task."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        self.placed: str | None = None
        subject.encoder.eval()
        for skill in subject.skills.values():
            skill.head.eval()

    def answer(self, task: str, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        with torch.no_grad():
            self._place(task)
            return head_outputs(self.subject, task, dict(batch))

    def _place(self, task: str) -> None:
        if self.placed == task:
            return
        for name, worn in self.subject.worn(task, self.whole).items():
            self.subject.synapses[name].data = worn
        self.placed = task


class Distillation(Around):
    """Another plasticity with a teacher: `share` of the loss is the distance to the teacher's answers."""

    def __init__(self, inner: Plasticity, subject: Subject, teacher: Teacher, *, share: float, temperature: float) -> None:
        super().__init__(inner)
        self.subject, self.teacher, self.share, self.temperature = subject, teacher, share, temperature

    def objective(self, task: str | None, batch: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
        assert task is not None, "a Distilled attaches to tasks only"
        own = self.inner.objective(task, batch)
        form = self.subject.skills[task].form
        answer = head_outputs(self.subject, task, dict(batch))
        if own is None:
            own = form.loss(answer, batch["labels"].to(self.subject.device))
        taught, real = self.teacher.answer(task, batch), batch["attention_mask"].to(self.subject.device)
        return (1 - self.share) * own + self.share * form.distance(answer, taught, real, self.temperature)

"""Superposed masks: which of them lowers the entropy of the answer, by one gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lifespan.contracts import ClassHead, Head, Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.model.forward import autocast, first_states
from lifespan.pruning.window import in_mode
from lifespan.training.batches import Batch
from lifespan.training.evaluation import tokenised

if TYPE_CHECKING:
    from lifespan.probes.performance.task_inference import TaskInference


@dataclass(frozen=True)
class Part:
    """A batch of one task's sentences, and their classes."""

    batch: Batch
    labels: torch.Tensor


def masked_tasks(subject: Subject, tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks that left a mask of their own and answer in two or more classes."""
    known = {title: subject.skills[title] for title in tasks if title in subject.skills}
    return {title: tasks[title] for title, skill in known.items() if skill.mask is not None and _chooses(skill.form)}


def _chooses(form: Head) -> bool:
    return isinstance(form, ClassHead) and form.count > 1


def batches(subject: Subject, task: Task, split: str, probe: TaskInference, order: np.random.Generator) -> list[Part]:
    """Batches of a split in random order, thinned to the probe's `examples`."""
    examples, tokens = tokenised(task, split, probe.length, subject.tokenizer)
    chosen = order.permutation(len(examples))[: probe.examples]
    starts = range(0, len(chosen), probe.batch_size)
    parts = [chosen[start : start + probe.batch_size] for start in starts]
    return [Part(tokens.collate(index), torch.from_numpy(np.asarray(examples.labels)[index])) for index in parts]


def answered(subject: Subject, title: str, parts: Sequence[Part]) -> float:
    """How many sentences the task's own mask and head classify rightly; NaN where an output is not finite."""
    right = 0.0
    with in_mode(subject, training=False), torch.inference_mode(), subject.wearing(title), autocast(subject):
        for part in parts:
            state = first_states(subject, part.batch)
            outputs = subject.skills[title].head(state)
            if not bool(torch.isfinite(outputs).all()):
                return math.nan
            right += int((outputs.argmax(dim=-1).cpu() == part.labels).sum())
    return right


class Superposition:
    """Inside this block the encoder computes with W x the mean of the tasks' masks; afterwards W is back, bit for bit."""

    def __init__(self, subject: Subject, titles: Sequence[str]) -> None:
        self.subject, self.titles = subject, list(titles)
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        self.masks: list[Masks] = [subject.effective(title) or subject.alive for title in titles]

    def __enter__(self) -> Superposition:
        self._rest = in_mode(self.subject, training=False)
        self._rest.__enter__()
        for name, weight in self.subject.synapses.items():
            mean = torch.stack([mask[name] for mask in self.masks]).to(weight.dtype).mean(dim=0)
            weight.data = self.whole[name] * mean
        return self

    def __exit__(self, *error: object) -> None:
        for name, weight in self.subject.synapses.items():
            weight.data = self.whole[name]
        self._rest.__exit__(None, None, None)

    def infer(self, batch: Batch) -> str | None:
        """The task whose mask, given more weight, lowers the entropy of the superposed answer the most; None without one."""
        gradient = self.gradient(batch)
        return self.titles[int(gradient.argmin())] if bool(torch.isfinite(gradient).all()) else None

    def gradient(self, batch: Batch) -> torch.Tensor:
        """dH/da_i of the mean entropy H of a batch, by task: its head's own entropy, and its mask's part through W."""
        weights = list(self.subject.synapses.values())
        with torch.enable_grad():
            entropies = self._entropies(batch)
            found = torch.autograd.grad(entropies.mean(), weights)
        total = entropies.detach().clone()
        for (name, whole), slope in zip(self.whole.items(), found, strict=True):
            pull = slope * whole
            for i, mask in enumerate(self.masks):
                total[i] += (pull * mask[name]).sum()
        return total

    def _entropies(self, batch: Batch) -> torch.Tensor:
        first = first_states(self.subject, batch)
        entropies = []
        for title in self.titles:
            skill = self.subject.skills[title]
            with autocast(self.subject):
                logits = skill.head(first)
            surprise = torch.log_softmax(logits.float(), dim=-1)
            entropies.append(-(surprise.exp() * surprise).sum(dim=-1).mean() / math.log(skill.outputs))
        return torch.stack(entropies)

"""A disorder whose hooks are checked: each does what it did, and what it returns and changes is checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from lifespan.contracts import Course, Disorder, Examples, Passage, Pruner, Regimen, Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.errors import LifespanError
from lifespan.randomness import Streams
from lifespan.testing.lives import copied, difference, same, untouched_randomness
from lifespan.testing.specs import arguments, changed_fields, check

Batch = dict[str, torch.Tensor]


HOOKS = (
    "strike",
    "examples",
    "passages",
    "batch",
    "penalty",
    "gradient",
    "regimen",
    "after",
    "activations",
    "ageing",
    "refit",
)


def own_hooks(kind: type[Disorder]) -> set[str]:
    """Names of the hooks that a class, or one that it derives from, overrides."""
    return {hook for hook in HOOKS if getattr(kind, hook) is not getattr(Disorder, hook)}


def watched(disorder: Disorder) -> Disorder:
    """The same disorder with every hook of its own checked; for plan, record and random streams it is the same."""
    kind: Any = type(disorder)
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    # Hooks inherited from Disorder do nothing, and copies of a subject around them would cost most of the time.
    names |= {hook: getattr(Disorder, hook) for hook in HOOKS if hook not in own_hooks(kind)}
    return type(kind)(kind.__name__, (_Watch, kind), names)(**arguments(disorder))


class _Watch:
    """Checks around a disorder's hooks; it precedes the disorder's class in the order of method resolution."""

    severity: float

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        before, alive = copied(subject.state()), dict(subject.alive)
        found = self._observed("strike", super().strike, subject, streams)  # type: ignore[misc]
        remedy = 'return what was injured, such as {"entries": 3.0}'
        self._check(isinstance(found, Mapping), f"returns {found!r} from strike", remedy)
        for name, value in found.items():
            fine = isinstance(value, int | float) and math.isfinite(value)
            self._check(fine, f"reports {name}={value!r} from strike", "report finite numbers")
        self._check_subject(subject, before, "strike")
        self._check_alive(alive, subject.alive, "strike")
        if self.severity == 0:
            self._check_health(not difference(before, subject.state()), "strike")
        return found

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        before = examples.fingerprint
        found = self._observed("examples", super().examples, examples, task, streams)  # type: ignore[misc]
        fine = isinstance(found, Examples) and len(found) > 0 and len(found.labels) == len(found.first)
        self._check(fine, "returns no rows from examples", "return Examples with at least one row, as many labels as rows")
        self._check_health(self.severity > 0 or found.fingerprint == before, "examples")
        return found

    def passages(self, passages: Sequence[Passage], streams: Streams) -> Sequence[Passage]:
        before = list(passages)
        found = self._observed("passages", super().passages, passages, streams)  # type: ignore[misc]
        fine = isinstance(found, Sequence) and len(found) > 0
        self._check(fine, "returns no texts from passages", "return at least one passage")
        self._check_health(self.severity > 0 or list(found) == before, "passages")
        return found

    def batch(self, batch: Batch, course: Course) -> Batch:
        before = {name: value.clone() for name, value in batch.items()}
        found = self._observed("batch", super().batch, batch, course)  # type: ignore[misc]
        remedy = "return a batch with the same names, shapes and types, such as {**batch, 'attention_mask': ...}"
        fine = isinstance(found, dict) and all(torch.is_tensor(value) for value in found.values())
        self._check(fine and found.keys() == before.keys(), "returns no batch from batch", remedy)
        for name, value in before.items():
            kept = found[name].shape == value.shape and found[name].dtype == value.dtype
            self._check(kept, f"changes the shape or type of {name!r} in batch", remedy)
        self._check_health(self.severity > 0 or all(same(found[n], before[n]) for n in before), "batch")
        return found

    def penalty(self, course: Course) -> torch.Tensor | None:
        found = self._observed("penalty", super().penalty, course)  # type: ignore[misc]
        fine = found is None or (torch.is_tensor(found) and found.dim() == 0)
        self._check(fine, "returns no number from penalty", "return a tensor without dimensions, or None")
        self._check_health(self.severity > 0 or found is None or float(found) == 0, "penalty")
        return found

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        before = [None if p.grad is None else p.grad.clone() for p in parameters]
        found = self._observed("gradient", super().gradient, parameters, course)  # type: ignore[misc]
        self._check(found is None, "returns something from gradient", "alter parameter.grad in place and return nothing")
        known = [(old, p.grad) for old, p in zip(before, parameters, strict=True)]
        # A gradient may be removed, so that its parameter rests; one without a gradient is not part of this batch's loss.
        added = any(old is None and new is not None for old, new in known)
        self._check(not added, "adds a gradient where there was none in gradient", "leave a gradient that is None as it is")
        unchanged = all(same(old, new) if old is not None and new is not None else old is new for old, new in known)
        self._check_health(self.severity > 0 or unchanged, "gradient")

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        before = Regimen(regimen.rate, regimen.clip, regimen.betas)
        found = self._observed("regimen", super().regimen, regimen, course)  # type: ignore[misc]
        remedy = "return replace(regimen, rate=...), with a rate of at least 0 and a clip above 0"
        self._check(isinstance(found, Regimen), "returns no Regimen from regimen", remedy)
        self._check(0 <= found.rate < math.inf and found.clip > 0, f"returns {found!r} from regimen", remedy)
        self._check_health(self.severity > 0 or found == before, "regimen")
        return found

    def after(self, course: Course) -> None:
        alive, state = dict(course.subject.alive), copied(course.subject.state())
        found = self._observed("after", super().after, course)  # type: ignore[misc]
        self._check(found is None, "returns something from after", "act on the subject and return nothing")
        self._check_alive(alive, course.subject.alive, "after")
        self._check_health(self.severity > 0 or not difference(state, course.subject.state()), "after")

    def activations(self, subject: Subject, streams: Streams, step: int) -> AbstractContextManager[object]:
        block = self._observed("activations", super().activations, subject, streams, step)  # type: ignore[misc]
        entered = isinstance(block, AbstractContextManager)
        self._check(entered, "returns no context manager from activations", "put @contextmanager above it, and yield once")
        return self._enclosed(block, subject)

    @contextmanager
    def _enclosed(self, block: AbstractContextManager[object], subject: Subject) -> Iterator[None]:
        before, hooks = copied(subject.state()), _hooks(subject)
        with block:
            yield
        remedy = "undo in a finally: clause whatever activations did, and call remove() of every hook"
        self._check(_hooks(subject) == hooks, "leaves hooks behind after activations", remedy)
        found = difference(before, subject.state())
        self._check(not found, f"leaves the subject changed after activations ({found})", remedy)

    def ageing(self, sparsity: float, pruner: Pruner, subject: Subject) -> tuple[float, Pruner]:
        found = self._observed("ageing", super().ageing, sparsity, pruner, subject)  # type: ignore[misc]
        remedy = "return (sparsity, pruner), with a sparsity in [0, 1)"
        pair = isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], Pruner)
        self._check(pair and 0 <= found[0] < 1, f"returns {found!r} from ageing", remedy)
        self._check_health(self.severity > 0 or found == (sparsity, pruner), "ageing")
        return found

    def refit(self, steps: int) -> int:
        found = self._observed("refit", super().refit, steps)  # type: ignore[misc]
        whole = isinstance(found, int) and not isinstance(found, bool) and found >= 0
        self._check(whole, f"returns {found!r} from refit", "return a whole number of steps, at least 0")
        self._check_health(self.severity > 0 or found == steps, "refit")
        return found

    def _observed(self, hook: str, call: Any, *given: Any) -> Any:
        before = dict(vars(self))
        try:
            with untouched_randomness(self, hook):
                found = call(*given)
        except (LifespanError, AssertionError):
            raise
        except Exception as error:
            what = f"fails in {hook} ({type(error).__name__}: {error})"
            remedy = "let it run on every kind of event, on a task as on language"
            raise AssertionError(f"{type(self).__name__} {what}: {remedy}") from error
        kept = changed_fields(self, before)  # type: ignore[arg-type]
        self._check(not kept, f"keeps {', '.join(kept)} on itself in {hook}", "remember in course.memory, as tensors")
        for course in given:
            if isinstance(course, Course):
                tensors = all(isinstance(n, str) and torch.is_tensor(value) for n, value in course.memory.items())
                self._check(tensors, f"puts something that is no tensor into course.memory in {hook}", "keep tensors alone")
        return found

    def _check_alive(self, before: Masks, now: Masks, hook: str) -> None:
        fine = now.keys() == before.keys() and all(mask.dtype is torch.bool for mask in now.values())
        self._check(fine, f"breaks the alive masks in {hook}", "keep a boolean mask for every synapse matrix")
        revived = sum(int((now[name] & ~before[name]).sum()) for name in before)
        counts = [sum(int(mask.sum()) for mask in masks.values()) for masks in (before, now)]
        # A layer that changes places takes its dead synapses along: the count stays.
        allowed = not revived or type(self).regrows or counts[0] == counts[1]  # type: ignore[attr-defined]
        remedy = "clear alive masks only, or set regrows = True in its class"
        self._check(allowed, f"revives {revived} dead synapses in {hook}", remedy)

    def _check_subject(self, subject: Subject, before: Mapping[str, Mapping[str, torch.Tensor]], hook: str) -> None:
        now = subject.state()
        shapes = [[(n, v.shape, v.dtype) for part in s.values() for n, v in part.items()] for s in (before, now)]
        remedy = "change values in place, such as weight.data.copy_(new)"
        self._check(list(now) == list(before) and shapes[0] == shapes[1], f"changes names, shapes or types in {hook}", remedy)
        finite = all(bool(torch.isfinite(v).all()) for part in now.values() for v in part.values() if v.is_floating_point())
        self._check(finite, f"leaves weights that are not finite in {hook}", "keep weights finite at every severity")

    def _check_health(self, healthy: bool, hook: str) -> None:
        self._check(healthy, f"changes something in {hook} at severity 0", "return the input as it is there: 0 is health")

    def _check(self, holds: bool, what: str, remedy: str) -> None:
        check(holds, self, what, remedy)


def _hooks(subject: Subject) -> int:
    modules = [subject.encoder, *(skill.head for skill in subject.skills.values())]
    parts = [part for module in modules for part in module.modules()]
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) + len(part._backward_hooks) for part in parts)

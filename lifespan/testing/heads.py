"""What the head of a task owes: layers, loss and answers that fit its outputs and the task's labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lifespan.contracts import Examples, Head, Task
from lifespan.stats.metrics import score
from lifespan.testing.specs import broken, check

if TYPE_CHECKING:
    import torch

WIDTH = 8
ROWS = 8


def check_head(task: Task, rows: Examples) -> None:
    """Raise `AssertionError` where the head does not learn or answer a few of these rows, on states drawn at random."""
    import torch

    head, few = task.head, rows.take(np.arange(min(ROWS, len(rows))))
    lengths = [len(row) for row in few.labels] if head.words else [1] * len(few)
    shape = (len(few), max(lengths) + 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        states = torch.randn(*(shape if head.reads == "tokens" else shape[:1]), WIDTH)
        answer = _asked(head, "module", lambda: head.module(WIDTH, 0.0)(states))
    wanted = (*states.shape[:-1], head.outputs)
    what = f"puts out {tuple(answer.shape)} for states of {tuple(states.shape)}"
    check(tuple(answer.shape) == wanted, head, what, f"let module end in `outputs` numbers, here {wanted}")
    _check_loss(head, few, answer, shape, lengths)
    if head.words or head.reads != "tokens":
        _check_answers(task, few, answer.detach().numpy(), lengths)


def _check_loss(head: Head, rows: Examples, answer: torch.Tensor, shape: tuple[int, int], lengths: list[int]) -> None:
    starts = [np.arange(1, length + 1) for length in lengths] if head.words else []
    targets = _asked(head, "targets", lambda: head.targets(rows.labels))
    labels = _asked(head, "batch", lambda: head.batch(targets, np.arange(len(rows)), shape, starts))
    loss = _asked(head, "loss", lambda: head.loss(answer, labels))
    fine = getattr(loss, "shape", None) == () and bool(loss.isfinite()) and loss.requires_grad
    check(fine, head, f"has the loss {loss!r}", "return the mean over the batch: one finite tensor, made of the outputs")


def _check_answers(task: Task, rows: Examples, outputs: np.ndarray, lengths: list[int]) -> None:
    head = task.head
    asked = _by_words(outputs, lengths) if head.words else outputs
    found = _asked(head, "answers", lambda: head.answers(asked))
    fine = isinstance(found, np.ndarray) and len(found) == len(rows)
    check(fine, head, f"has not one answer an example, {found!r}", "return an array with an entry for each row of outputs")
    for name in task.metrics:
        _asked(head, "answers", lambda name=name: score(name, found, np.asarray(rows.labels), outputs=asked))  # type: ignore[misc]
    none = _asked(head, "unanswered", lambda: head.unanswered(found))
    check(not none.any(), head, "takes answers for none", "let unanswered name those alone whose outputs are not finite")
    if not head.words:
        nothing = head.answers(np.full_like(asked, np.nan))
        remedy = "answer NaN, or lifespan.contracts.head.NO_ANSWER, where an output is not finite"
        check(bool(head.unanswered(nothing).all()), head, "answers from outputs that are not finite", remedy)


def _by_words(outputs: np.ndarray, lengths: list[int]) -> np.ndarray:
    made = np.empty(len(lengths), dtype=object)
    for place, length in enumerate(lengths):
        made[place] = outputs[place, 1 : length + 1]
    return made


def _asked(head: Head, name: str, call: Callable[[], Any]) -> Any:
    """What a method of the head returns; what it raises is told as its fault."""
    try:
        return call()
    except Exception as error:
        broken(
            head, f"fails in {name} ({type(error).__name__}: {error})", "see lifespan.contracts.head.Head for what it is given"
        )

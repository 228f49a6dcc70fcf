"""What an event says of its own cost, for `plan` and estimates: work, and bytes that it leaves in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lifespan.contracts import Corpus, Task


@dataclass(frozen=True)
class Work:
    """Optimizer steps of an event, the examples and tokens that they read.

    `language` is the part of the tokens that the language head reads, `overhead` the seconds of a step beside what every
    step takes.
    """

    optimizer_steps: int = 0
    examples: int = 0
    tokens: float = 0.0
    language: float = 0.0
    overhead: float = 0.0


@dataclass(frozen=True)
class Sizes:
    """Sizes of a subject: the number of its parameters and of its synapses, and the width of a token's state."""

    parameters: int
    synapses: int
    width: int

    @property
    def weights(self) -> int:
        """Bytes of all weights."""
        return 4 * self.parameters

    @property
    def masks(self) -> int:
        """Bytes of a mask over all synapses."""
        return self.synapses // 8

    def heads(self, tasks: Iterable[Task]) -> int:
        """Bytes of the heads of tasks."""
        return sum(4 * task.head.parameters(self.width) for task in tasks)


class Gauge(Protocol):
    """How long data are: (examples, mean tokens of one), cut at `length` tokens."""

    def task_tokens(self, task: Task, split: str, length: int) -> tuple[int, float]: ...

    def corpus_tokens(self, corpus: Corpus, length: int) -> tuple[int, float]: ...


def schooling(tasks: Sequence[Task], steps: int, batch: int, length: int, gauge: Gauge) -> Work:
    """The work of learning tasks in turn, `steps` steps together."""
    kinds = [gauge.task_tokens(task, task.splits[0], length) for task in tasks]
    parts = [(_seen(count, batch, steps / len(kinds)), tokens) for count, tokens in kinds]
    return Work(steps, round(sum(seen for seen, _ in parts)), sum(seen * tokens for seen, tokens in parts))


def _seen(count: int, batch: int, steps: float) -> float:
    """Examples in so many batches: an epoch ends with a smaller one."""
    return count * steps / -(-count // batch)

"""How a subject changes: learners with their plasticity, and pruners.

Part of `lifespan.contracts`, which says how the interfaces hang together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from lifespan.contracts.data import Moment, Task
from lifespan.contracts.spec import Spec

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Learner(Spec):
    """One kind of plasticity, with the hyperparameters that the training loop follows.

    Either `steps` or `epochs` (passes over the training examples) says how long to learn. `rate` is the peak learning rate of
    what this learner moves, `head_rate` that of the task head (None: the same); both rise linearly over the first `warmup`
    fraction of the steps and fall linearly to zero. `clip` is the largest global gradient norm.
    """

    steps: int | None = None
    epochs: float = 3.0
    batch_size: int = 32
    rate: float = 1e-4
    head_rate: float | None = None
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0

    citation: ClassVar[str] = ""
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it supports; empty: all. A plan refuses tasks of other kinds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps is not None:
            self.require_count("steps")
        self.require_positive("epochs")
        self.require_count("batch_size")
        self.require_positive("rate")
        if self.head_rate is not None:
            self.require_positive("head_rate", or_zero=True)
        self.require_fraction("warmup")
        self.require_positive("weight_decay", or_zero=True)
        self.require_positive("clip")

    @property
    @abstractmethod
    def plasticity(self) -> str:
        """What changes: "weights", "structure", "both", "head" or "adapter" (added parameters of the task's own)."""

    @abstractmethod
    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        """The plasticity that learns `tasks` (none in a development) for `steps` steps. Their skills exist already."""

    @property
    def leaves_mask(self) -> bool:
        """Whether a task's skill ends with a mask of its own."""
        return self.plasticity in ("structure", "both") and not self.moves_anatomy

    @property
    def moves_anatomy(self) -> bool:
        """Whether it moves the shared alive mask, which only `Recover` may do."""
        return False

    @property
    def learns_jointly(self) -> bool:
        """Whether it can learn several tasks at once."""
        return True

    @property
    def brings_strategy(self) -> bool:
        """Whether it has a way against forgetting of its own, so that none can be given beside it."""
        return False

    @property
    def moments(self) -> tuple[Moment, ...]:
        """Moments of the earlier life whose state this learner needs, through `subject.past`."""
        return ()

    @property
    def rate_of_heads(self) -> float:
        """The peak learning rate of the task head."""
        return self.rate if self.head_rate is None else self.head_rate

    def steps_for(self, examples: int) -> int:
        """Optimizer steps that this learner takes on so many training examples, all its rounds together."""
        return self.steps_of_round(examples)

    def steps_of_round(self, examples: int) -> int:
        """`steps`, or those of `epochs`: an epoch has `ceil(examples / batch_size)` batches, its last one may be smaller."""
        return self.steps or max(1, round(self.epochs * -(-examples // self.batch_size)))

    def lasting(self, *, steps: int, batch_size: int, rate: float) -> Learner:
        """The same learner with an event's own recipe."""
        return replace(self, steps=steps, batch_size=batch_size, rate=rate)


def counting_of_epochs(learner: Learner) -> dict[str, str]:
    """What an event that learns for `epochs` adds to its data, so that its digest differs from an earlier version's.

    In that version an epoch had `examples / batch_size` steps, rounded, which left batches out. Learners with `steps` are
    unchanged and add nothing.
    """
    return {"epochs_counted": "ceil"} if learner.steps is None else {}


class Plasticity:
    """A learner attached to one subject: the hooks that the training loop calls, in this order, at each step.

    `enter` before the forward pass writes the effective weights of a task into the encoder; `objective` may replace the
    task's own loss and `penalty` add to it; `translate` after the backward pass turns gradients on effective weights into
    gradients on this learner's own parameters; after the optimizer's step the loop calls `advance`. `settle` ends the
    learning and leaves the result in the subject.

    Where `cycle` is a number, the optimizer's state and the schedule of rates start afresh every `cycle` steps. One that is
    not `resumable` has no checkpoints: after a kill its learning begins anew, from the same draws.
    """

    cycle: int | None = None
    resumable: bool = True

    def feed(self, source: Any) -> Any:
        """The batches to learn from (a `Source`): those of the tasks, or others. Called once."""
        return source

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for the optimizer, each with its peak `lr` and `weight_decay`."""
        raise NotImplementedError("a Plasticity must say what moves")

    def enter(self, task: str | None) -> None:
        """Place the effective weights for a batch of this task."""

    def objective(self, task: str | None, batch: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
        """The mean loss of a batch, where it is not the one of the task's `Head`, or of development's `Objective` (None)."""
        return None

    def penalty(self) -> torch.Tensor | None:
        """A scalar added to the loss, or None."""
        return None

    def translate(self) -> None:
        """Turn the gradients of the backward pass into gradients of `groups()`."""

    def advance(self, step: int) -> None:
        """Act after an optimizer step (0-based)."""

    def report(self) -> dict[str, float]:
        """Numbers worth a row, by metric name, such as `flips` or `sparsity`."""
        return {}

    def warnings(self) -> list[str]:
        """Sentences for the user, such as that a recipe cannot flip any synapse."""
        return []

    def state(self) -> dict[str, torch.Tensor]:
        """Everything needed to go on after a kill, beside the optimizer's own state."""
        return {}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Restore a state written by `state`."""

    def settle(self) -> None:
        """End: restore what was frozen, leave the outcome (weights, skill, alive mask) in the subject."""


@dataclass(frozen=True, kw_only=True)
class Pruner(Spec):
    """Chooses which synapses live. It returns masks and changes nothing; the executor applies them.

    A pruner that removes whole units (heads, neurons, patterns) and so cannot reach every sparsity says `exact = False`; it
    comes as near to the sparsity as its units allow, never above it unless more was dead before. One that copies a task's
    mask says `copies = True`; the masks of tasks that are about to be learned anew are hidden from all others.
    """

    exact: ClassVar[bool] = True
    copies: ClassVar[bool] = False
    citation: ClassVar[str] = ""
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it supports; empty: all. A plan refuses tasks of other kinds."""

    @abstractmethod
    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Boolean masks by synapse matrix, True for alive, nested inside the subject's alive masks.

        Over all matrices, exactly `round(sparsity * synapses)` entries are False (see `exact`). `tasks` are those learned
        so far, for criteria that need data; draws come from `streams` only.
        """

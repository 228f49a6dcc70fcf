"""The interface of disorders and treatments, and what the hooks of a chronic one are given.

Part of `lifespan.contracts`, which says how the interfaces hang together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from lifespan.contracts.spec import Spec

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.data import Examples, Passage, Task
    from lifespan.contracts.learning import Plasticity, Pruner
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass
class Course:
    """The state of a learning event that hooks are given at a step: what they may read, and where they may keep state.

    `step` counts the optimizer steps of this event from 0, out of `steps`; `task` is the batch's (None: language). `memory`
    starts empty at every event and survives a kill; it holds only tensors. Draws come from `streams`, with `step` as counter.
    `warmup` is the fraction of the steps (of each cycle, where the plasticity has cycles) over which the healthy rate rises.
    """

    subject: Subject
    plasticity: Plasticity
    task: str | None
    step: int
    steps: int
    streams: Streams
    memory: dict[str, torch.Tensor]
    warmup: float = 0.0


@dataclass
class Regimen:
    """The optimizer's settings that a chronic disorder may alter for one step.

    `rate` and `clip` multiply the learning rates and the largest gradient norm; `betas` replaces those of AdamW.
    """

    rate: float = 1.0
    clip: float = 1.0
    betas: tuple[float, float] | None = None


AETIOLOGIES = (
    "structural initialisation",
    "weight initialisation",
    "optimiser dynamics",
    "pruning schedule",
    "plasticity",
    "noise and neuromodulation",
    "sensory deprivation",
    "data and curriculum",
    "degeneration",
    "treatment",
    "drug",
)
"""What a `Disorder` may come from: the values of its `aetiology`."""


class Companion:
    """Hooks that the training loop calls at each optimizer step; here they change nothing, and are to be overridden."""

    def batch(self, batch: dict[str, torch.Tensor], course: Course) -> dict[str, torch.Tensor]:
        """Return a training batch (`input_ids`, `attention_mask`, `labels`, ...), altered or not."""
        return batch

    def penalty(self, course: Course) -> torch.Tensor | None:
        """A scalar added to the loss, or None."""
        return None

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        """Alter `parameter.grad` in place, after the backward pass and before clipping. It may be None: then it stays."""

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        """Return the optimizer's settings for this step, altered or not."""
        return regimen

    def after(self, course: Course) -> None:
        """Act after the optimizer's step, on whatever it moved."""

    def activations(self, subject: Subject, streams: Streams, step: int) -> AbstractContextManager[object]:
        """Inside this block the encoder's forward pass is disturbed; afterwards it is as before."""
        return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Disorder(Companion, Spec):
    """A perturbation. `severity` in [0, 1] maps monotonically to native parameters; 0 equals health bit for bit.

    An instant disorder overrides `strike`; a chronic one the hooks that it needs, which act from onset to end. Hooks run in
    the order in which the disorders were declared, draw only from the streams given, and must return their input unchanged
    at severity 0.

        what is read       examples, passages (before an event's learning), batch (at each step)
        how it is learned  penalty, gradient, regimen, after (at each step)
        how it works       activations (at each forward pass, those of evaluations included)
        how it ages        ageing (at each `Age`), refit (at each `Recover`)

    A treatment is the same interface with a benign purpose. One that revives the share `severity` of the dead synapses
    says `regrows = True`; nothing else may.
    """

    severity: float = field(default=0.5)

    aetiology: ClassVar[str] = ""
    citation: ClassVar[str] = ""
    regrows: ClassVar[bool] = False
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it supports; empty: all. A plan refuses tasks of other kinds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("severity")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injure the subject at once, in place. Returns what was injured: `entries`, `norm` and other counts and sizes."""
        return {}

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        """Return the training rows of a task, altered or not. The number of optimizer steps stays the healthy twin's."""
        return examples

    def passages(self, passages: Sequence[Passage], streams: Streams) -> Sequence[Passage]:
        """Return the texts of a development, altered or not."""
        return passages

    def ageing(self, sparsity: float, pruner: Pruner, subject: Subject) -> tuple[float, Pruner]:
        """Return the sparsity that an `Age` is to reach and the pruner that chooses, altered or not."""
        return sparsity, pruner

    def refit(self, steps: int) -> int:
        """Return the number of optimizer steps of a `Recover`, altered or not; 0 leaves it out."""
        return steps

    def control(self) -> Disorder | None:
        """The matched control: the rival damage of equal size, or None where severity 0 is the control."""
        return None

    def healthy(self) -> Disorder:
        """The same disorder at severity 0."""
        return replace(self, severity=0.0)

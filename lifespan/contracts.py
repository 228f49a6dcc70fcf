"""The open families: the few interfaces behind which every method lives. Read this first.

A method is one small final class in one file that implements one of these interfaces. They stand here, except where a
module is named:

    Origin    where a subject comes from         -> a model and its tokenizer
    Task      labelled sentences or pairs        -> Examples of a split
    Corpus    unlabelled text                    -> passages
    Learner   one kind of plasticity             -> a Plasticity, which the one gradient loop steps
    Pruner    which synapses should live         -> masks, which the engine applies
    Disorder  a perturbation with a severity     -> changes through a narrow set of hooks (affliction.py; treatments too)
    Strategy  against forgetting                 -> a Guard, which the loop asks at each step (guarding.py)
    Measure   a look at the subject              -> Readings, changing nothing (measuring.py)
    Contrast  a look at two subjects at once     -> Readings, changing nothing (measuring.py)

Every one is a `Spec`: a frozen dataclass whose arguments are its configuration. Modules of the families import torch
inside their methods, so that a scenario can be read, planned and checked without it.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lifespan.affliction import AETIOLOGIES, Course, Disorder, Regimen
from lifespan.errors import DataError
from lifespan.guarding import Guard, Lesson, Strategy
from lifespan.measuring import Bulk, Contrast, Effort, Meaning, Measure, Reading
from lifespan.spec import Spec

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from lifespan.randomness import Streams
    from lifespan.subject import Subject


@dataclass(frozen=True)
class Body:
    """What an `Origin` gives birth to: a masked-language model around an encoder, and its tokenizer.

    `encoder` is the model without heads; `language` the masked-language model that shares its parameters; `pooler`, if
    the pre-trained model had one, the (weight, bias) of its dense pooling layer, from which task heads start.
    """

    encoder: PreTrainedModel
    language: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pooler: tuple[torch.Tensor, torch.Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Origin(Spec):
    """Where a subject comes from. `half_pays` says whether its matrices are large enough for bfloat16 to be faster."""

    half_pays: ClassVar[bool] = True

    @property
    def born_alike(self) -> bool:
        """Whether all individuals are born with the same weights, which they then share on disk."""
        return False

    @abstractmethod
    def build(self, streams: Streams) -> Body:
        """The newborn body. Random initialisation draws from `streams` only."""

    @abstractmethod
    def size(self) -> Mapping[str, int] | None:
        """Known sizes without building: `parameters`, `synapses`, `layers`, `width`. None when they cannot be told."""


@dataclass(frozen=True)
class Examples:
    """One split of a task, in the task's own order.

    `first` and `second` are sentences (`second` is None for single-sentence tasks); `labels` is an int64 array of class
    indices, or a float64 array of scores.
    """

    first: Sequence[str]
    second: Sequence[str] | None
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def take(self, index: np.ndarray) -> Examples:
        """The rows at these positions, in this order."""
        second = None if self.second is None else [self.second[i] for i in index]
        return Examples([self.first[i] for i in index], second, self.labels[index])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content: equal exactly when every sentence and label is."""
        sha = hashlib.sha256()
        for i, label in enumerate(self.labels.tolist()):
            pair = self.first[i] if self.second is None else f"{self.first[i]}\x1f{self.second[i]}"
            sha.update(f"{pair}\x1e{label!r}\n".encode())
        return sha.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Task(Spec):
    """Something to learn: classify, or score, sentences or sentence pairs.

    `train_examples` and `eval_examples` thin a split: a subset drawn once per task, the same for every individual, and
    nested (a smaller number is contained in a larger one).
    """

    train_examples: int | None = None
    eval_examples: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train_examples", "eval_examples"):
            if getattr(self, name) is not None:
                self.require_count(name)

    @property
    @abstractmethod
    def title(self) -> str:
        """The task's short name in rows and figures: lower case, unique within a life, such as "mrpc"."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """Names of the classes in index order. Empty for a task whose answer is a score."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of functions of `lifespan.metrics`, the primary one first."""

    @property
    def score_range(self) -> tuple[float, float]:
        """Smallest and largest possible answer of a score task."""
        return (0.0, 1.0)

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits with labels. The first is learned from; the second is scored by default."""
        return ("train", "dev")

    @abstractmethod
    def load(self, split: str) -> Examples:
        """All rows of a split. Raises `DataError` naming file, row and rule when the data is missing or malformed."""

    def examples(self, split: str) -> Examples:
        """The rows of a split, thinned as asked."""
        if split not in self.splits:
            raise DataError(self.describe(), f"has no split {split!r}.", f"Splits: {', '.join(self.splits)}.")
        rows = self.load(split)
        if len(rows) == 0:
            raise DataError(self.describe(), f"the split {split!r} is empty.")
        learned = split == self.splits[0] and split not in self.splits[1:]
        limit = self.train_examples if learned else self.eval_examples
        if limit is None or limit >= len(rows):
            return rows
        return rows.take(thinning(f"{self.title}/{split}/thinning", len(rows), limit))


def thinning(name: str, count: int, limit: int) -> np.ndarray:
    """Ascending positions of `limit` of `count` rows, drawn once for a name: nested for rising limits."""
    draw = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    return np.sort(draw.permutation(count)[:limit])


Passage = str | tuple[str, str]

Moment = str | int
"""A moment of a life: "birth", "development" (after the latest `Develop`), or after that many events (0: at birth)."""


@dataclass(frozen=True, kw_only=True)
class Corpus(Spec):
    """Unlabelled text to develop on."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The corpus's short name in rows and figures."""

    @abstractmethod
    def passages(self) -> Sequence[Passage]:
        """Texts, or pairs of texts that the model reads as two segments, in a fixed order."""


@dataclass(frozen=True, kw_only=True)
class Learner(Spec):
    """One kind of plasticity, with the recipe that the one gradient loop follows.

    Either `steps` or `epochs` says how long to learn. `rate` is the peak learning rate of what this learner moves,
    `head_rate` that of the task head (None: the same); both rise linearly over the first `warmup` fraction of the steps
    and fall linearly to zero. `clip` is the largest global gradient norm.
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
        """What changes: "weights", "structure", "both", "head" or "adapter" (tissue of the task's own)."""

    @abstractmethod
    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        """Prepare to learn `tasks` (none for masked-language modelling) for `steps` steps. Their skills exist already."""

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
        """Moments of the earlier life that this learner goes back to, through `subject.past`."""
        return ()

    @property
    def rate_of_heads(self) -> float:
        """The peak learning rate of the task head."""
        return self.rate if self.head_rate is None else self.head_rate

    def steps_for(self, examples: int) -> int:
        """Optimizer steps that this recipe takes on so many training examples."""
        return self.steps or max(1, round(self.epochs * examples / self.batch_size))

    def lasting(self, *, steps: int, batch_size: int, rate: float) -> Learner:
        """The same learner with an event's own recipe."""
        return replace(self, steps=steps, batch_size=batch_size, rate=rate)


class Plasticity:
    """A learner at work on one subject: what the loop calls, in this order, at each step.

    `enter` before the forward pass writes the effective weights of a task into the encoder; `objective` may replace the
    task's own loss and `penalty` add to it; `translate` after the backward pass turns gradients on effective weights into
    gradients on this learner's own parameters; after the optimizer's step the loop calls `advance`. `settle` ends the
    learning and leaves the result in the subject.

    Where `cycle` is a number, the optimizer's memory and the schedule of rates start afresh every `cycle` steps. One that is
    not `resumable` cannot go on in the middle: after a kill its learning begins anew, from the same draws.
    """

    cycle: int | None = None
    resumable: bool = True

    def feed(self, source: Any) -> Any:
        """The batches to learn from (`lifespan.batches`), once, before the first step: those of the tasks, or others."""
        return source

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for the optimizer, each with its peak `lr` and `weight_decay`."""
        raise NotImplementedError("a Plasticity must say what moves")

    def enter(self, task: str | None) -> None:
        """Place the effective weights for a batch of this task."""

    def objective(self, task: str | None, batch: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
        """The mean loss of a batch, where it is not the task's own (None: cross-entropy or squared error)."""
        return None

    def penalty(self) -> torch.Tensor | None:
        """A term added to the loss, if any."""
        return None

    def translate(self) -> None:
        """Turn the gradients of the backward pass into gradients of `groups()`."""

    def advance(self, step: int) -> None:
        """React to a finished optimizer step (0-based)."""

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
        """Take up a state written by `state`."""

    def settle(self) -> None:
        """End: restore what was frozen, leave the outcome (weights, skill, alive mask) in the subject."""


@dataclass(frozen=True, kw_only=True)
class Pruner(Spec):
    """Chooses which synapses live. It returns masks and changes nothing; the engine applies them.

    A pruner that removes whole units (heads, neurons, patterns) and so cannot meet every sparsity says `exact = False`; it
    comes as near to the sparsity as its units allow, never above it unless more was dead before. One that copies a task's
    mask says `copies = True`; the masks of tasks that are about to be learned anew are hidden from all others.
    """

    exact: ClassVar[bool] = True
    copies: ClassVar[bool] = False
    citation: ClassVar[str] = ""

    @abstractmethod
    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Boolean masks by synapse matrix, True for alive, nested inside the subject's alive masks.

        Over all matrices, exactly `round(sparsity * synapses)` entries are False (see `exact`). `tasks` are those learned
        so far, for criteria that need data; draws come from `streams` only.
        """


__all__ = [
    "AETIOLOGIES",
    "Body",
    "Bulk",
    "Contrast",
    "Corpus",
    "Course",
    "Disorder",
    "Effort",
    "Examples",
    "Guard",
    "Learner",
    "Lesson",
    "Meaning",
    "Measure",
    "Moment",
    "Origin",
    "Passage",
    "Plasticity",
    "Pruner",
    "Reading",
    "Regimen",
    "Strategy",
    "Task",
]

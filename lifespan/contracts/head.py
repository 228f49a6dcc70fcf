"""The interface of heads: what a task's answer is. And the two kinds that a `Task` has by itself: classes and a score.

Part of `lifespan.contracts`, which says how the interfaces hang together. Another kind is one class: see
`lifespan.tasks.tags` for one tag a word.
"""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from lifespan.contracts.spec import NOT_ARGUMENTS, Spec
from lifespan.errors import RecordError
from lifespan.stats.metrics import CLASS_METRICS

if TYPE_CHECKING:
    import torch
    from torch import nn

NO_ANSWER = -1
"""The class index of an answer that is none, because an output was not finite."""

Reads = Literal["first", "last", "tokens"]
"""Which token states a head reads: those of the first token, of the last, or of all tokens."""


@dataclass(frozen=True)
class Answered:
    """Answers in rows of numbers, for `examples/Outputs.parquet`: all arrays have one length, that of `logits`.

    `example` is the position of a row's text among those answered, `word` that of its word inside the text (None: a row is
    a whole text); `label` and `prediction` are class indices or scores (NaN: none); `right` is 1, 0, or NaN where neither.
    """

    example: np.ndarray
    label: np.ndarray
    prediction: np.ndarray
    right: np.ndarray
    logits: np.ndarray
    word: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Head(Spec):
    """What a task's answer is: the head's layers, the token states that they read, their loss, and what their outputs mean.

    `kind` names it in records, `reads` says which states it reads, `metrics` which functions of `lifespan.stats.metrics`
    fit its answers. Where labels belong to words (`words`), a text is its words with one space between them, and
    `Tokens.starts` gives each word's first token. A head that is not in the package must come from an importable one, so
    that `read` and `lifespan export` find its class again.

    The training loop, evaluation, stores and packs call these methods and know no kind of head. Defaults are those of a head
    of `outputs` numbers for a text; `loss`, `answers` and `targets` have none.
    """

    kind: ClassVar[str] = ""
    reads: ClassVar[Reads] = "first"
    words: ClassVar[bool] = False
    metrics: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers that the layers put out for each state that they read, at least 1."""

    def module(self, width: int, dropout: float) -> nn.Module:
        """The layers, from states (..., width) to outputs (..., `outputs`): dense, tanh, dropout, linear, as BERT's.

        What is drawn here is drawn over again by `initialise`.
        """
        from torch import nn

        return _named(
            dense=nn.Linear(width, width),
            activation=nn.Tanh(),
            dropout=nn.Dropout(dropout),
            output=nn.Linear(width, self.outputs),
        )

    def initialise(
        self, module: nn.Module, pooler: tuple[torch.Tensor, torch.Tensor] | None, generator: torch.Generator
    ) -> None:
        """Draw the layers anew: normal with sigma 0.02, biases zero; a layer `dense` from the pre-trained pooler, if any."""
        import torch
        from torch import nn

        with torch.no_grad():
            for layer in (part for part in module.modules() if isinstance(part, nn.Linear)):
                layer.weight.normal_(0.0, 0.02, generator=generator)
                if layer.bias is not None:
                    layer.bias.zero_()
            dense = getattr(module, "dense", None)
            if pooler is not None and isinstance(dense, nn.Linear) and dense.weight.shape == pooler[0].shape:
                dense.weight.copy_(pooler[0])
                dense.bias.copy_(pooler[1])

    def parameters(self, width: int) -> int:
        """Number of the layers' parameters, for estimates."""
        return width * (width + 1) + self.outputs * (width + 1)

    def pick(self, states: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """What the layers read of token states (batch, length, width); `real` (batch, length) is 1 at tokens, 0 at padding.

        Not called where the first token is read: then only its state is computed.
        """
        if self.reads == "first":
            return states[:, 0]
        if self.reads == "last":
            last = real.sum(-1) - 1
            return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[-1]))[:, 0]
        return states

    @abstractmethod
    def targets(self, labels: np.ndarray) -> Any:
        """Labels as they are learned, one entry an example: a tensor, or whatever `batch` takes rows of."""

    def batch(self, targets: Any, index: np.ndarray, shape: tuple[int, ...], starts: Sequence[np.ndarray]) -> torch.Tensor:
        """The targets of the examples at `index` as a batch's labels.

        `shape` is that of the batch's tokens (batch, length), `starts` where each word of each of these texts begins (-1: it
        was cut away); empty where labels do not belong to words.
        """
        labels: torch.Tensor = targets[index]
        return labels

    @abstractmethod
    def loss(self, answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean loss of a batch: of outputs in float32, and labels as `batch` made them."""

    def labelled(self, labels: torch.Tensor) -> int:
        """How many labels the mean of `loss` is over."""
        return len(labels)

    def distance(self, answer: torch.Tensor, taught: torch.Tensor, real: torch.Tensor, temperature: float) -> torch.Tensor:
        """Mean distance of outputs from a teacher's, for distillation: squared error. `real` is 1 at tokens, 0 at padding."""
        from torch.nn import functional

        return functional.mse_loss(answer, taught)

    def log_probabilities(self, answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor | None:
        """Log-probabilities (labels, classes) that outputs give to each label's classes.

        None where outputs are the means of normal laws of variance 1.
        """
        return None

    @abstractmethod
    def answers(self, logits: np.ndarray) -> np.ndarray:
        """What outputs (examples, `outputs`) mean, one entry an example, in the terms of the task's labels.

        With `words` the array holds objects: for each example the outputs (words, `outputs`), NaN at words cut away.
        """

    def unanswered(self, answers: np.ndarray) -> np.ndarray:
        """Which of these answers are none, because outputs were not finite: bool (examples,). Here: NaN, and `NO_ANSWER`."""
        if np.issubdtype(answers.dtype, np.integer):
            none: np.ndarray = answers == NO_ANSWER
            return none
        if not np.issubdtype(answers.dtype, np.floating):
            return np.zeros(len(answers), dtype=bool)
        missing: np.ndarray = ~np.isfinite(answers)
        return missing

    def readable(self, answers: np.ndarray, labels: Sequence[str]) -> list[Any]:
        """Answers as people read them; `labels` are the task's. As plain Python objects, if not said otherwise."""
        return list(answers.tolist())

    def table(self, logits: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> Answered:
        """Outputs, answers and labels as rows of numbers. Here a row is an example, right where the answer is its label."""
        none = self.unanswered(predicted)
        right = np.where(none, np.nan, predicted == labels)
        answers = np.where(none, np.nan, predicted.astype(float))
        return Answered(np.arange(len(labels)), labels.astype(float), answers, right, logits)

    def complaint(self, labels: np.ndarray) -> str:
        """What is wrong with a split's labels, in words that follow "has"; empty where nothing is."""
        return ""


@dataclass(frozen=True, kw_only=True)
class ClassHead(Head):
    """One of `count` classes for a text: softmax over a head on the first token's state, cross-entropy."""

    kind = "classes"
    metrics = CLASS_METRICS

    count: int

    @property
    def outputs(self) -> int:
        return self.count

    def targets(self, labels: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(labels)

    def loss(self, answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.cross_entropy(answer, labels)

    def distance(self, answer: torch.Tensor, taught: torch.Tensor, real: torch.Tensor, temperature: float) -> torch.Tensor:
        """T**2 KL(teacher || student) of answers softened at temperature T (Hinton et al. 2015)."""
        return softened_divergence(answer, taught, temperature)

    def log_probabilities(self, answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor | None:
        return answer.log_softmax(-1)

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """Indices of classes (int64); `NO_ANSWER` where an output is not finite."""
        return np.where(np.isfinite(logits).all(axis=1), logits.argmax(axis=1), NO_ANSWER)

    def readable(self, answers: np.ndarray, labels: Sequence[str]) -> list[Any]:
        """Names of classes."""
        return [labels[index] for index in answers]

    def complaint(self, labels: np.ndarray) -> str:
        fine = labels.dtype == np.int64 and bool(((labels >= 0) & (labels < self.count)).all())
        return "" if fine else f"labels that are no class index: give int64 from 0 to {self.count - 1}"


@dataclass(frozen=True, kw_only=True)
class ScoreHead(Head):
    """A number in [`low`, `high`] for a text: a head of one output on the first token's state, squared error.

    It is learned on a scale of 0 to 1, so that one learning rate fits classes and scores.
    """

    kind = "score"
    metrics = ("pearson", "spearman")

    low: float = 0.0
    high: float = 1.0

    @property
    def outputs(self) -> int:
        return 1

    def targets(self, labels: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(((labels - self.low) / (self.high - self.low)).astype(np.float32))

    def loss(self, answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.mse_loss(answer.squeeze(-1), labels.float())

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """Scores clipped to the range (float64); NaN where an output is not finite."""
        scores = self.low + (self.high - self.low) * logits[:, 0].astype(np.float64)
        return np.where(np.isfinite(scores), np.clip(scores, self.low, self.high), np.nan)

    def table(self, logits: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> Answered:
        """A score is neither right nor wrong."""
        unknown = np.full(len(labels), np.nan)
        return Answered(np.arange(len(labels)), labels.astype(float), predicted.astype(float), unknown, logits)

    def complaint(self, labels: np.ndarray) -> str:
        fine = labels.dtype == np.float64 and bool(((labels >= self.low) & (labels <= self.high)).all())
        return "" if fine else f"labels outside its score_range: give float64 from {self.low:g} to {self.high:g}"


def softened_divergence(answer: torch.Tensor, taught: torch.Tensor, temperature: float) -> torch.Tensor:
    """T**2 KL(softmax(taught / T) || softmax(answer / T)), the mean over rows."""
    from torch.nn import functional

    student = functional.log_softmax(answer / temperature, dim=-1)
    teacher = functional.log_softmax(taught / temperature, dim=-1)
    return temperature**2 * functional.kl_div(student, teacher, reduction="batchmean", log_target=True)


def head_of(facts: Mapping[str, Any], where: str, known: Sequence[type[Head]] | None = None) -> Head:
    """The head that a checkpoint or a pack describes: by `head`, the data of its spec, or else by the number `outputs`.

    0 outputs are a score, others classes. Its class is one of `known` (None: all that are loaded, or that an
    installed package exports). Raises `RecordError` where there is none.
    """
    data = facts.get("head")
    if data is None:
        return ClassHead(count=facts["outputs"]) if facts["outputs"] else ScoreHead()
    recorded = str(data.get("class")) if isinstance(data, Mapping) else ""
    kind = _kind(recorded, known)
    if kind is None or data.get("revision") != kind.revision:
        what = f"has a head {recorded!r} that is not known here." if kind is None else f"has another revision of {recorded!r}."
        name = recorded.rpartition(":")[2]
        way = (
            "Import the module that defines it first"
            if known is None
            else f"Hand in its class, load_pack(..., heads=({name},))"
        )
        raise RecordError(where, what, f"{way}, and use the version that wrote it.")
    arguments = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items() if name not in NOT_ARGUMENTS}
    try:
        return kind(**arguments)
    except Exception as error:
        raise RecordError(where, f"has arguments that do not fit {recorded!r} ({error}).") from None


def head_data(head: Head) -> dict[str, Any]:
    """What `head_of` needs beside the number of outputs: nothing for classes and for a score from 0 to 1."""
    plain = isinstance(head, ClassHead) or head == ScoreHead()
    return {} if plain and type(head) in (ClassHead, ScoreHead) else {"head": head.to_data()}


def outputs_of(head: Head) -> int:
    """The number that checkpoints and packs keep as `outputs`: 0 for a score, else the head's own."""
    return 0 if isinstance(head, ScoreHead) else head.outputs


def _kind(recorded: str, known: Sequence[type[Head]] | None) -> type[Head] | None:
    kinds = _below() if known is None else known
    found = [kind for kind in kinds if recorded in _names(kind)]
    module, _, name = recorded.partition(":")
    package = module.partition(".")[0]
    if not found and known is None and all(part.isidentifier() for part in module.split(".")) and package != "scenario":
        for place in dict.fromkeys((package, module)):
            try:
                exported = getattr(importlib.import_module(place), name, None)
            except ImportError:
                continue
            found += [exported] if isinstance(exported, type) and issubclass(exported, Head) else []
    # A scenario file that was read twice defined its classes twice.
    return found[-1] if found else None


def _names(kind: type[Head]) -> tuple[str, str]:
    """How a class is recorded: by its module, or, in older records and for classes of this package, by its package."""
    return f"{kind.__module__}:{kind.__qualname__}", f"{kind.__module__.split('.')[0]}:{kind.__qualname__}"


def _below(kind: Any = Head) -> Iterator[type[Head]]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)


def _named(**layers: nn.Module) -> nn.Module:
    from collections import OrderedDict

    from torch import nn

    return nn.Sequential(OrderedDict(layers))

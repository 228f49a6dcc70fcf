"""What a subject looks like at an age: its weights, its units, and what its heads attend to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lifespan.contracts import Bulk, Meaning, Reading, Task
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Masks, Subject
    from lifespan.model.anatomy import Layer
    from lifespan.randomness import Streams
    from lifespan.training.batches import Tokens

NUMBERS = ("layer", "unit", "row", "column", "edge", "value")
"""Columns of numbers in `examples/Portrait.parquet`."""


@dataclass(frozen=True, kw_only=True)
class Portrait(TaskMeasure):
    """A picture of the subject at each evaluation, for `examples/Portrait.parquet`, `record.plot.portrait` and the report.

    Rows have the columns part, task, name, layer (0 is nearest to the input), unit, row, column, edge and value. By part:

    - `weights`: how many living weights of a matrix (`name`: its kind) lie in a bin; with a task, of those that the task's
      mask leaves on. `unit` numbers the bins, `edge` is a bin's lower end: `bins` equal ones from -`reach` to `reach`, the
      same at every age, and one on either side for what lies beyond. Scores of masks end with the event that learns them.
    - `heads`, `neurons`: the sparsity of each (`unit`), in [0, 1], in the anatomy and, with a task, inside its mask too.
    - `attention`: what head `unit` of a layer gives, from the token at `row` to that at `column`; sums to 1 in each row.
      `name` numbers the sentence. It needs an encoder that can tell it, as those of transformers can.
    - `tokens`: the tokens (`name`) of sentence `unit`, by `row`.

    Sentences are the first `shown` of each task learned that have at most `longest` tokens (where none has, the shortest), or
    `texts`, which are also shown to the anatomy alone (task empty).
    As rows of the record: `norm/<k>`, the mean Euclidean norm of the token states of `examples` sentences after layer k (0:
    embeddings). `read(DIR).examples("Portrait")` is a pandas table.
    """

    meanings = (
        Meaning("norm/*", "mean norm of token states after a layer, 0 the embeddings", "[0, inf)", "steady over life"),
    )
    cost = "1 forward pass over a few sentences, a pass over the weights, and some kilobytes"

    texts: tuple[str, ...] = ()
    shown: int = 1
    examples: int | None = 16
    longest: int = 24
    bins: int = 40
    reach: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        fine = isinstance(self.texts, tuple) and all(isinstance(text, str) and text.strip() for text in self.texts)
        self.require("texts", fine, 'must be a tuple of texts, such as ("the old man sees a dog",).')
        self.require_count("shown", at_least=0)
        self.require_count("longest", at_least=3)
        self.require_count("bins", at_least=2)
        self.require_positive("reach")

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading | Bulk]:
        from lifespan.model.anatomy import anatomy_of

        layers = anatomy_of(subject.encoder)
        own = [title for title, _, _ in self.learned(subject, tasks) if subject.skills[title].mask is not None]
        for title in ("", *own):
            masks = subject.alive if not title else subject.effective(title)
            if masks is not None:
                yield from self._weights(subject, title, layers, masks)
                yield from _units(title, layers, masks)
        for title, tokens in self._sentences(subject, tasks):
            yield from self._states(subject, title, tokens)

    def _weights(self, subject: Subject, task: str, layers: Sequence[Layer], masks: Masks) -> Iterator[Bulk]:
        import numpy as np

        from lifespan.model.anatomy import kinds_of
        from lifespan.stats.masks import KINDS

        edges = np.concatenate([[-np.inf], np.linspace(-self.reach, self.reach, self.bins + 1)])
        for place, layer in enumerate(layers):
            for matrix, kinds in kinds_of(layer).items():
                name = " and ".join(kind for kind in KINDS if kind in kinds)
                weights = subject.synapses[matrix].detach()[masks[matrix]].float()
                counts = _counts(weights, self.bins, self.reach)
                yield _bulk("weights", task, name, layer=place, unit=np.arange(len(edges)), edge=edges, value=counts)

    def _sentences(self, subject: Subject, tasks: Mapping[str, Task]) -> Iterator[tuple[str, Tokens]]:
        """(task, tokens) of every sentence that is looked at."""
        from lifespan.training.batches import Tokens
        from lifespan.training.evaluation import tokenised

        if self.texts:
            yield "", Tokens(subject.tokenizer, self.texts, None, self.length)
        for title, task, split in self.learned(subject, tasks):
            if self.texts:
                yield title, Tokens(subject.tokenizer, self.texts, None, self.length)
            else:
                yield title, tokenised(task, split, self.length, subject.tokenizer, self.examples)[1]

    def _states(self, subject: Subject, task: str, tokens: Tokens) -> Iterator[Reading | Bulk]:
        """Norms over all sentences, attention in the first ones."""
        import numpy as np
        import torch

        from lifespan.model.attention import told_attention
        from lifespan.model.forward import autocast

        batch = {name: value.to(subject.device) for name, value in tokens.collate(np.arange(len(tokens.lengths))).items()}
        with torch.inference_mode(), subject.wearing(task or None), told_attention(subject.encoder), autocast(subject):
            found = subject.encoder(**batch, output_hidden_states=True, output_attentions=True)
        real = batch["attention_mask"].bool()
        for layer, states in enumerate(found.hidden_states):
            yield Reading(f"norm/{layer}", float(states.float().norm(dim=-1)[real].mean()), int(real.sum()), task)
        for sentence, place in enumerate(self._shown(tokens)):
            length = int(tokens.lengths[place])
            words = subject.tokenizer.convert_ids_to_tokens(batch["input_ids"][place, :length].tolist())
            yield _bulk("tokens", task, np.array(words), unit=sentence, row=np.arange(length))
            for layer, maps in enumerate(found.attentions or ()):
                yield _maps(task, str(sentence), layer, maps[place, :, :length, :length].float().cpu().numpy())

    def _shown(self, tokens: Tokens) -> list[int]:
        """Positions of the sentences whose attention is shown."""
        if self.texts:
            return list(range(len(tokens.lengths)))
        short = [place for place, length in enumerate(tokens.lengths) if length <= self.longest]
        return (short or [int(tokens.lengths.argmin())])[: self.shown]


def _units(task: str, layers: Sequence[Layer], masks: Masks) -> Iterator[Bulk]:
    """Sparsity of every head and neuron."""
    import numpy as np
    import torch

    for place, layer in enumerate(layers):
        for units in (layer.heads, layer.neurons):
            own = {name: masks[name].double() for name in units.matrices}
            size = units.total({name: torch.ones_like(mask) for name, mask in own.items()})
            dead = (1 - units.total(own) / size).cpu().numpy()
            yield _bulk(units.kind, task, "", layer=place, unit=np.arange(units.number), value=dead)


def _counts(weights: torch.Tensor, bins: int, reach: float) -> Any:
    """How many weights lie below -reach, in each of the bins, and above reach; (bins + 2,)."""
    import numpy as np

    values = weights.cpu().numpy()
    inside = np.histogram(values, bins=bins, range=(-reach, reach))[0]
    return np.concatenate([[(values < -reach).sum()], inside, [(values > reach).sum()]]).astype(float)


def _maps(task: str, sentence: str, layer: int, maps: Any) -> Bulk:
    """Attention of all heads of a layer in one sentence, (heads, length, length)."""
    import numpy as np

    unit, row, column = np.indices(maps.shape)
    # Five digits are all that a picture shows, and take a third of the space.
    value = np.round(maps.astype(float), 5).ravel()
    return _bulk(
        "attention", task, sentence, layer=layer, unit=unit.ravel(), row=row.ravel(), column=column.ravel(), value=value
    )


def _bulk(part: str, task: str, name: Any, **columns: Any) -> Bulk:
    """Rows of one part; numbers that it does not have are null."""
    import numpy as np

    arrays = {key: np.asarray(value) for key, value in columns.items()}
    count = max(len(value) for value in arrays.values() if value.ndim)
    texts = {"part": part, "task": task, "name": name}
    numbers = {key: arrays.get(key, np.asarray(np.nan)).astype(float) for key in NUMBERS}
    whole = {
        key: np.full(count, value) if np.ndim(value) == 0 else np.asarray(value) for key, value in (texts | numbers).items()
    }
    return Bulk(whole)

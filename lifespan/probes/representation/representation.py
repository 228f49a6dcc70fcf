"""Similarity of two subjects' representations of the same sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Contrast, Corpus, Effort, Meaning, Reading, Task, thinning
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    import numpy as np

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams
    from lifespan.training.batches import Tokens


@dataclass(frozen=True, kw_only=True)
class RepresentationSimilarity(Contrast):
    """Linear CKA (Kornblith et al. 2019) and RSA (Kriegeskorte et al. 2008) of two subjects, layer by layer.

    For every task that both have learned, on `examples` examples of its second split, each subject with its own effective
    weights for the task; and, where `corpus` gives texts, for the anatomy alone (task empty). A sentence's state is the mean
    over its tokens (`pool="mean"`) or its first token's ("first"). Metrics `cka/<k>`, `cka_debiased/<k>` and `rsa/<k>`: k = 0
    the embeddings, then the layers from the input on. 1 is equal up to rotation and scale (CKA), or in what is near to what
    (RSA). Plain CKA of unrelated states is far above 0 unless `examples` are many beside the width: compare subjects of one
    width by it, and read the debiased one for how much is shared.
    """

    citation = "kornblith2019similarity"
    meanings = (
        Meaning("cka/*", "linear centred kernel alignment of a layer's states", "[0, 1]", "near 1: the layer did not change"),
        Meaning("cka_debiased/*", "the same from unbiased estimates", "(-inf, inf), 0 by chance", "near 1"),
        Meaning("rsa/*", "rank correlation of dissimilarities between sentences", "[-1, 1]", "near 1"),
    )
    cost = "1 forward pass over the examples by each subject"

    corpus: Corpus | None = None
    pool: Literal["mean", "first"] = "mean"
    examples: int = 200
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.corpus is not None:
            self.require_a("corpus", Corpus, "RepresentationSimilarity(corpus=MicroText())")
        self.require_literal("pool")
        self.require_count("examples", at_least=4)
        self.require_count("length", at_least=8)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        sources: list[Task | Corpus] = [*tasks, *([] if self.corpus is None else [self.corpus])]
        return [Effort(source, 2.0, examples=self.examples, length=self.length) for source in sources]

    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.training.evaluation import tokenised

        if self.corpus is not None:
            yield from self._readings("", self._texts(first), first, second)
        for title, task in tasks.items():
            if title in first.skills and title in second.skills:
                _, tokens = tokenised(task, task.splits[1], self.length, first.tokenizer, self.examples)
                yield from self._readings(title, tokens, first, second)

    def _texts(self, subject: Subject) -> Tokens:
        from lifespan.training.batches import passage_tokens

        assert self.corpus is not None
        passages = list(self.corpus.passages())
        chosen = [passages[i] for i in thinning(f"{self.corpus.title}/looking", len(passages), self.examples)]
        return passage_tokens(subject.tokenizer, chosen, self.length)

    def _readings(self, task: str, tokens: Tokens, first: Subject, second: Subject) -> Iterator[Reading]:
        from lifespan.stats.similarity import cka, debiased_cka, rsa

        states = [pooled_states(subject, task or None, tokens, self.pool) for subject in (first, second)]
        for layer, (one, other) in enumerate(zip(*states, strict=True)):
            yield Reading(f"cka/{layer}", cka(one, other), len(one), task)
            yield Reading(f"cka_debiased/{layer}", debiased_cka(one, other), len(one), task)
            yield Reading(f"rsa/{layer}", rsa(one, other), len(one), task)


def pooled_states(subject: Subject, task: str | None, tokens: Tokens, pool: str) -> list[np.ndarray]:
    """States of every sentence after the embeddings and after each layer, (sentences, width) each, in the sentences' order.

    `pool` is "mean" over real tokens, or "first" token. The subject has its effective weights for the task (None: the
    anatomy).
    """
    import numpy as np
    import torch

    from lifespan.model.forward import autocast
    from lifespan.training.evaluation import by_tokens

    found: list[np.ndarray] = []
    with torch.inference_mode(), subject.wearing(task), autocast(subject):
        for index in by_tokens(subject, tokens.lengths):
            batch = {name: value.to(subject.device) for name, value in tokens.collate(index).items()}
            layers = subject.encoder(**batch, output_hidden_states=True).hidden_states
            real = batch["attention_mask"][:, :, None].float()
            for layer, states in enumerate(layers):
                pooled = (states.float() * real).sum(1) / real.sum(1) if pool == "mean" else states[:, 0].float()
                if len(found) <= layer:
                    found.append(np.empty((len(tokens.lengths), pooled.shape[-1])))
                found[layer][index] = pooled.cpu().numpy()
    return found

"""Curvature of the loss at a subject's weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Reading, Task
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.probes.landscape._curvature import Product
    from lifespan.randomness import Streams
    from lifespan.training.batches import Batch


@dataclass(frozen=True, kw_only=True)
class Sharpness(TaskMeasure):
    """Trace and top eigenvalue of the Hessian of every learned task's loss, in its effective synapses.

    The Hessian is of the task's mean loss over `examples` examples of its training split (unless `split` says otherwise),
    dropout off, in fp32, with respect to the living synapses in the task's mask, at W x alive x skill; head, biases,
    LayerNorms and embeddings are held. `hessian_trace` is Hutchinson's estimate over `draws` sign vectors (with
    `hessian_trace/se`), `top_eigenvalue` that of largest absolute value, by at most `iterations` Lanczos iterations. Both grow
    with the scale of the weights falling: compare ages and twins, not architectures (Dinh et al. 2017).
    """

    citation = "yao2020pyhessian"
    meanings = (
        Meaning(
            "hessian_trace",
            "sum of the loss's curvatures over the synapses",
            "(-inf, inf)",
            "small: a flat place",
            better="lower",
            outcome="Hessian trace",
        ),
        Meaning("hessian_trace/se", "standard error of its estimate", "[0, inf)", "far below the trace"),
        Meaning(
            "top_eigenvalue",
            "largest curvature in absolute value",
            "(-inf, inf)",
            "small, and above 0: no saddle",
            better="lower",
        ),
    )
    cost = "about 8 forward passes over the examples for every draw and iteration"

    draws: int = 8
    iterations: int = 20
    examples: int | None = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("draws")
        self.require_count("iterations", at_least=2)

    @property
    def passes(self) -> float:
        return 8.0 * (self.draws + self.iterations)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(task, self.passes, self.split or task.splits[0], self.examples, self.length) for task in tasks]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.probes.landscape._curvature import top_eigenvalue, trace, twice_differentiable
        from lifespan.probes.landscape._losses import batches_of

        for title, task, _ in self.learned(subject, tasks):
            split = self.split or task.splits[0]
            batches = batches_of(subject, task, split, self.length, self.examples)
            n = sum(len(batch["labels"]) for batch in batches)
            mask = subject.effective(title)
            like = [w.detach().new_ones(w.shape) * (True if mask is None else mask[m]) for m, w in subject.synapses.items()]
            with twice_differentiable(subject), subject.wearing(title):
                product = self._hessian(subject, title, batches)
                value, error = trace(product, like, self.draws, streams.torch("evaluation", 0))
                top, _ = top_eigenvalue(product, like, self.iterations, streams.torch("evaluation", 1))
            yield Reading("hessian_trace", value, n, title, split)
            yield Reading("hessian_trace/se", error, n, title, split)
            yield Reading("top_eigenvalue", top, n, title, split)

    def _hessian(self, subject: Subject, title: str, batches: list[Batch]) -> Product:
        """Products with the Hessian of the mean loss, summed batch by batch to spare memory."""
        from lifespan.model.forward import batch_loss
        from lifespan.probes.landscape._curvature import Vector, hessian_of

        parameters = list(subject.synapses.values())
        counts = [subject.skills[title].form.labelled(batch["labels"]) for batch in batches]

        def product(vector: Vector) -> Vector:
            total: list[torch.Tensor] = [part * 0 for part in vector]
            for batch, count in zip(batches, counts, strict=True):
                share = count / sum(counts)
                found = hessian_of(partial(batch_loss, subject, title, batch), parameters)(vector)
                total = [sum_ + share * part.detach() for sum_, part in zip(total, found, strict=True)]
            return total

        return product

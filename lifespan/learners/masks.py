"""Learning by structure: one binary mask per task over weights that stay frozen, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.learners._masks import MaskChange
    from lifespan.randomness import Streams

Start = Literal["magnitude", "random", "two-level", "uniform"]


@dataclass(frozen=True, kw_only=True)
class Masks(Learner):
    """A mask per task, learned through a threshold with the identity straight-through estimator.

    Piggyback (Mallya et al. 2018, equations 2-4), on BERT by Zhao et al. (2020) and Radiya-Dixit & Wang (2020). Effective
    weight = W x alive x [score > cut]; W, biases, LayerNorm and embeddings are frozen; the task's head (its dense layer
    included) is trained at `head_rate`.

    `sparsity` is the fraction of living synapses off at the start. With `select="threshold"` the cut stays and sparsity
    drifts, unless `target` is given: then a controller moves the cut along a cubic schedule to end exactly there.
    `select="topk"` holds the number of synapses on at `target` (None: at `sparsity`), exactly at the end.

    `start`: "magnitude" grades scores by the rank of abs(W) inside its matrix, `threshold + spread * (rank - sparsity)`;
    "random" grades them by a random rank; "two-level" is Zhao's, 0 or twice the threshold; "uniform" is Mallya's, all on.

    The law of flips: Adam moves a score by about `rate` a step, so a synapse flips only if its distance to the cut is
    below the summed rates. Flips are reported; a recipe that can flip less than one synapse in a thousand warns.
    """

    citation = "mallya2018piggyback"

    epochs: float = 3.0
    rate: float = 3e-4
    head_rate: float | None = 5e-4
    sparsity: float = 0.05
    target: float | None = None
    select: Literal["threshold", "topk"] = "threshold"
    start: Start = "magnitude"
    threshold: float = 1e-2
    spread: float = 2e-2
    refresh: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("sparsity", below_one=True)
        if self.target is not None:
            self.require_fraction("target", below_one=True)
        self.require_literal("select")
        self.require_literal("start")
        self.require_positive("threshold")
        self.require_positive("spread")
        self.require_count("refresh")
        uniform = self.start == "uniform" and self.sparsity > 0
        self.require("start", not uniform, "starts with every synapse on.", "Write sparsity=0.0 with it.")

    @property
    def plasticity(self) -> str:
        return "structure"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        return self.change(subject, tasks, steps, streams)

    def change(
        self,
        subject: Subject,
        tasks: Sequence[Task],
        steps: int,
        streams: Streams,
        *,
        train_weights: float | None = None,
    ) -> MaskChange:
        """The plasticity that moves scores (and weights at the rate `train_weights`, if given)."""
        from lifespan.learners._masks import MaskChange, Pace
        from lifespan.learners._selection import Rule
        from lifespan.learners._starts import starting_scores

        goal = self.target if self.target is not None else (self.sparsity if self.select == "topk" else None)
        rule = Rule(cut=self.threshold, first=self.sparsity, target=goal, refresh=self.refresh)
        if self.select == "topk" and goal != self.sparsity:
            rule = Rule(first=goal or 0.0, target=goal, refresh=self.refresh)
        return MaskChange(
            subject,
            tasks,
            scores=starting_scores(self, subject, streams),
            eligible=subject.alive,
            rule=rule,
            pace=Pace(self.rate, self.rate_of_heads, train_weights, self.weight_decay),
            steps=steps,
        )

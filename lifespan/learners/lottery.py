"""Lottery tickets: prune what learned least, rewind the rest, learn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Moment, Plasticity, Task
from lifespan.errors import ScenarioError
from lifespan.model.history import require_moment

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Lottery(Learner):
    """Iterative magnitude pruning with rewinding (Frankle & Carbin 2019, section 1; on BERT Chen et al. 2020, algorithm 1).

    `rounds` times: learn by weights, then drop the smallest abs(W) of all matrices together and rewind whatever moved;
    after a last learning the ticket is the mask of the task's skill. `sparsity` in [0, 1) is the fraction of the living
    synapses outside the ticket at the end; after round r of n it is `1 - (1 - sparsity)**(r / n)`, so that every round
    drops the same share of what is left.

    `rewind` says to which weights: "start", those with which this learning began, or a moment of the life, such as "birth"
    or "development" (Frankle et al. 2020 rewind to an early step of training). The first round always learns from the
    weights as they are. The head is reset to its own start, and optimizer and rates start afresh every round; batches
    go on. `steps` and `epochs` count one round: `Learn` takes `rounds + 1` times as many. `Develop` and `Recover`, which
    say their steps themselves, share them out among the rounds.

    Weights inside the ticket end as trained, like embeddings, biases and LayerNorm; those outside end as rewound. Other
    tasks' skills, which stand on the same weights, lose what they needed of them. Dead synapses stay as they are.
    """

    citation = "frankle2019lottery"

    sparsity: float = 0.5
    rounds: int = 3
    rewind: Moment = "start"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("sparsity", below_one=True)
        self.require_count("rounds")
        require_moment(self, "rewind", also=("start",))

    @property
    def plasticity(self) -> str:
        return "both"

    @property
    def moments(self) -> tuple[Moment, ...]:
        return () if self.rewind == "start" else (self.rewind,)

    def steps_for(self, examples: int) -> int:
        """Optimizer steps of all rounds and of the last learning."""
        return self.steps_of_round(examples) * (self.rounds + 1)

    def outside(self, done: int, count: int) -> int:
        """How many of `count` living synapses are outside the ticket after `done` rounds.

        >>> [Lottery(sparsity=0.488, rounds=3).outside(done, 1000) for done in (1, 2, 3)]
        [200, 360, 488]
        """
        share = self.sparsity if done == self.rounds else 1 - (1 - self.sparsity) ** (done / self.rounds)
        return round(share * count)

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._lottery import LotteryChange

        cycles = self.rounds + 1
        if steps % cycles:
            what = f"learns {cycles} times for equally long, which {steps} steps do not allow."
            raise ScenarioError(self.describe(), what, f"For example: steps={-(-steps // cycles) * cycles}.")
        return LotteryChange(subject, tasks, self, steps // cycles)

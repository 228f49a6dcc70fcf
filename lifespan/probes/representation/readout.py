"""A linear readout of the body's states, which needs no head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import ClassHead, Effort, Meaning, Measure, Reading, Task
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    import numpy as np

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Readout(Measure):
    """Scores of a ridge regression from the body's states to the labels, for any tasks, learned or not.

    Features are the first token's last state and the mean over tokens, of the anatomy (W x alive, no task's mask, but that of
    development, where it was learned by masks); the
    regression of one-hot labels (or scores) is fitted in closed form on `examples` training rows, with the penalty `ridge`
    on standardised features, and scored on the second split. So the score R[i, j] of a task not learned yet exists: taken at
    birth and before each learning it gives forward transfer (Lopez-Paz & Ranzato 2017), which a head per task otherwise
    leaves undefined. Metrics: the task's own, as `readout_<metric>`.
    """

    citation = "lopezpaz2017gem"
    meanings = (
        Meaning(
            "readout_*",
            "score of a linear readout of the body's states",
            "the metric's own",
            "rises before learning",
            better="higher",
            outcome="linear readout",
        ),
    )
    cost = "1 forward pass over the training and evaluation examples"
    answers = ("classes", "score")

    tasks: tuple[Task, ...] = field(kw_only=False)
    examples: int = 500
    ridge: float = 1.0
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        fine = isinstance(self.tasks, tuple) and len(self.tasks) > 0 and all(isinstance(task, Task) for task in self.tasks)
        self.require("tasks", fine, "must be a tuple of tasks.", 'For example: Readout((Glue("rte"), Glue("mrpc"))).')
        self.require_count("examples", at_least=4)
        self.require_positive("ridge")
        self.require_count("length", at_least=8)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        for task in self.tasks:
            for split in task.splits[:2]:
                yield Effort(task, 1.0, split, self.examples, self.length)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.training.evaluation import task_scores

        for task in self.tasks:
            (known, taught), (new, labels) = (self._states(subject, task, split) for split in task.splits[:2])
            classes = task.head.count if isinstance(task.head, ClassHead) else 0
            outputs = ridge_answers(known, taught, new, classes, self.ridge, task.score_range)
            for metric, value in task_scores(task, outputs, labels).items():
                yield Reading(f"readout_{metric}", value, len(labels), task.title, task.splits[1])

    def _states(self, subject: Subject, task: Task, split: str) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np
        import torch

        from lifespan.model.forward import autocast, token_states
        from lifespan.training.evaluation import by_tokens, tokenised

        rows, tokens = tokenised(task, split, self.length, subject.tokenizer, self.examples)
        found = np.empty((len(rows), 2 * subject.width), dtype=np.float64)
        with torch.inference_mode(), subject.wearing(None), autocast(subject):
            for index in by_tokens(subject, tokens.lengths):
                batch = tokens.collate(index)
                states = token_states(subject, batch).float().cpu()
                real = batch["attention_mask"][:, :, None].float()
                found[index] = torch.cat([states[:, 0], (states * real).sum(1) / real.sum(1)], dim=1).numpy()
        return found, np.asarray(rows.labels)


def ridge_answers(
    known: np.ndarray, taught: np.ndarray, new: np.ndarray, classes: int, penalty: float, scores: tuple[float, float]
) -> np.ndarray:
    """Outputs of a ridge regression: one column for each class, or one with scores on a scale of 0 to 1 (`classes` = 0).

    Solves (X'X + penalty n I) B = X'Y on features standardised by the known examples, with an intercept that is not penalised.
    """
    import numpy as np

    low, high = scores
    targets = np.eye(classes)[taught] if classes else ((taught - low) / (high - low))[:, None]
    if not (np.isfinite(known).all() and np.isfinite(new).all()):
        return np.full((len(new), targets.shape[1]), np.nan)
    centre, spread = known.mean(axis=0), known.std(axis=0)
    spread[spread < 1e-8] = 1.0
    x, y = (known - centre) / spread, targets - targets.mean(axis=0)
    weights = np.linalg.solve(x.T @ x + penalty * len(x) * np.eye(x.shape[1]), x.T @ y)
    return ((new - centre) / spread) @ weights + targets.mean(axis=0)

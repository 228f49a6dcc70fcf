"""A learned skill on sentences from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Measure, Reading, ScoreHead, Task, thinning
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.errors import ScenarioError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class OutOfDomain(Measure):
    """The score of a learned skill on sentences from elsewhere.

    `OutOfDomain("mrpc", Paws())`, `OutOfDomain("rte", Hans())`, `OutOfDomain("sst2", AdvGlue("sst2"))`, or any task of yours.

    `skill` is the title of the learned task, whose head and mask answer; `data` the task whose last split is read. Answers
    become the data's labels by name ("not_entailment" is "non-entailment", and what is not entailment, in three classes, is
    that too), or as `meaning` says: {"the skill's label": "the data's"}. Metrics: the data's own, and `accuracy@<part>` for
    each part that the data tell apart. Nothing is read before the skill is learned. Cost: one forward pass over the data.
    """

    meanings = (
        Meaning("*@*", "accuracy on one part of the data", "[0, 1]", "the same on all parts: no shallow rule"),
        Meaning("*", "score on the data", "the metric's own", "near the score on the task's own split"),
    )
    cost = "1 forward pass over the data"
    answers = ("classes", "score")

    skill: str = field(kw_only=False)
    data: Task = field(kw_only=False)
    meaning: Mapping[str, str] | None = None
    examples: int | None = None
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("skill", isinstance(self.skill, str), "must be a learned task's title.", 'For example: "mrpc".')
        self.require_a("data", Task, 'OutOfDomain("mrpc", Paws())')
        self.require("data", self.data.title != self.skill, "is the skill's own task.", "Use Score() for that.")
        if self.examples is not None:
            self.require_count("examples")
        self.require_count("length", at_least=8)

    @property
    def title(self) -> str:
        return f"{self.skill} on {self.data.title}"

    @property
    def skills(self) -> tuple[str, ...]:
        return (self.skill,)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(self.data, 1.0, self.data.splits[-1], self.examples, self.length)]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.stats.metrics import score
        from lifespan.training.evaluation import answers, token_logits, tokenised

        if self.skill not in tasks or self.skill not in subject.skills:
            return
        split = self.data.splits[-1]
        rows, tokens = tokenised(self.data, split, self.length, subject.tokenizer, self.examples)
        predicted = self._translated(tasks[self.skill], answers(tasks[self.skill], token_logits(subject, self.skill, tokens)))
        for metric in self.data.metrics:
            yield Reading(metric, score(metric, predicted, rows.labels), len(rows), self.skill, split)
        for name, chosen in self._parts(split, len(rows)).items():
            if chosen.any():
                value = score("accuracy", predicted[chosen], rows.labels[chosen])
                yield Reading(f"accuracy@{name}", value, int(chosen.sum()), self.skill, split)

    def _translated(self, task: Task, predicted: np.ndarray) -> np.ndarray:
        """Answers in the data's labels."""
        import numpy as np

        if task.head.kind != self.data.head.kind:
            kinds = [{"score": "scores"}.get(each.head.kind, each.head.kind) for each in (task, self.data)]
            what = f"the skill answers with {kinds[0]}, and the data have {kinds[1]}."
            raise ScenarioError(self.describe(), what, "Use data of the skill's own kind.")
        if isinstance(self.data.head, ScoreHead):
            low, high = task.score_range
            least, most = self.data.score_range
            return least + (predicted - low) * (most - least) / (high - low)
        meant = {_plain(label): code for code, label in enumerate(self.data.labels)}
        given = {_plain(own): _plain(theirs) for own, theirs in (self.meaning or {}).items()}
        codes = np.array([self._code(label, given, meant) for label in task.labels])
        return np.where(predicted < 0, predicted, codes[predicted])

    def _code(self, label: str, given: Mapping[str, str], meant: Mapping[str, int]) -> int:
        name = given.get(_plain(label), _plain(label))
        if name not in meant and "notentailment" in meant and name in ("neutral", "contradiction"):
            name = "notentailment"
        if name not in meant:
            what = f"the skill's label {label!r} is none of the data's."
            remedy = f"{did_you_mean(label, self.data.labels)} Say what it means: meaning={{{label!r}: ...}}."
            raise ScenarioError(self.describe(), what, remedy)
        return meant[name]

    def _parts(self, split: str, count: int) -> Mapping[str, np.ndarray]:
        parts: Mapping[str, np.ndarray] = getattr(self.data, "strata", dict)()
        total = len(next(iter(parts.values()), ()))
        if self.data.eval_examples is not None and parts:
            limited = thinning(f"{self.data.title}/{split}/thinning", total, self.data.eval_examples)
            parts = {name: chosen[limited] for name, chosen in parts.items()}
            total = len(limited)
        if self.examples is not None and self.examples < total:
            kept = thinning(f"{self.data.title}/{split}/looking", total, self.examples)
            parts = {name: chosen[kept] for name, chosen in parts.items()}
        return parts


def _plain(label: str) -> str:
    """Labels compare without case, dashes and underscores, and "non" is "not"."""
    return label.lower().replace("-", "").replace("_", "").replace(" ", "").replace("non", "not", 1)

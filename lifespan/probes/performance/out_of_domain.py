"""A learned skill on sentences from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task, thinning
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.errors import ScenarioError
from lifespan.probes.performance._label_names import Matching, matching

if TYPE_CHECKING:
    import numpy as np

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class OutOfDomain(Measure):
    """The score of a learned skill on sentences from elsewhere.

    `OutOfDomain("mrpc", Paws())`, `OutOfDomain("rte", Hans())`, `OutOfDomain("sst2", AdvGlue("sst2"))`, or any task of yours;
    also the skill's own task from another source, `OutOfDomain("qnli", Glue("qnli", source="other"))`.

    `skill` is the title of the learned task, whose head and mask answer; `data` the task whose last split is read, or all
    rows of a file that its author did not divide (`Task.evaluated_split`). Answers and labels are matched by name
    ("not_entailment" is "non-entailment", and what is not entailment, in three classes, is that too), or as `meaning` says:
    {"the skill's label": "the data's"}, or {"neutral": "not_entailment"} where the data distinguish what the skill does not;
    several may mean one. Whatever the skill answers must be a label of the data, and each label must be an answer: that is
    checked before anything is lived. Metrics: the data's own; `accuracy@<part>` for each part that the data distinguish
    (`Task.strata`); and `consistency` where they hold pairs, or sets, of edited rows (`Task.edited_pairs`): the share of pairs
    of which every row is answered rightly (Gardner et al. 2020). Cost: one forward pass over the data.
    """

    meanings = (
        Meaning(
            "*@*", "accuracy on one part of the data", "[0, 1]", "the same on all parts: no shallow rule", better="higher"
        ),
        Meaning("consistency", "share of edited pairs with every row right", "[0, 1]", "near the accuracy", better="higher"),
        Meaning(
            "*",
            "score on the data",
            "the metric's own",
            "near the score on the task's own split",
            better="higher",
            outcome="out of domain ({about})",
        ),
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
        own = self.data.title == self.skill and not _has_a_place(self.data)
        self.require("data", not own, "is the skill's own task.", "Use Score() for that.")
        named = isinstance(self.meaning, Mapping) and all(
            isinstance(each, str) for each in (*self.meaning.values(), *self.meaning)
        )
        remedy = 'For example: {"neutral": "not_entailment"}.'
        self.require("meaning", self.meaning is None or named, "must map names of classes to names of classes.", remedy)
        if self.examples is not None:
            self.require_count("examples")
        self.require_count("length", at_least=8)

    @property
    def title(self) -> str:
        return f"{self.skill} on {self.data.title}"

    @property
    def about(self) -> str:
        """The data's title."""
        return self.data.title

    @property
    def skills(self) -> tuple[str, ...]:
        return (self.skill,)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(self.data, 1.0, self.data.evaluated_split, self.examples, self.length)]

    def check_tasks(self, tasks: Mapping[str, Task]) -> None:
        """Whether the skill's task is another one than the data, whose columns are there, and its answers can be right."""
        learned = tasks.get(self.skill)
        if learned is not None:
            own: dict[str, Any] = {"train_examples": None, "eval_examples": None, "resample": False}
            same = replace(learned, **own).to_data() == replace(self.data, **own).to_data()
            self.require("data", not same, "is the skill's own task.", "Use Score() for that.")
            self._matched(learned)
            self.data.strata()
            self.data.edited_pairs()

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.stats.metrics import score
        from lifespan.training.evaluation import answers, token_logits, tokenised

        if self.skill not in tasks or self.skill not in subject.skills:
            return
        split = self.data.evaluated_split
        rows, tokens = tokenised(self.data, split, self.length, subject.tokenizer, self.examples)
        task, outputs = tasks[self.skill], token_logits(subject, self.skill, tokens)
        predicted, labels = self._translated(task, answers(task, outputs)), self._labels(task, rows.labels)
        meant, positive = self._meant(task, outputs)
        for metric in self.data.metrics:
            value = score(metric, predicted, labels, outputs=meant, positive=positive)
            yield Reading(metric, value, len(rows), self.skill, split)
        for name, chosen in self._parts(split, len(rows)).items():
            if chosen.any():
                value = score("accuracy", predicted[chosen], labels[chosen])
                yield Reading(f"accuracy@{name}", value, int(chosen.sum()), self.skill, split)
        yield from self._consistency(predicted == labels, split)

    def _consistency(self, right: np.ndarray, split: str) -> Iterable[Reading]:
        import numpy as np

        pairs = self.data.edited_pairs() if self.data.labels else None
        if pairs is None:
            return
        seen = pairs[self._rows_seen(split, len(pairs))]
        # A pair of which a row was thinned out says nothing.
        whole = np.flatnonzero(np.bincount(seen, minlength=pairs.max() + 1) == np.bincount(pairs))
        if len(whole):
            wrong = np.unique(seen[~right])
            value = 1 - np.isin(whole, wrong).mean()
            yield Reading("consistency", float(value), len(whole), self.skill, split)

    def _matched(self, task: Task) -> Matching | None:
        """How the classes of skill and data are matched; None for scores. Raises `ScenarioError` where they cannot be."""
        if task.head.kind != self.data.head.kind:
            kinds = [{"score": "scores"}.get(each.head.kind, each.head.kind) for each in (task, self.data)]
            what = f"the skill answers with {kinds[0]}, and the data have {kinds[1]}."
            raise ScenarioError(self.describe(), what, "Use data of the skill's own kind.")
        return matching(self.describe(), task.labels, self.data.labels, self.meaning or {}) if task.labels else None

    def _translated(self, task: Task, predicted: np.ndarray) -> np.ndarray:
        """Answers in the data's labels; where there is no answer, below 0, there is none here."""
        import numpy as np

        matched = self._matched(task)
        if matched is not None:
            return np.where(predicted < 0, predicted, matched.answers[predicted])
        low, high = task.score_range
        least, most = self.data.score_range
        return least + (predicted - low) * (most - least) / (high - low)

    def _meant(self, task: Task, outputs: np.ndarray) -> tuple[np.ndarray, int]:
        """(outputs as log-probabilities of the common classes, the index of the data's positive class among these)."""
        from lifespan.stats.class_metrics import merged

        matched, positive = self._matched(task), self.data.positive_class
        if matched is None:
            return outputs, positive
        return merged(outputs, matched.answers, len(matched.names)), int(matched.labels[positive])

    def _labels(self, task: Task, labels: np.ndarray) -> np.ndarray:
        """The data's labels, merged as `meaning` says."""
        matched = self._matched(task)
        return labels if matched is None else matched.labels[labels]

    def _parts(self, split: str, count: int) -> Mapping[str, np.ndarray]:
        parts = self.data.strata()
        total = len(next(iter(parts.values()), ()))
        seen = self._rows_seen(split, total)
        return {name: chosen[seen] for name, chosen in parts.items()}

    def _rows_seen(self, split: str, total: int) -> np.ndarray:
        """Positions of the rows that are read, of all rows of the split."""
        import numpy as np

        seen = np.arange(total)
        for limit, purpose in ((self.data.eval_examples, "thinning"), (self.examples, "looking")):
            if limit is not None and limit < len(seen):
                seen = seen[thinning(f"{self.data.title}/{split}/{purpose}", len(seen), limit)]
        return seen


def _has_a_place(data: Task) -> bool:
    """Whether a task says where its data come from, so that there may be other data of its title."""
    values = [getattr(data, each.name) for each in fields(data)]
    named = [value for value in values if isinstance(value, str | Path | tuple) and value]
    return any(isinstance(value, Path | tuple) or value not in data.title for value in named)

"""Dark experience replay: a penalty on kept examples whose outputs differ from the remembered ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Guard, Lesson, Strategy
from lifespan.strategies.rehearsal import Buffering, Kind

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class DarkExperience(Strategy):
    """Each step adds alpha |h - z|^2 on one batch of kept examples, and beta times the loss on another (DER++).

    Buzzega et al. (2020, equation 6): h are the outputs now, z those remembered; the square is the mean over examples and
    outputs. z are the outputs once the example's task was learned, dropout off; the paper takes them while it is
    learned, when the example enters the reservoir. Buffer, cost and ageing as of `Rehearsal`; beside each row its outputs are
    kept. With beta = 0 it is DER. For tasks that answer with classes or a score.
    """

    revision = 2
    citation = "buzzega2020dark"
    answers = ("classes", "score")

    alpha: float = 0.5
    beta: float = 0.5
    size: int = 200
    buffer: Kind = "balanced"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("alpha", or_zero=True)
        self.require_positive("beta", or_zero=True)
        self.require_count("size")
        self.require_literal("buffer")

    def guard(self, subject: Subject, lesson: Lesson) -> Guard:
        return _Dark(self, subject, lesson)


class _Dark(Buffering):
    def __init__(self, strategy: DarkExperience, subject: Subject, lesson: Lesson) -> None:
        from lifespan.strategies.shared import filed

        super().__init__(strategy, subject, lesson)
        self.answers = filed(subject, f"{strategy.name}/answers/")

    def penalty(self, course: Course) -> torch.Tensor | None:
        from torch.nn import functional

        from lifespan.model.forward import batch_loss, head_outputs

        if not self.buffer:
            return None
        subject = course.subject
        title = self.buffer.task_at(course.streams, "dark", course.step)
        batch, places = self.buffer.batch(title, 2 * course.step)
        now = head_outputs(subject, title, batch)
        term = self.strategy.alpha * functional.mse_loss(now, self.answers[title][places])
        if self.strategy.beta:
            title = self.buffer.task_at(course.streams, "rehearsal", course.step)
            batch, _ = self.buffer.batch(title, 2 * course.step + 1)
            term = term + self.strategy.beta * batch_loss(subject, title, batch)
        return term

    def settle(self, subject: Subject, memory: dict[str, torch.Tensor]) -> None:
        import torch

        from lifespan.strategies.shared import file, filed
        from lifespan.training.batches import Tokens
        from lifespan.training.evaluation import token_logits

        name, before = self.strategy.name, filed(subject, f"{self.strategy.name}/rows/")
        super().settle(subject, memory)
        new = {task.title: task for task in self.lesson.tasks}
        found = {}
        for title, rows in filed(subject, f"{name}/rows/").items():
            if not len(rows):
                continue
            if title in new:
                examples = new[title].examples(new[title].splits[0]).take(rows.cpu().numpy())
                tokens = Tokens(subject.tokenizer, examples.first, examples.second, self.lesson.length)
                found[title] = torch.from_numpy(token_logits(subject, title, tokens)).to(subject.device)
            else:
                place = {int(row): at for at, row in enumerate(before[title])}
                found[title] = self.answers[title][[place[int(row)] for row in rows]]
        file(subject, f"{name}/answers/", found)

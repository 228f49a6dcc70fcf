"""Learning without forgetting: a penalty where earlier heads answer otherwise than before."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Guard, Lesson, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class LearningWithoutForgetting(Strategy):
    """On the new task's own batches, earlier heads are to answer as they did before it began (Li & Hoiem 2016, equation 2).

    The loss has the further term strength x mean over earlier tasks of T^2 KL(p_before || p_now), both softened at
    `temperature` T (the cross-entropy of equation 3 but for a constant); for a score, the squared difference. The teacher is
    the subject as it was when the event began, dropout off. It needs no earlier data, and remembers nothing between events;
    inside one it holds a second body and costs a forward pass of it. Earlier heads stay as they are, where the paper tunes
    them too.

    The teacher reads what the subject reads: where a disorder alters the text, it has the altered text before it. It is as
    aged as the subject: what ageing took from the answers is not restored. Unlike under other strategies, all earlier tasks
    are protected, whatever they were learned under.
    """

    revision = 2
    citation = "li2016learning"

    strength: float = 1.0
    temperature: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("strength", or_zero=True)
        self.require_positive("temperature")

    def guard(self, subject: Subject, lesson: Lesson) -> Guard:
        return _Distilling(self, subject, lesson)


class _Distilling(Guard):
    def __init__(self, strategy: LearningWithoutForgetting, subject: Subject, lesson: Lesson) -> None:
        import copy

        self.strategy = strategy
        # A task with a mask of its own does not answer from the weights that move.
        self.titles = [task.title for task in lesson.earlier if subject.skills[task.title].mask is None]
        self._read: tuple[dict[str, torch.Tensor], torch.Tensor] | None = None
        if self.titles:
            with subject.wearing(self.titles[0]):
                self.teacher = copy.deepcopy(subject.encoder).eval().requires_grad_(False)
            self.heads = {title: copy.deepcopy(subject.skills[title].head).eval() for title in self.titles}

    def activations(self, subject: Subject, streams: Streams, step: int) -> AbstractContextManager[object]:
        return self._recording(subject)

    @contextmanager
    def _recording(self, subject: Subject) -> Iterator[None]:
        if not self.titles:
            yield
            return

        def record(module: object, arguments: object, inputs: dict[str, torch.Tensor], output: object) -> None:
            if self._read is None:
                self._read = inputs, output.last_hidden_state  # type: ignore[attr-defined]

        self._read = None
        hook = subject.encoder.register_forward_hook(record, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()

    def penalty(self, course: Course) -> torch.Tensor | None:
        if not self.titles or self._read is None:
            return None
        import torch

        from lifespan.model.forward import autocast

        subject = course.subject
        inputs, seen = self._read
        states = self._all_states(subject, inputs, seen)
        with torch.no_grad(), autocast(subject):
            before = self.teacher(**inputs).last_hidden_state
        terms = []
        for title in self.titles:
            skill, real = subject.skills[title], inputs["attention_mask"]
            with autocast(subject):
                now = skill.head(skill.form.pick(states, real)).float()
                with torch.no_grad():
                    then = self.heads[title](skill.form.pick(before, real)).float()
            terms.append(skill.form.distance(now, then, real, self.strategy.temperature))
        self._read = None
        return self.strategy.strength * torch.stack(terms).mean()

    def _all_states(self, subject: Subject, batch: dict[str, torch.Tensor], states: torch.Tensor) -> torch.Tensor:
        """The states of this step's forward pass, or of another where a head needs more than the first token's."""
        from lifespan.model.forward import token_states

        whole = states.shape[1] == batch["input_ids"].shape[1]
        if whole or all(subject.skills[title].form.reads == "first" for title in self.titles):
            return states
        return token_states(subject, batch)

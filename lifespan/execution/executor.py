"""The executor: restores a state, lives the next step, evaluates it, and stores the results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lifespan import hardware
from lifespan.contracts import Moment, Origin
from lifespan.contracts.checkpoint import Snapshot
from lifespan.contracts.subject import Subject
from lifespan.culprits import first_line, machine_error
from lifespan.errors import RecordError
from lifespan.execution.observer import Observer
from lifespan.execution.step import StepContext, compare, evaluate, live
from lifespan.record.store import Corrupt, Store
from lifespan.study.events import Birth
from lifespan.study.identity import check_unchanged
from lifespan.study.plan import Evaluation, Life, Pair, Plan, Step
from lifespan.study.scenario import position_of

ANOTHERS = "Remove this folder: the step is lived again."


@dataclass
class Executor:
    """One subject in memory, which is taken along the tree of a plan.

    `every` is the number of optimizer steps between saved states inside a long step.
    """

    store: Store
    device: str = "cpu"
    every: int = 100
    observer: Observer = field(default_factory=Observer)
    should_stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._subject: Subject | None = None
        self._origin: Origin | None = None
        self._at: str | None = None

    def drop_subject(self) -> None:
        """Drop the subject in memory, which an error may have left half changed."""
        self._subject, self._at = None, None

    def complete_step(self, plan: Plan, path: list[Step], life: Life) -> None:
        """Live the last step of a path and make its missing evaluations, from the nearest stored state."""
        step = path[-1]
        if self.store.node(step.digest) is None:
            self._restore(plan, path[:-1], life)
            self._live_step(plan, step, life)
        missing = [each for each in step.evaluations if self.store.evaluation(step.digest, each.digest) is None]
        inside = tuple(evaluation for evaluation in missing if evaluation.every is not None)
        if inside:
            self._evaluate_inside(plan, path, inside, life)
        for evaluation in missing:
            if evaluation.every is None:
                subject = self._restored(plan, path, life)
                start = time.perf_counter()
                rows = [row.as_data() for row in evaluate(subject, step, evaluation)]
                seconds = time.perf_counter() - start
                check_unchanged(evaluation.reads)
                self.store.save_evaluation(step.digest, evaluation.digest, rows, seconds, self._maker(plan))

    def _evaluate_inside(self, plan: Plan, path: list[Step], inside: tuple[Evaluation, ...], life: Life) -> None:
        """Live a step once more, on a copy, for evaluations inside it that were not asked for when it was lived."""
        step = path[-1]
        subject = replace(self)._restored(plan, path[:-1], life)
        context = replace(self._context(step), checkpointer=None, inside=inside)
        _, result = live(subject, step, plan.precision, context)
        check_unchanged([read for evaluation in inside for read in (*step.reads, *evaluation.reads)])
        for digest, rows in result.inside.items():
            self.store.save_evaluation(step.digest, digest, rows, result.seconds_inside[digest], self._maker(plan))

    def compare_pair(self, plan: Plan, pair: Pair, second_executor: Executor) -> None:
        """Compare two lives where both have come so far; `second_executor` holds the second subject."""
        one, other = pair.one.digest, pair.other.digest
        if self.store.evaluation(one, pair.digest) is not None or None in (self.store.node(one), self.store.node(other)):
            return
        first = self._restored(plan, plan.path_to(one), pair.first)
        second = second_executor._restored(plan, plan.path_to(other), pair.second)
        start = time.perf_counter()
        rows = compare(pair.between.contrast, first, second, pair.one, pair.other)
        seconds = time.perf_counter() - start
        check_unchanged(pair.reads)
        self.store.save_evaluation(one, pair.digest, rows, seconds, self._maker(plan))

    def _restored(self, plan: Plan, path: list[Step], life: Life) -> Subject:
        """The subject at the end of a path, with access to its earlier states."""
        self._restore(plan, path, life)
        assert self._subject is not None
        self._subject.past = _Past(self, plan, path, life)
        return self._subject

    def _restore(self, plan: Plan, path: list[Step], life: Life) -> None:
        """Restore into `_subject` the state at the end of a path; what is missing or corrupt is lived again."""
        if not path:
            self._subject, self._at = None, None
            return
        step = path[-1]
        if self._at == step.digest:
            return
        try:
            facts, state = self.store.load_state(step.digest)
        except Corrupt as error:
            self.observer.warns(str(error))
            self.store.forget(step.digest)
            self._restore(plan, path[:-1], life)
            self._live_step(plan, step, life)
            return
        birth = path[0]
        assert isinstance(birth.event, Birth)
        if self._subject is None or self._origin != birth.event.origin:
            # Widths, dropout and other settings of an origin are not in the state: only building the body brings them.
            self._subject, _ = live(None, birth, plan.precision, self._context(birth))
            self._origin = birth.event.origin
        try:
            self._subject.load(facts, state)
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            self.drop_subject()
            if machine_error(error) is not None:
                raise
            what = f"its state is not one of {birth.event.origin.describe()} ({type(error).__name__}: {first_line(error)})."
            raise RecordError(str(self.store.folder(step.digest)), what, ANOTHERS) from error
        self._at = step.digest

    def _live_step(self, plan: Plan, step: Step, life: Life) -> None:
        if isinstance(step.event, Birth):
            self._subject, self._origin = None, step.event.origin
        self.observer.step_begins(life, step)
        if self._subject is not None:
            self._subject.past = _Past(self, plan, plan.path_to(step.digest)[:-1], life)
        start = time.perf_counter()
        subject, result = live(self._subject, step, plan.precision, self._context(step))
        seconds = time.perf_counter() - start
        made = self._maker(plan)
        inside = [read for evaluation in step.evaluations if evaluation.every is not None for read in evaluation.reads]
        check_unchanged([*step.reads, *inside])
        content = {
            "digest": step.digest,
            "parent": step.parent,
            "event": step.event.describe(),
            "facts": subject.facts(),
            "rows": [row.as_data() for row in result.rows],
            "optimizer_steps": result.optimizer_steps,
            "examples": result.examples,
            "tokens": result.tokens,
            "seconds": seconds - sum(result.seconds_inside.values()),
            "made": made,
        }
        self.store.save_node(step.digest, subject.state(), content)
        for digest, rows in result.inside.items():
            self.store.save_evaluation(step.digest, digest, rows, result.seconds_inside[digest], made)
        self._subject, self._at = subject, step.digest
        self.observer.step_ends(life, step, seconds)

    def _maker(self, plan: Plan) -> dict[str, Any]:
        return hardware.maker(device=self.device, precision=plan.precision)

    def _context(self, step: Step) -> StepContext:
        return StepContext(
            device=self.device,
            checkpointer=_Checkpointer(self.store, step.digest, self.every),
            inside=tuple(evaluation for evaluation in step.evaluations if evaluation.every is not None),
            progress=self.observer.advances,
            should_stop=self.should_stop,
            warn=self.observer.warns,
        )


@dataclass(frozen=True)
class _Past:
    """The earlier states along a path, from the store; what is missing there is lived again."""

    executor: Executor
    plan: Plan
    path: list[Step]
    life: Life

    def at(self, moment: Moment) -> Subject:
        position = position_of(moment, [step.event for step in self.path[1:]], self.path[-1].event.label)
        executor = replace(self.executor)
        executor._restore(self.plan, self.path[: position + 1], self.life)
        assert executor._subject is not None
        return executor._subject


@dataclass(frozen=True)
class _Checkpointer:
    store: Store
    digest: str
    every: int

    def load(self) -> Snapshot | None:
        return self.store.load_partial(self.digest)

    def save(self, snapshot: Snapshot) -> None:
        self.store.save_partial(self.digest, snapshot)

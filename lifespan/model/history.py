"""Earlier states of a subject: the moments that may be named, a copy from one of them, and changes that are reverted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lifespan.contracts import Moment
from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject


def require_moment(spec: Spec, field: str, *, also: tuple[str, ...] = ()) -> None:
    """Raise `ScenarioError` unless the argument names a moment of a life (or one of `also`).

    Whether a given life has that moment, the scenario checks.
    """
    if isinstance(getattr(spec, field), str):
        spec.require_one_of(field, (*also, "birth", "development"))
    else:
        spec.require_count(field, at_least=0)


def earlier(subject: Subject, moment: Moment, who: str) -> Subject:
    """A copy of the subject as it was at a moment. Raises `ScenarioError` in the name of `who` where no past is kept."""
    if subject.past is None:
        raise ScenarioError(who, f"goes back to {moment!r}, but this subject has no recorded past.", "Use `simulate`.")
    return subject.past.at(moment)


@contextmanager
def undone(subject: Subject) -> Iterator[None]:
    """Restore the subject's state after this block. Costs the memory of one more subject."""
    facts = subject.facts()
    state = {group: {name: tensor.clone() for name, tensor in part.items()} for group, part in subject.state().items()}
    try:
        yield
    finally:
        subject.load(facts, state)

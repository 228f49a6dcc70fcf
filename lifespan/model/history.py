"""Going back: the moments that may be named, the subject as it was then, and trying something that is undone."""

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
    """The argument names a moment of a life (or one of `also`); the scenario checks that the life has it."""
    if isinstance(getattr(spec, field), str):
        spec.require_one_of(field, (*also, "birth", "development"))
    else:
        spec.require_count(field, at_least=0)


def earlier(subject: Subject, moment: Moment, who: str) -> Subject:
    """A copy of the subject as it was at a moment. Raises `ScenarioError` in the name of `who` where no past is kept."""
    if subject.past is None:
        raise ScenarioError(who, f"goes back to {moment!r}, but nobody kept this subject's past.", "Live it by `simulate`.")
    return subject.past.at(moment)


@contextmanager
def undone(subject: Subject) -> Iterator[None]:
    """Whatever happens to the subject inside this block never happened. Costs the memory of one more subject."""
    facts = subject.facts()
    state = {group: {name: tensor.clone() for name, tensor in part.items()} for group, part in subject.state().items()}
    try:
        yield
    finally:
        subject.load(facts, state)

"""Learners and looks that go back: the moments that may be named, and the subject as it was then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifespan.contracts import Moment
from lifespan.errors import ScenarioError
from lifespan.spec import Spec

if TYPE_CHECKING:
    from lifespan.subject import Subject


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

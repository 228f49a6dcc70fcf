"""Trying something on a subject that is as before afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lifespan.subject import Subject


@contextmanager
def undone(subject: Subject) -> Iterator[None]:
    """Whatever happens to the subject inside this block never happened. Costs the memory of one more subject."""
    facts = subject.facts()
    state = {group: {name: tensor.clone() for name, tensor in part.items()} for group, part in subject.state().items()}
    try:
        yield
    finally:
        subject.load(facts, state)

"""Deafness keeps the rules of a disorder, and does what it says."""

import torch
from lifespan_deafness import Deafness

from lifespan.contracts import Course
from lifespan.randomness import Streams
from lifespan.testing import check_disorder


def test_the_rules():
    check_disorder(Deafness(severity=0.3))


def heard(severity):
    batch = {name: torch.ones(8, 50, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    course = Course(None, None, None, 0, 10, Streams(0, "suffer/Deafness#0"), {})
    return Deafness(severity=severity).batch(batch, course)["attention_mask"].bool()


def test_a_share_of_the_tokens_is_unheard():
    assert bool(heard(0.0).all())
    assert 0.6 < float(heard(0.3).float().mean()) < 0.8
    assert not bool((heard(0.6) & ~heard(0.3)).any()), "more severity contains less"
    assert heard(1.0).sum(1).tolist() == [1] * 8

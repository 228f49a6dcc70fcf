"""Pruners: exact, nested, and equal to a slow version."""

import pytest
import torch
from conftest import TINY
from hypothesis import given, settings
from hypothesis import strategies as st

from lifespan import Magnitude, Random
from lifespan.errors import LifespanError
from lifespan.life import checked_ageing
from lifespan.pruning.selection import weakest
from lifespan.randomness import Streams
from lifespan.subject import Subject

STREAMS = Streams(1, "age#0")


@pytest.fixture(scope="module")
def subject():
    return Subject(TINY.build(Streams(0, "birth")))


def dead(masks):
    return sum(int((~mask).sum()) for mask in masks.values())


@pytest.mark.parametrize("pruner", [Magnitude(), Magnitude(scope="layer"), Random(), Random(scope="layer")])
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.937])
def test_exact_and_nested(subject, pruner, sparsity):
    first = pruner.choose(subject, sparsity, STREAMS, ())
    assert dead(first) == round(sparsity * subject.count)
    subject.alive, before = first, subject.alive
    try:
        later = pruner.choose(subject, min(0.99, sparsity + 0.05), STREAMS, ())
        assert all(bool((later[name] <= first[name]).all()) for name in first)
        assert dead(later) == round(min(0.99, sparsity + 0.05) * subject.count)
    finally:
        subject.alive = before


def test_global_magnitude_equals_sorting_everything(subject):
    flat = torch.cat([weight.data.abs().flatten() for weight in subject.synapses.values()])
    cut = flat.sort().values[round(0.3 * subject.count) - 1]
    masks = Magnitude().choose(subject, 0.3, STREAMS, ())
    for name, weight in subject.synapses.items():
        assert torch.equal(masks[name], weight.data.abs() > cut)


def test_layer_scope_takes_the_same_fraction_of_every_matrix(subject):
    for mask in Magnitude(scope="layer").choose(subject, 0.4, STREAMS, ()).values():
        assert float((~mask).float().mean()) == pytest.approx(0.4, abs=1 / mask.numel() + 1e-9)


def test_random_differs_between_seeds_and_repeats_itself(subject):
    one, two = Random().choose(subject, 0.5, STREAMS, ()), Random().choose(subject, 0.5, Streams(2, "age#0"), ())
    assert any(not torch.equal(one[name], two[name]) for name in one)
    assert all(torch.equal(one[name], mask) for name, mask in Random().choose(subject, 0.5, STREAMS, ()).items())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_selection_is_exact_whatever_the_shapes_ties_and_dead(data):
    sizes = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))

    def drawn(entries):
        lists = [data.draw(st.lists(entries, min_size=size, max_size=size)) for size in sizes]
        return {str(i): torch.tensor(entry) for i, entry in enumerate(lists)}

    values, alive = drawn(st.sampled_from([0.0, 1.0, 2.0])), drawn(st.booleans())
    scope = data.draw(st.sampled_from(["global", "layer"]))
    sparsity = data.draw(st.floats(0, 1))
    masks = weakest(values, alive, sparsity, scope=scope)
    assert dead(masks) == max(dead(alive), round(sparsity * sum(sizes)))
    assert all(bool((masks[name] <= alive[name]).all()) for name in alive)


def test_the_engine_refuses_a_pruner_that_revives_or_miscounts(subject):
    half = Magnitude().choose(subject, 0.5, STREAMS, ())
    whole = subject.alive
    with pytest.raises(LifespanError, match=r"where sparsity 0\.4 asks for"):
        checked_ageing(subject, half, 0.4)
    subject.alive = half
    try:
        with pytest.raises(LifespanError, match="revived"):
            checked_ageing(subject, whole, 0.6)
    finally:
        subject.alive = whole

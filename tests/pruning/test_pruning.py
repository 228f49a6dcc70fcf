"""Pruners: exact, nested, and equal to a slow version."""

from fractions import Fraction

import pytest
import torch
from conftest import TASKS, TINY
from hypothesis import given, settings
from hypothesis import strategies as st

from lifespan import Fisher, GradientSaliency, Magnitude, Movement, Random, Wanda
from lifespan.errors import LifespanError
from lifespan.execution.step import checked_ageing
from lifespan.model.subject import Subject
from lifespan.pruning.scopes import SCOPES
from lifespan.pruning.selection import weakest
from lifespan.randomness import Streams

STREAMS = Streams(1, "age#0")


@pytest.fixture(scope="module")
def subject():
    subject = Subject(TINY.build(Streams(0, "birth")))
    for task in TASKS:
        subject.skill_for(task, "weights", Streams(0, task.title))
    return subject


def dead(masks):
    return sum(int((~mask).sum()) for mask in masks.values())


PRUNERS = [
    *(kind(scope=scope) for kind in (Magnitude, Random) for scope in SCOPES),
    *(kind(batches=2, batch_size=8, scope=scope) for kind in (GradientSaliency, Wanda) for scope in SCOPES),
    Fisher(examples=4),
    Movement(steps=2, batch_size=8),
]


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: pruner.describe())
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.937])
def test_exact_and_nested(subject, pruner, sparsity):
    first = pruner.choose(subject, sparsity, STREAMS, TASKS)
    assert dead(first) == round(sparsity * subject.count)
    subject.alive, before = first, subject.alive
    try:
        later = pruner.choose(subject, min(0.99, sparsity + 0.05), STREAMS, TASKS)
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


def test_row_scope_takes_the_same_fraction_of_every_output_row_and_its_smallest(subject):
    for name, mask in Magnitude(scope="row").choose(subject, 0.4, STREAMS, ()).items():
        size = subject.synapses[name].data.abs()
        for row, kept in zip(size, mask, strict=True):
            gone = int((~kept).sum())
            assert abs(gone - 0.4 * len(row)) < 1
            assert row[~kept].max() < row[kept].min()


def test_rows_with_equal_claims_to_the_last_synapses_are_served_over_the_whole_depth():
    alive = {str(i): torch.ones(10, 8, dtype=torch.bool) for i in range(6)}
    masks = weakest({name: torch.rand(10, 8) for name in alive}, alive, 30 / 480, scope="row")
    assert all(4 <= dead({name: mask}) <= 6 for name, mask in masks.items())


def test_the_last_synapses_are_taken_where_the_remainder_is_largest():
    alive = {"a": torch.ones(1, 10, dtype=torch.bool), "b": torch.ones(1, 4, dtype=torch.bool)}
    for scope in ("layer", "row"):
        masks = weakest({name: torch.rand(mask.shape) for name, mask in alive.items()}, alive, 6 / 14, scope=scope)
        assert (dead({"a": masks["a"]}), dead({"b": masks["b"]})) == (4, 2)


@pytest.mark.parametrize("scope", SCOPES)
def test_ties_die_by_position_within_their_group(scope):
    alive = {"a": torch.tensor([[True, False, True, True]] * 2), "b": torch.ones(2, 4, dtype=torch.bool)}
    masks = weakest({name: torch.zeros(2, 4) for name in alive}, alive, 0.5, scope=scope)
    gone, whole, half = [False] * 4, [True] * 4, [False, False, True, True]
    expected = {
        "global": ([gone, gone], [whole, whole]),
        "layer": ([[False, False, False, True], [True, False, True, True]], [gone, whole]),
        "row": ([half, half], [half, half]),
    }
    assert (masks["a"].tolist(), masks["b"].tolist()) == expected[scope]


def test_random_differs_between_seeds_and_repeats_itself(subject):
    one, two = Random().choose(subject, 0.5, STREAMS, ()), Random().choose(subject, 0.5, Streams(2, "age#0"), ())
    assert any(not torch.equal(one[name], two[name]) for name in one)
    assert all(torch.equal(one[name], mask) for name, mask in Random().choose(subject, 0.5, STREAMS, ()).items())


def water_filled(sizes, dead_before, total):
    """Dead entries by group, slowly: raise the common level by the smallest step until enough are dead."""
    levels = sorted({Fraction(d, size) for d, size in zip(dead_before, sizes, strict=True)} | {Fraction(0), Fraction(1)})

    def filled(level):
        return sum(max(Fraction(d), level * size) for d, size in zip(dead_before, sizes, strict=True))

    low = max(level for level in levels if filled(level) <= total)
    above = [i for i, size in enumerate(sizes) if Fraction(dead_before[i], size) > low]
    rest = total - sum(dead_before[i] for i in above)
    level = Fraction(rest, sum(size for i, size in enumerate(sizes) if i not in above) or 1)
    return [Fraction(d) if i in above else level * sizes[i] for i, d in enumerate(dead_before)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_selection_is_exact_whatever_the_shapes_ties_and_dead(data):
    shapes = data.draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6)), min_size=1, max_size=4))

    def drawn(entries):
        lists = [data.draw(st.lists(entries, min_size=rows * columns, max_size=rows * columns)) for rows, columns in shapes]
        return {str(i): torch.tensor(entry).view(shape) for i, (entry, shape) in enumerate(zip(lists, shapes, strict=True))}

    values, alive = drawn(st.sampled_from([0.0, 1.0, 2.0])), drawn(st.booleans())
    scope = data.draw(st.sampled_from(SCOPES))
    sparsity = data.draw(st.floats(0, 1))
    masks = weakest(values, alive, sparsity, scope=scope)
    total = round(sparsity * sum(rows * columns for rows, columns in shapes))
    assert dead(masks) == max(dead(alive), total)
    assert all(bool((masks[name] <= alive[name]).all()) for name in alive)
    groups = {
        "global": [list(alive)],
        "layer": [[name] for name in alive],
        "row": [[(name, row)] for name in alive for row in range(len(alive[name]))],
    }[scope]
    before, after, strength = [], [], []
    for group in groups:
        picked = [key if isinstance(key, tuple) else (key, slice(None)) for key in group]
        before.append(torch.cat([alive[name][row].flatten() for name, row in picked]))
        after.append(torch.cat([masks[name][row].flatten() for name, row in picked]))
        strength.append(torch.cat([values[name][row].flatten() for name, row in picked]))
    for was, now, value in zip(before, after, strength, strict=True):
        died, kept = value[was & ~now], value[now]
        assert not len(died) or not len(kept) or died.max() <= kept.min()
    if total >= dead(alive):
        shares = water_filled([len(was) for was in before], [int((~was).sum()) for was in before], total)
        assert all(abs(int((~now).sum()) - share) < 1 for now, share in zip(after, shares, strict=True))


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

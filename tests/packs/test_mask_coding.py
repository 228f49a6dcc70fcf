"""Coded masks come back bit for bit, and take no more than their entropy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifespan.packs.mask_coding import Undecodable, decode, encode, entropy, ranking


def there_and_back(mask, ranks):
    coded = encode(mask, ranks)
    found, used = decode(memoryview(coded.data + b"next"), ranks)
    assert used == len(coded.data)
    assert np.array_equal(found, mask.ravel())
    return coded


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_mask_comes_back(data):
    size = data.draw(st.integers(1, 300))
    seed = data.draw(st.integers(0, 2**32 - 1))
    draw = np.random.default_rng(seed)
    weight = draw.choice([-1.0, 0.0, 0.5, 2.0], size) if data.draw(st.booleans()) else draw.normal(size=size)
    alive = draw.random(size) >= data.draw(st.sampled_from([0.0, 0.3, 1.0]))
    mask = draw.random(size) >= data.draw(st.sampled_from([0.0, 0.01, 0.5, 1.0]))
    if data.draw(st.booleans()):
        mask &= alive
    there_and_back(mask, ranking(weight.astype(np.float32)).among(alive))


@pytest.mark.parametrize("number", [1, 2, 7, 5000])
def test_all_on_all_off_and_one_flip(number):
    weight = np.random.default_rng(0).normal(size=(1, number)).astype(np.float32)
    ranks = ranking(weight)
    on = np.ones(weight.shape, dtype=bool)
    assert len(there_and_back(on, ranks).data) == len(there_and_back(~on, ranks).data) == 10
    for position in {0, number // 2, number - 1}:
        one = on.copy()
        one[0, position] = False
        assert len(there_and_back(one, ranks).data) <= 24
        there_and_back(~one, ranks)


def flat_start(ranks, off):
    mask = np.ones(len(ranks.by_size), dtype=bool)
    mask[ranks.by_size[:off]] = False
    return mask


@pytest.mark.parametrize("flips", [0.003, 0.03, 0.2])
@pytest.mark.parametrize("sparsity", [0.05, 0.6])
def test_flips_that_are_alike_everywhere_cost_their_entropy(flips, sparsity):
    draw = np.random.default_rng(1)
    count = 300_000
    ranks = ranking(draw.normal(size=count).astype(np.float32))
    start = flat_start(ranks, round(sparsity * count))
    flipped = draw.permutation(count) < round(flips * count)
    coded = there_and_back(start ^ flipped, ranks)
    assert coded.floor <= entropy(round(flips * count), count) + 1e-6
    assert len(coded.data) * 8 <= 1.05 * coded.floor


@pytest.mark.parametrize("flips", [0.01, 0.1])
def test_a_random_mask_costs_its_entropy(flips):
    draw = np.random.default_rng(2)
    ranks = ranking(draw.normal(size=100_000).astype(np.float32))
    mask = draw.random(100_000) >= flips
    coded = there_and_back(mask, ranks)
    assert coded.floor <= entropy(int((~mask).sum()), mask.size) + 1e-6
    assert len(coded.data) * 8 <= 1.05 * coded.floor


def test_learned_masks_flip_near_the_boundary_and_cost_less_than_the_floor():
    draw = np.random.default_rng(3)
    count = 200_000
    ranks = ranking(draw.normal(size=count).astype(np.float32))
    rank = np.empty(count)
    rank[ranks.by_size] = np.arange(count) / count
    coded = there_and_back(rank - 0.05 + 0.03 * draw.normal(size=count) > 0, ranks)
    assert len(coded.data) * 8 < 0.6 * coded.floor


def test_what_anatomy_says_is_not_coded_again():
    weight = np.random.default_rng(4).normal(size=50_000).astype(np.float32)
    alive = np.random.default_rng(5).random(50_000) > 0.4
    ranks = ranking(weight).among(alive)
    assert len(there_and_back(alive, ranks).data) == 10
    weakest_living = ranks.dead_first[: ranks.dead + 1000]
    mask = np.ones(50_000, dtype=bool)
    mask[weakest_living] = False
    assert len(there_and_back(mask, ranks).data) == 10


def test_entropy_by_hand():
    assert entropy(1, 4) == pytest.approx(4 * (0.25 * 2 + 0.75 * np.log2(4 / 3)))
    assert entropy(0, 4) == entropy(4, 4) == 0


def test_foreign_bytes_are_refused_or_are_some_mask():
    draw = np.random.default_rng(6)
    ranks = ranking(draw.normal(size=400).astype(np.float32))
    good = encode(draw.random(400) < 0.7, ranks).data
    refused = 0
    for _ in range(300):
        data = bytearray(good)
        data[draw.integers(len(data))] ^= 1 << draw.integers(8)
        cut = memoryview(bytes(data))[: draw.integers(1, len(data) + 1)]
        try:
            mask, used = decode(cut, ranks)
        except Undecodable:
            refused += 1
        else:
            assert mask.shape == (400,) and used <= len(cut)
    assert refused > 150


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too early"),
        (b"\x02\x00" + bytes(8), "header"),
        (b"\x00\x07" + bytes(8), "header"),
        (b"\x00\x00\xff\xff\xff\xff" + bytes(4), "header"),
        (b"\x00\x01" + bytes(4) + b"\xff\xff\xff\xff" + bytes(9), "too early"),
    ],
)
def test_headers_that_no_mask_has(data, message):
    with pytest.raises(Undecodable, match=message):
        decode(memoryview(data), ranking(np.ones(10, dtype=np.float32)))

"""The shared weights in fewer bits: within half a level, and the same after reading."""

import pytest
import torch

from lifespan.packs.quantization import GROUP, KINDS, layout, restored, stored


def matrix(rows=5, columns=150):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(rows * columns))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(5, 150), (3, 7), (1, 1), (4, 64), (2, 3, 5)])
def test_what_is_stored_is_as_the_layout_says(kind, shape):
    value = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    kept = stored("w", value, kind)
    assert {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in kept.items()} == layout("w", shape, kind)
    back = restored("w", kept, shape, kind)
    assert back.dtype is torch.float32 and back.shape == value.shape
    assert torch.equal(restored("w", stored("w", back, kind), shape, kind), back) or kind == "int4"


def test_int8_is_within_half_a_level_of_its_row():
    value = matrix()
    level = value.abs().amax(dim=1, keepdim=True) / 127
    back = restored("w", stored("w", value, "int8"), (5, 150), "int8")
    assert bool(((back - value).abs() <= 0.5 * level * 1.0001).all())


def test_int4_is_within_half_a_level_of_its_group():
    value = matrix()
    back = restored("w", stored("w", value, "int4"), (5, 150), "int4")
    for row in range(5):
        for start in range(0, 150, GROUP):
            part, found = value[row, start : start + GROUP], back[row, start : start + GROUP]
            level = float(part.abs().max()) / 7
            # The scale itself is rounded to bf16: 7 levels times 2^-8 of a level are added at most.
            assert float((found - part).abs().max()) <= level * (0.5 + 7 * 2**-8)
            assert len(found.unique()) <= 15


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_and_zeros_stay(kind):
    vector = matrix(1, 9)[0]
    assert torch.equal(restored("b", stored("b", vector, kind), (9,), kind), vector)
    empty = matrix(3, 70)
    empty[1] = 0
    back = restored("w", stored("w", empty, kind), (3, 70), kind)
    assert bool((back[1] == 0).all()) and bool(torch.isfinite(back).all())


def test_int8_by_hand():
    kept = stored("w", torch.tensor([[127.0, -63.6, 0.4]]), "int8")
    assert kept["q8:w"].tolist() == [[127, -64, 0]] and kept["scale:w"].tolist() == [[1.0]]


def test_int4_by_hand():
    kept = stored("w", torch.tensor([[7.0, -7.0, 1.4]]), "int4")
    assert kept["q4:w"].tolist() == [[15 | 1 << 4, 9 | 8 << 4]] and kept["scale:w"].tolist() == [[1.0]]

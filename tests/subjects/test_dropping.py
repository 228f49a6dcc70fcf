import pytest
import torch
from torch.nn import functional

from lifespan.model.forward import seeded
from lifespan.subjects._torchvision import mend_torchvision
from lifespan.subjects.dropping import LEVELS, Dropout, attend, dropped

mend_torchvision()

HEADS = torch.nn.Identity()


def drawn(seed: int, *arguments) -> torch.Tensor:
    with seeded(seed, torch.device("cpu")):
        return dropped(*arguments)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_what_is_dropped_is_dropped_at_the_rate_and_the_rest_makes_up_for_it(dtype, rate):
    found = drawn(0, torch.ones(100_003, dtype=dtype), rate).float()
    share = float((found == 0).float().mean())
    assert share == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 100_003) ** 0.5)
    left = found[found != 0]
    assert torch.allclose(left, torch.full_like(left, 1 / (1 - round(rate * LEVELS) / LEVELS)), rtol=0.005)
    assert float(found.mean()) == pytest.approx(1, abs=0.03)


def test_neighbours_are_dropped_independently():
    lost = (drawn(1, torch.ones(400_000), 0.5) == 0).float()
    for lag in (1, 2, 3, 4, 8):
        pairs = torch.stack([lost[:-lag], lost[lag:]])
        assert abs(float(torch.corrcoef(pairs)[0, 1])) < 0.01


def test_a_rate_next_to_one_drops_nearly_all_and_stays_finite():
    found = drawn(0, torch.ones(10_000), 0.9999999)
    assert bool(torch.isfinite(found).all()) and int((found != 0).sum()) < 10


def test_the_same_seed_drops_the_same_and_another_seed_does_not():
    states = torch.randn(64, 48)
    assert torch.equal(drawn(3, states, 0.2), drawn(3, states, 0.2))
    assert not torch.equal(drawn(3, states, 0.2), drawn(4, states, 0.2))


def test_nothing_is_dropped_at_rate_nothing_or_at_rest():
    states = torch.randn(5, 7)
    assert dropped(states, 0.0) is states
    assert Dropout(0.5).eval()(states) is states


def test_gradients_pass_where_nothing_was_dropped():
    states = torch.ones(1000, requires_grad=True)
    found = drawn(0, states, 0.25)
    found.sum().backward()
    assert states.grad is not None and torch.equal(states.grad, found.detach())


def test_attention_is_torchs_own_where_nothing_is_dropped():
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(3, 2, 9, 4, generator=draw, requires_grad=True) for _ in range(3))
    mask = torch.ones(3, 1, 9, 9, dtype=torch.bool)
    mask[1, :, :, 5:] = False
    # A rate that rounds to nothing takes our way without a draw.
    ours, _ = attend(HEADS, query, key, value, mask, dropout=1e-9)
    theirs = functional.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2)
    assert torch.allclose(ours, theirs, atol=1e-6)
    grown = torch.randn(ours.shape, generator=draw)
    mine = torch.autograd.grad(ours, (query, key, value), grown)
    others = torch.autograd.grad(theirs, (query, key, value), grown)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(mine, others, strict=True))


def test_attention_with_dropout_hears_on_average_what_it_hears_without():
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, 8, 4, generator=draw) for _ in range(3))
    whole, _ = attend(HEADS, query, key, value, None, dropout=1e-9)
    with seeded(0, torch.device("cpu")):
        mean = torch.stack([attend(HEADS, query, key, value, None, dropout=0.3)[0] for _ in range(3000)]).mean(0)
    assert torch.allclose(mean, whole, atol=0.06)


def test_short_and_half_precision_goes_our_way_and_long_goes_torchs(monkeypatch):
    from lifespan.subjects import dropping

    def fused(length: int, dtype: torch.dtype, *, gradient: bool = False, dropout: float = 0.0) -> bool:
        with torch.set_grad_enabled(gradient):
            return dropping._fused_is_faster(torch.zeros(1, 1, length, 4, dtype=dtype), dropout)

    assert fused(64, torch.float32) and fused(64, torch.float32, gradient=True) and fused(256, torch.bfloat16)
    assert not fused(64, torch.bfloat16) and not fused(256, torch.bfloat16, gradient=True)
    assert not fused(64, torch.float32, dropout=0.1)


def test_a_token_that_hears_nobody_is_still_a_number():
    query, key, value = (torch.randn(1, 2, 6, 4) for _ in range(3))
    mask = torch.ones(1, 1, 6, 6, dtype=torch.bool)
    mask[:, :, 5] = False
    heard, _ = attend(HEADS, query, key, value, mask, dropout=0.1)
    assert bool(torch.isfinite(heard).all())


def test_what_only_torchs_kernel_can_do_is_left_to_it():
    from lifespan.subjects.dropping import _needs_torch

    causal, shared = torch.nn.Identity(), torch.nn.Identity()
    causal.is_causal, shared.num_key_value_groups = True, 4
    whole = torch.ones(1, 1, 2, 2, dtype=torch.bool)
    assert _needs_torch(causal, None, {}) and not _needs_torch(causal, None, {"is_causal": False})
    assert _needs_torch(shared, None, {}) and _needs_torch(HEADS, whole.float(), {})
    assert not _needs_torch(HEADS, whole, {}) and not _needs_torch(HEADS, None, {"position_bias": None})

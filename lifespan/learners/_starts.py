"""Initial scores of mask learners, from which the first mask and the distances to a flip follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lifespan.contracts.subject import Masks as AliveMasks
from lifespan.contracts.subject import Subject
from lifespan.pruning.selection import ordered

if TYPE_CHECKING:
    from lifespan.learners.masks import Masks
    from lifespan.randomness import Streams


def ranks(values: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Ranks in (0, 1) of the entries marked in `among`, ascending (ties as in `pruning.selection`); 0 elsewhere."""
    result = torch.zeros_like(values)
    chosen = values[among]
    order = ordered(chosen)
    rank = torch.empty_like(chosen)
    rank[order] = (torch.arange(len(chosen), dtype=values.dtype, device=values.device) + 0.5) / max(1, len(chosen))
    result[among] = rank
    return result


def magnitude_ranks(subject: Subject) -> dict[str, torch.Tensor]:
    """Ranks in (0, 1) of abs(W) among the living synapses of each matrix."""
    return {name: ranks(weight.data.abs(), subject.alive[name]) for name, weight in subject.synapses.items()}


def random_ranks(subject: Subject, streams: Streams) -> dict[str, torch.Tensor]:
    """Random ranks in (0, 1) among the living synapses of each matrix, from the "mask" stream."""
    generator = streams.torch("mask")
    draws = {name: torch.rand(weight.shape, generator=generator) for name, weight in subject.synapses.items()}
    return {name: ranks(draw.to(subject.device), subject.alive[name]) for name, draw in draws.items()}


def starting_scores(recipe: Masks, subject: Subject, streams: Streams) -> dict[str, torch.Tensor]:
    """Scores by matrix for a recipe's `start`; exceeding `recipe.threshold` means on."""
    if recipe.start == "uniform":
        return {name: torch.full_like(weight.data, 2 * recipe.threshold) for name, weight in subject.synapses.items()}
    scores = {}
    for name, rank in (random_ranks(subject, streams) if recipe.start == "random" else magnitude_ranks(subject)).items():
        above = rank - recipe.sparsity
        if recipe.start == "two-level":
            scores[name] = torch.where(above > 0, 2 * recipe.threshold, 0.0)
        else:
            scores[name] = recipe.threshold + recipe.spread * above
    return scores


def anatomy_scores(subject: Subject, spread: float) -> tuple[dict[str, torch.Tensor], AliveMasks]:
    """Scores whose sign is the alive mask, graded by magnitude on either side; and that every synapse is eligible."""
    scores, eligible = {}, {}
    for name, weight in subject.synapses.items():
        alive = subject.alive[name]
        values = weight.data.abs()
        scores[name] = spread * torch.where(alive, ranks(values, alive), ranks(values, ~alive) - 1)
        eligible[name] = torch.ones_like(alive)
    return scores, eligible

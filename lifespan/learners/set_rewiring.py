"""Dynamic sparse training that grows at random."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan.learners._dynamic_sparse import DynamicSparse


@dataclass(frozen=True, kw_only=True)
class SET(DynamicSparse):
    """Drop the living synapses with the smallest abs(W), grow as many at random: sparse evolutionary training.

    Mocanu et al. (2018), as Evci et al. (2020, table 1) compare it with `RigL`, whose arguments, reports and places it
    shares: the control that says whether it matters where synapses grow. Unlike there an update follows the gradient step
    instead of replacing it, and its draws come from the stream "mask" of that step, whatever the weights. Beside the paper,
    the smallest of either sign are ranked together, the fraction falls by RigL's cosine instead of staying at 0.3, and grown
    weights start at zero (`weights=True`) or are those that the synapse died with (`weights=False`).
    """

    citation = "mocanu2018scalable"

    @property
    def by_gradient(self) -> bool:
        return False

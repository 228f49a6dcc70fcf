"""Measures: looks that change nothing."""

from lifespan.probes.score import Score
from lifespan.probes.sparsity import Sparsity

__all__ = ["Score", "Sparsity"]

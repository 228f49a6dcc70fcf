"""Perturbations with a severity."""

from lifespan.disorders.regrow import Regrow
from lifespan.disorders.unstable_optimizer import UnstableOptimizer
from lifespan.disorders.weight_noise import WeightNoise

__all__ = ["Regrow", "UnstableOptimizer", "WeightNoise"]

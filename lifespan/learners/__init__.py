"""Kinds of plasticity."""

from lifespan.learners.both import Both
from lifespan.learners.head_only import HeadOnly
from lifespan.learners.masks import Masks
from lifespan.learners.rewire import Rewire
from lifespan.learners.weights import Weights

__all__ = ["Both", "HeadOnly", "Masks", "Rewire", "Weights"]

"""Which synapses die: pruners."""

from lifespan.pruning.magnitude import Magnitude
from lifespan.pruning.random import Random

__all__ = ["Magnitude", "Random"]

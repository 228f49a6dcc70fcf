"""Engines, which start workers on a plan: here, in processes, or on a cluster. Which one is used changes no row."""

from lifespan.engines.inline import Inline
from lifespan.engines.local import Local
from lifespan.engines.ray import Ray
from lifespan.engines.slurm import Slurm

__all__ = ["Inline", "Local", "Ray", "Slurm"]

"""Measures: looks that change nothing."""

from lifespan.probes.footprint import Footprint
from lifespan.probes.generalisation import Generalisation
from lifespan.probes.score import Score
from lifespan.probes.since import Since
from lifespan.probes.sparsity import Sparsity
from lifespan.probes.task_inference import TaskInference
from lifespan.probes.weight_agnostic import WeightAgnostic

__all__ = ["Footprint", "Generalisation", "Score", "Since", "Sparsity", "TaskInference", "WeightAgnostic"]

"""Measures and contrasts: evaluations that change nothing, by what they ask."""

from lifespan.probes.landscape.barriers import Barrier, Bend
from lifespan.probes.landscape.sharpness import Sharpness
from lifespan.probes.landscape.slices import LossPlane, LossSlice
from lifespan.probes.performance.confidence import Calibration, NullInput
from lifespan.probes.performance.generalisation import Generalisation
from lifespan.probes.performance.minimal_pairs import MinimalPairs
from lifespan.probes.performance.out_of_domain import OutOfDomain
from lifespan.probes.performance.outputs import ErrorOverlap, Outputs
from lifespan.probes.performance.perplexity import Perplexity
from lifespan.probes.performance.score import Score
from lifespan.probes.performance.task_inference import TaskInference
from lifespan.probes.plasticity.fresh_task import FreshTask
from lifespan.probes.plasticity.vitality import DormantUnits, EffectiveRank, FisherTrace, WeightNorm
from lifespan.probes.presets import robustness, usual
from lifespan.probes.representation.readout import Readout
from lifespan.probes.representation.representation import RepresentationSimilarity
from lifespan.probes.robustness.lesions import LesionMap, TargetedLesions
from lifespan.probes.robustness.pruned import Pruned
from lifespan.probes.robustness.response import Response
from lifespan.probes.since import Since
from lifespan.probes.structure.footprint import Footprint
from lifespan.probes.structure.overlap import MaskOverlap, PublishedOverlap, TaskOverlap, Turnover
from lifespan.probes.structure.portrait import Portrait
from lifespan.probes.structure.sparsity import Sparsity
from lifespan.probes.structure.weight_agnostic import WeightAgnostic
from lifespan.probes.structure.wiring import Wiring

__all__ = [
    "Barrier",
    "Bend",
    "Calibration",
    "DormantUnits",
    "EffectiveRank",
    "ErrorOverlap",
    "FisherTrace",
    "Footprint",
    "FreshTask",
    "Generalisation",
    "LesionMap",
    "LossPlane",
    "LossSlice",
    "MaskOverlap",
    "MinimalPairs",
    "NullInput",
    "OutOfDomain",
    "Outputs",
    "Perplexity",
    "Portrait",
    "Pruned",
    "PublishedOverlap",
    "Readout",
    "RepresentationSimilarity",
    "Response",
    "Score",
    "Sharpness",
    "Since",
    "Sparsity",
    "TargetedLesions",
    "TaskInference",
    "TaskOverlap",
    "Turnover",
    "WeightAgnostic",
    "WeightNorm",
    "Wiring",
    "robustness",
    "usual",
]

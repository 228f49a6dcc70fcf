"""Measures and contrasts: looks that change nothing."""

from lifespan.probes.barriers import Barrier, Bend
from lifespan.probes.confidence import Calibration, NullInput
from lifespan.probes.footprint import Footprint
from lifespan.probes.fresh_task import FreshTask
from lifespan.probes.generalisation import Generalisation
from lifespan.probes.lesions import LesionMap, TargetedLesions
from lifespan.probes.out_of_domain import OutOfDomain
from lifespan.probes.outputs import ErrorOverlap, Outputs
from lifespan.probes.overlap import MaskOverlap, TaskOverlap, Turnover
from lifespan.probes.perplexity import Perplexity
from lifespan.probes.pruned import Pruned
from lifespan.probes.readout import Readout
from lifespan.probes.representation import RepresentationSimilarity
from lifespan.probes.response import Response
from lifespan.probes.score import Score
from lifespan.probes.sharpness import Sharpness
from lifespan.probes.since import Since
from lifespan.probes.slices import LossPlane, LossSlice
from lifespan.probes.sparsity import Sparsity
from lifespan.probes.task_inference import TaskInference
from lifespan.probes.usual import robustness, usual
from lifespan.probes.vitality import DormantUnits, EffectiveRank, FisherTrace, WeightNorm
from lifespan.probes.weight_agnostic import WeightAgnostic
from lifespan.probes.wiring import Wiring

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
    "NullInput",
    "OutOfDomain",
    "Outputs",
    "Perplexity",
    "Pruned",
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

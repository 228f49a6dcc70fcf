"""Pruners: criteria by which synapses die, one a file."""

from lifespan.pruning.fisher import Fisher
from lifespan.pruning.gradient_saliency import GradientSaliency
from lifespan.pruning.greedy_forward import GreedyForward
from lifespan.pruning.heads import Heads
from lifespan.pruning.language_mask import LanguageMask
from lifespan.pruning.layers import Layers
from lifespan.pruning.magnitude import Magnitude
from lifespan.pruning.movement import Movement
from lifespan.pruning.n_of_m import NofM
from lifespan.pruning.neurons import Neurons
from lifespan.pruning.random import Random
from lifespan.pruning.skill_mask import SkillMask
from lifespan.pruning.wanda import Wanda

__all__ = [
    "Fisher",
    "GradientSaliency",
    "GreedyForward",
    "Heads",
    "LanguageMask",
    "Layers",
    "Magnitude",
    "Movement",
    "Neurons",
    "NofM",
    "Random",
    "SkillMask",
    "Wanda",
]

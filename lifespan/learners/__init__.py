"""Learners: kinds of plasticity, one a file. Modules that begin with an underscore hold their `Plasticity`."""

from lifespan.learners.avalanche_strategy import AvalancheStrategy
from lifespan.learners.bernoulli_masks import BernoulliMasks
from lifespan.learners.both import Both
from lifespan.learners.distilled import Distilled
from lifespan.learners.fixed_mask import FixedMask
from lifespan.learners.hat import HAT
from lifespan.learners.head_only import HeadOnly
from lifespan.learners.l0_close import L0Close
from lifespan.learners.lora import LoRA
from lifespan.learners.lottery import Lottery
from lifespan.learners.masks import Masks
from lifespan.learners.movement_masks import MovementMasks
from lifespan.learners.packnet import PackNet
from lifespan.learners.rewire import Rewire
from lifespan.learners.rigl import RigL
from lifespan.learners.set_rewiring import SET
from lifespan.learners.soft_movement_masks import SoftMovementMasks
from lifespan.learners.topk_masks import TopKMasks
from lifespan.learners.weights import Weights

__all__ = [
    "HAT",
    "SET",
    "AvalancheStrategy",
    "BernoulliMasks",
    "Both",
    "Distilled",
    "FixedMask",
    "HeadOnly",
    "L0Close",
    "LoRA",
    "Lottery",
    "Masks",
    "MovementMasks",
    "PackNet",
    "Rewire",
    "RigL",
    "SoftMovementMasks",
    "TopKMasks",
    "Weights",
]

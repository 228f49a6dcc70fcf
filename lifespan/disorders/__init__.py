"""Perturbations with a severity."""

from lifespan.disorders.activation_noise import ActivationNoise
from lifespan.disorders.anchoring import Anchoring
from lifespan.disorders.duplicated_units import DuplicatedUnits
from lifespan.disorders.early_pruning import EarlyPruning
from lifespan.disorders.failed_homeostasis import FailedHomeostasis
from lifespan.disorders.failing_synapses import FailingSynapses
from lifespan.disorders.frozen_layers import FrozenLayers
from lifespan.disorders.gain_reduction import GainReduction
from lifespan.disorders.head_loss import HeadLoss
from lifespan.disorders.high_rate import HighRate
from lifespan.disorders.homeostatic_scaling import HomeostaticScaling
from lifespan.disorders.imbalanced_classes import ImbalancedClasses
from lifespan.disorders.initial_scale import InitialScale
from lifespan.disorders.label_noise import LabelNoise
from lifespan.disorders.late_pruning import LatePruning
from lifespan.disorders.layer_loss import LayerLoss
from lifespan.disorders.loss_spikes import LossSpikes
from lifespan.disorders.lost_clipping import LostClipping
from lifespan.disorders.lost_structural_plasticity import LostStructuralPlasticity
from lifespan.disorders.lower_rate import LowerRate
from lifespan.disorders.matched_noise import MatchedNoise
from lifespan.disorders.mis_layering import MisLayering
from lifespan.disorders.misset_momentum import MissetMomentum
from lifespan.disorders.missing_heads import MissingHeads
from lifespan.disorders.narrow_domain import NarrowDomain
from lifespan.disorders.neuron_loss import NeuronLoss
from lifespan.disorders.no_refit import NoRefit
from lifespan.disorders.no_warmup import NoWarmup
from lifespan.disorders.noisy_gradients import NoisyGradients
from lifespan.disorders.oscillating_rate import OscillatingRate
from lifespan.disorders.over_pruning import OverPruning
from lifespan.disorders.partial_reinitialization import PartialReinitialization
from lifespan.disorders.poor_corpus import PoorCorpus
from lifespan.disorders.premature_closure import PrematureClosure
from lifespan.disorders.rank_collapse import RankCollapse
from lifespan.disorders.regrow import Regrow
from lifespan.disorders.reinitialize_dormant import ReinitializeDormant
from lifespan.disorders.replay import Replay
from lifespan.disorders.scattered_loss import ScatteredLoss
from lifespan.disorders.sign_flips import SignFlips
from lifespan.disorders.sparse_wiring import SparseWiring
from lifespan.disorders.stale_updates import StaleUpdates
from lifespan.disorders.synapse_loss import SynapseLoss
from lifespan.disorders.token_blur import TokenBlur
from lifespan.disorders.typos import Typos
from lifespan.disorders.under_pruning import UnderPruning
from lifespan.disorders.unstable_optimizer import UnstableOptimizer
from lifespan.disorders.vocabulary_loss import VocabularyLoss
from lifespan.disorders.vocabulary_swap import VocabularySwap
from lifespan.disorders.weight_noise import WeightNoise
from lifespan.disorders.withheld_items import WithheldItems
from lifespan.disorders.word_order_mirror import WordOrderMirror
from lifespan.disorders.word_order_shuffle import WordOrderShuffle
from lifespan.disorders.wrong_criterion import WrongCriterion

__all__ = [
    "ActivationNoise",
    "Anchoring",
    "DuplicatedUnits",
    "EarlyPruning",
    "FailedHomeostasis",
    "FailingSynapses",
    "FrozenLayers",
    "GainReduction",
    "HeadLoss",
    "HighRate",
    "HomeostaticScaling",
    "ImbalancedClasses",
    "InitialScale",
    "LabelNoise",
    "LatePruning",
    "LayerLoss",
    "LossSpikes",
    "LostClipping",
    "LostStructuralPlasticity",
    "LowerRate",
    "MatchedNoise",
    "MisLayering",
    "MissetMomentum",
    "MissingHeads",
    "NarrowDomain",
    "NeuronLoss",
    "NoRefit",
    "NoWarmup",
    "NoisyGradients",
    "OscillatingRate",
    "OverPruning",
    "PartialReinitialization",
    "PoorCorpus",
    "PrematureClosure",
    "RankCollapse",
    "Regrow",
    "ReinitializeDormant",
    "Replay",
    "ScatteredLoss",
    "SignFlips",
    "SparseWiring",
    "StaleUpdates",
    "SynapseLoss",
    "TokenBlur",
    "Typos",
    "UnderPruning",
    "UnstableOptimizer",
    "VocabularyLoss",
    "VocabularySwap",
    "WeightNoise",
    "WithheldItems",
    "WordOrderMirror",
    "WordOrderShuffle",
    "WrongCriterion",
]

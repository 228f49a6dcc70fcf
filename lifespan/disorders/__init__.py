"""Disorders and treatments: perturbations with a severity, by aetiological class, one a file."""

from lifespan.disorders.data.imbalanced_classes import ImbalancedClasses
from lifespan.disorders.data.label_noise import LabelNoise
from lifespan.disorders.data.narrow_domain import NarrowDomain
from lifespan.disorders.data.poor_corpus import PoorCorpus
from lifespan.disorders.data.withheld_items import WithheldItems
from lifespan.disorders.degeneration.head_loss import HeadLoss
from lifespan.disorders.degeneration.layer_loss import LayerLoss
from lifespan.disorders.degeneration.neuron_loss import NeuronLoss
from lifespan.disorders.degeneration.scattered_loss import ScatteredLoss
from lifespan.disorders.degeneration.synapse_loss import SynapseLoss
from lifespan.disorders.deprivation.token_blur import TokenBlur
from lifespan.disorders.deprivation.typos import Typos
from lifespan.disorders.deprivation.vocabulary_loss import VocabularyLoss
from lifespan.disorders.deprivation.vocabulary_swap import VocabularySwap
from lifespan.disorders.deprivation.word_order_mirror import WordOrderMirror
from lifespan.disorders.deprivation.word_order_shuffle import WordOrderShuffle
from lifespan.disorders.initialisation.duplicated_units import DuplicatedUnits
from lifespan.disorders.initialisation.initial_scale import InitialScale
from lifespan.disorders.initialisation.mis_layering import MisLayering
from lifespan.disorders.initialisation.missing_heads import MissingHeads
from lifespan.disorders.initialisation.partial_reinitialization import PartialReinitialization
from lifespan.disorders.initialisation.rank_collapse import RankCollapse
from lifespan.disorders.initialisation.sparse_wiring import SparseWiring
from lifespan.disorders.noise.activation_noise import ActivationNoise
from lifespan.disorders.noise.failing_synapses import FailingSynapses
from lifespan.disorders.noise.gain_reduction import GainReduction
from lifespan.disorders.noise.matched_noise import MatchedNoise
from lifespan.disorders.noise.weight_noise import WeightNoise
from lifespan.disorders.optimiser.high_rate import HighRate
from lifespan.disorders.optimiser.loss_spikes import LossSpikes
from lifespan.disorders.optimiser.lost_clipping import LostClipping
from lifespan.disorders.optimiser.misset_momentum import MissetMomentum
from lifespan.disorders.optimiser.no_warmup import NoWarmup
from lifespan.disorders.optimiser.noisy_gradients import NoisyGradients
from lifespan.disorders.optimiser.oscillating_rate import OscillatingRate
from lifespan.disorders.optimiser.sign_flips import SignFlips
from lifespan.disorders.optimiser.stale_updates import StaleUpdates
from lifespan.disorders.optimiser.unstable_optimizer import UnstableOptimizer
from lifespan.disorders.plasticity.anchoring import Anchoring
from lifespan.disorders.plasticity.failed_homeostasis import FailedHomeostasis
from lifespan.disorders.plasticity.frozen_layers import FrozenLayers
from lifespan.disorders.plasticity.lost_structural_plasticity import LostStructuralPlasticity
from lifespan.disorders.plasticity.premature_closure import PrematureClosure
from lifespan.disorders.pruning_schedule.early_pruning import EarlyPruning
from lifespan.disorders.pruning_schedule.late_pruning import LatePruning
from lifespan.disorders.pruning_schedule.no_refit import NoRefit
from lifespan.disorders.pruning_schedule.over_pruning import OverPruning
from lifespan.disorders.pruning_schedule.under_pruning import UnderPruning
from lifespan.disorders.pruning_schedule.wrong_criterion import WrongCriterion
from lifespan.disorders.treatments.homeostatic_scaling import HomeostaticScaling
from lifespan.disorders.treatments.lower_rate import LowerRate
from lifespan.disorders.treatments.regrow import Regrow
from lifespan.disorders.treatments.reinitialize_dormant import ReinitializeDormant
from lifespan.disorders.treatments.replay import Replay

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

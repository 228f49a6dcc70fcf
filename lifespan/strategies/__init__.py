"""Strategies against forgetting: how earlier tasks are kept while the next one is learned by weights."""

from lifespan.strategies.averaged_gem import AveragedGEM
from lifespan.strategies.dark_experience import DarkExperience
from lifespan.strategies.elastic import EWC
from lifespan.strategies.rehearsal import Rehearsal
from lifespan.strategies.synaptic_intelligence import SynapticIntelligence
from lifespan.strategies.without_forgetting import LearningWithoutForgetting

__all__ = ["EWC", "AveragedGEM", "DarkExperience", "LearningWithoutForgetting", "Rehearsal", "SynapticIntelligence"]

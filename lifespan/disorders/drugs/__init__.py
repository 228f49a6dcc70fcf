"""Drugs: disorders that change the stored weights once, at a dose."""

from lifespan.disorders.drugs.quantization import Quantize
from lifespan.disorders.drugs.random_mixing import RandomMixing
from lifespan.disorders.drugs.sign_only import SignOnly
from lifespan.disorders.drugs.weight_shuffling import WeightShuffling

__all__ = ["Quantize", "RandomMixing", "SignOnly", "WeightShuffling"]

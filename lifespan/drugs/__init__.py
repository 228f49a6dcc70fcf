"""Drugs: disorders that change the stored weights once, at a dose."""

from lifespan.drugs.quantization import Quantize
from lifespan.drugs.random_mixing import RandomMixing
from lifespan.drugs.sign_only import SignOnly
from lifespan.drugs.weight_shuffling import WeightShuffling

__all__ = ["Quantize", "RandomMixing", "SignOnly", "WeightShuffling"]

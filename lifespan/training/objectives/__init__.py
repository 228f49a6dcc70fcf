"""What development can predict: one objective a file, behind `lifespan.contracts.Objective`."""

from lifespan.training.objectives.masked import MaskedLanguage

__all__ = ["MaskedLanguage"]

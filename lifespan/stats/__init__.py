"""Arrays to numbers: NumPy, SciPy, pandas and statsmodels alone."""

from lifespan._deprecated import STATS, moved_names

__getattr__ = moved_names(__name__, STATS)

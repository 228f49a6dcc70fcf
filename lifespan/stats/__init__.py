"""Arrays to numbers: NumPy, SciPy, pandas and statsmodels alone."""

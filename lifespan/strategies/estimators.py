"""Names of the estimators of the Fisher information, without torch."""

ESTIMATORS = ("sampled", "exact", "batch")

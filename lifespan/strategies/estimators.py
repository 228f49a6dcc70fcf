"""Names of the estimators of the Fisher information."""

from typing import Literal, get_args

Estimator = Literal["sampled", "exact", "batch"]
ESTIMATORS = get_args(Estimator)

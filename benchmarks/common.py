"""What several benchmarks share."""

from __future__ import annotations

import sys

import numpy as np

LIFESPAN = [sys.executable, "-c", "import sys; from lifespan.cli import main; main(sys.argv[1:])"]
"""The program `lifespan`, as a new process of this Python."""


def extremes(values: np.ndarray) -> list[float]:
    """Lowest, median and highest, to two decimals."""
    return [round(float(value), 2) for value in np.quantile(values, [0.0, 0.5, 1.0])]

"""What several benchmarks share."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from lifespan.contracts import Examples

LIFESPAN = [sys.executable, "-c", "import sys; from lifespan.cli.main import main; main(sys.argv[1:])"]
"""The program `lifespan`, as a new process of this Python."""


def extremes(values: np.ndarray) -> list[float]:
    """Lowest, median and highest, to two decimals."""
    return [round(float(value), 2) for value in np.quantile(values, [0.0, 0.5, 1.0])]


def encoded(tokenizer: Any, rows: Examples) -> list[dict[str, Any]]:
    """Rows as Trainer takes them: at most 128 tokens each, with the label's index."""
    texts = [list(rows.first)] if rows.second is None else [list(rows.first), list(rows.second)]
    found = tokenizer(*texts, truncation=True, max_length=128)
    return [{**{k: found[k][i] for k in found}, "labels": int(rows.labels[i])} for i in range(len(rows))]


def trainer_settings(folder: str, *, half: bool, steps: int, batch: int) -> dict[str, Any]:
    """Arguments of `TrainingArguments` for so many steps without reports; in bf16 batches are grouped by length, as ours."""
    return {
        "output_dir": folder,
        "per_device_train_batch_size": batch,
        "per_device_eval_batch_size": batch,
        "max_steps": steps,
        "bf16": half,
        "train_sampling_strategy": "group_by_length" if half else "random",
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "logging_steps": 10_000,
    }

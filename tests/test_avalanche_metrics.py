"""Where Avalanche defines the same number, ours is equal. Runs where avalanche-lib 0.6 is installed."""

import numpy as np
import pytest

from lifespan import metrics
from lifespan.compat import mend_torchvision

mend_torchvision()
forgetting_bwt = pytest.importorskip("avalanche.evaluation.metrics.forgetting_bwt")
forward_transfer = pytest.importorskip("avalanche.evaluation.metrics.forward_transfer")

TASKS = 5
SCORES = np.random.default_rng(0).random((TASKS, TASKS))
AT_BIRTH = np.random.default_rng(1).random(TASKS)


def told(metric):
    """Avalanche's dictionary of results after learning in order; the last task is no earlier one."""
    for task in range(TASKS):
        metric.update_initial(task, SCORES[task, task])
    for task in range(TASKS):
        metric.update_last(task, SCORES[-1, task])
    return np.mean([metric.result()[task] for task in range(TASKS - 1)])


def test_its_forgetting_is_our_forgetting_last_and_not_chaudhrys():
    assert told(forgetting_bwt.Forgetting()) == pytest.approx(metrics.forgetting_last(SCORES))
    assert metrics.forgetting_max(SCORES) > metrics.forgetting_last(SCORES)


def test_backward_transfer_is_equal():
    assert told(forgetting_bwt.BWT()) == pytest.approx(metrics.backward_transfer(SCORES))


def test_forward_transfer_is_equal():
    metric = forward_transfer.ForwardTransfer()
    for task in range(TASKS):
        metric.update_initial(task, AT_BIRTH[task])
    for task in range(1, TASKS):
        metric.update_previous(task, SCORES[task - 1, task])
    found = metric.result()
    assert np.mean([found[task] for task in range(1, TASKS)]) == pytest.approx(metrics.forward_transfer(SCORES, AT_BIRTH))

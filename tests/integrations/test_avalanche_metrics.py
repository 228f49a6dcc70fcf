"""Where Avalanche defines the same number, ours is equal. Runs where avalanche-lib 0.6 is installed."""

import numpy as np
import pytest
import torch

from lifespan.stats import metrics
from lifespan.subjects._torchvision import mend_torchvision

mend_torchvision()
accuracy = pytest.importorskip("avalanche.evaluation.metrics.accuracy")
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


def streamed(metric, evaluated):
    """Mean over tasks after the last learning, as the stream's metric keeps it; `evaluated` says which tasks it looks at."""
    for learned in range(TASKS):
        for task in evaluated(learned):
            metric.update(task, SCORES[learned, task], initial=task == learned)
    return np.mean(list(metric.result().values()))


def test_forgetting_of_a_stream_is_equal_where_only_learned_tasks_are_evaluated():
    assert streamed(forgetting_bwt.Forgetting(), lambda learned: range(learned + 1)) == pytest.approx(
        metrics.forgetting_last(SCORES)
    )


def test_forgetting_of_a_whole_stream_counts_what_the_last_task_gained():
    """Where it also looks at tasks to come, what the last task gained counts as if it were forgotten: not our definition."""
    gained = SCORES[-1, -1] - SCORES[-2, -1]
    theirs = streamed(forgetting_bwt.Forgetting(), lambda learned: range(TASKS))
    lost = metrics.forgetting_last(SCORES) * (TASKS - 1)
    assert theirs == pytest.approx((lost + gained) / TASKS) and theirs != pytest.approx(metrics.forgetting_last(SCORES))


@pytest.mark.parametrize(("sizes", "equal"), [((40, 40, 40), True), ((10, 40, 90), False)])
def test_accuracy_of_a_stream_is_our_acc_where_tasks_are_of_one_size(sizes, equal):
    """It is the mean over examples, ours over tasks."""
    draw = np.random.default_rng(2)
    pooled, scores = accuracy.Accuracy(), []
    for count in sizes:
        labels, predicted = draw.integers(2, size=count), draw.integers(2, size=count)
        pooled.update(torch.from_numpy(predicted), torch.from_numpy(labels))
        scores.append(metrics.accuracy(predicted, labels))
    ours = metrics.average_accuracy(np.tile(scores, (len(sizes), 1)))
    assert (pooled.result() == pytest.approx(ours)) == equal

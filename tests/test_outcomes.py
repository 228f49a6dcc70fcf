"""Which rows make one course of scores."""

import pandas as pd
import pytest

from lifespan.outcomes import held_out


def looks(task, **counts):
    rows = [(task, split, value) for split, count in counts.items() for value in range(count)]
    return pd.DataFrame(rows, columns=["task", "split", "value"])


@pytest.mark.parametrize(
    ("counts", "chosen"),
    [
        ({"dev": 2, "test": 9}, "test"),
        ({"dev": 3, "test": 3}, "dev"),
        ({"test": 3, "dev": 3}, "dev"),
        ({"train": 9, "dev": 1}, "dev"),
        ({"train": 9, "test": 1}, "test"),
        ({"train": 2}, "train"),
        ({"dev": 5}, "dev"),
    ],
)
def test_a_course_of_scores_is_on_one_split_the_most_looked_at(counts, chosen):
    found = held_out(looks("mrpc", **counts))
    assert set(found["split"]) == {chosen} and len(found) == counts[chosen]


def test_each_task_has_its_own_split():
    rows = pd.concat([looks("mrpc", dev=2, test=5), looks("rte", dev=4, test=1)], ignore_index=True)
    assert dict(held_out(rows).groupby("task")["split"].first()) == {"mrpc": "test", "rte": "dev"}
    assert held_out(rows.iloc[:0]).empty

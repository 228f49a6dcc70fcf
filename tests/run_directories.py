"""What tests read from a run directory, and an observer that stops a run."""

import json

from lifespan.execution.observer import Observer
from lifespan.record.store import Store


def lines(directory, name="measurements.jsonl"):
    return (directory / name).read_text().splitlines()


def final_blobs(directory, group, individual=0):
    rows = [json.loads(line) for line in lines(directory, "steps.jsonl")]
    own = [row for row in rows if row["group"] == group and row["individual"] == individual]
    return Store(directory / "store").node(own[-1]["digest"])["blobs"]


class KillAt(Observer):
    """Asks to stop when a given number of optimizer steps has been lived."""

    def __init__(self, when):
        self.left, self.now = when, False

    def advances(self, done, steps, loss):
        self.left -= 1
        self.now = self.left <= 0

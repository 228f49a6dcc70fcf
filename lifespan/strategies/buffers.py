"""Buffers of earlier examples: which rows are kept, and batches of them."""

from __future__ import annotations

import numpy as np
import torch

from lifespan.contracts import Lesson, Task
from lifespan.contracts.subject import Subject
from lifespan.randomness import Streams
from lifespan.strategies.shared import file, filed
from lifespan.training.batches import Batch, TaskSource, task_source


class Buffer:
    """Rows of earlier tasks' training splits that a strategy kept, and batches of them, of one task at a time.

    The task of a step is drawn in proportion to its rows, from a stream named by the step, so that a life that resumes
    has the same batches.
    """

    def __init__(self, name: str, subject: Subject, lesson: Lesson) -> None:
        kept = filed(subject, f"{name}/rows/")
        bare = [task for task in lesson.earlier if subject.skills[task.title].mask is None]
        tasks = [task for task in bare if len(kept.get(task.title, ()))]
        self.lesson = lesson
        self.rows = {task.title: kept[task.title].cpu().numpy() for task in tasks}
        self.sources = {task.title: self._source(subject, task) for task in tasks}

    def __bool__(self) -> bool:
        return bool(self.rows)

    def task_at(self, streams: Streams, purpose: str, step: int) -> str:
        """Title of the task rehearsed at a step."""
        titles = list(self.rows)
        sizes = np.array([len(self.rows[title]) for title in titles], dtype=float)
        return titles[int(streams.numpy(purpose, step).choice(len(titles), p=sizes / sizes.sum()))]

    def batch(self, title: str, number: int) -> tuple[Batch, np.ndarray]:
        """A batch of a task's kept rows, and their positions among them."""
        source = self.sources[title]
        return source.batch(number), source.order.index(number)

    def _source(self, subject: Subject, task: Task) -> TaskSource:
        streams = self.lesson.streams.child("buffer", task.title)
        rows = task.examples(task.splits[0]).take(self.rows[task.title])
        how = {"length": self.lesson.length, "batch_size": min(self.lesson.batch_size, len(rows))}
        return task_source(subject, task, streams=streams, rows=rows, **how)


def keep(name: str, subject: Subject, lesson: Lesson, *, kind: str, size: int) -> None:
    """Add rows of the tasks just learned to the buffer of `size` rows and drop others, as its kind says.

    "balanced" keeps as many rows of every task, the first of one seeded order of each, so that a buffer that shrinks loses
    rows and gains none; of what does not divide evenly the tasks that were learned first have one row more, and of more tasks
    than rows the last ones have none. "reservoir" is algorithm R (Vitter 1985) on all rows in the order of first learning:
    each row seen so far is in it with one probability, so that large tasks take most of it. A task that comes back adds no
    rows, and leaves the reservoir as it is.
    """
    rows = {title: value.cpu().numpy() for title, value in filed(subject, f"{name}/rows/").items()}
    seen = int(subject.remembered.get(f"{name}/seen", torch.zeros(1, dtype=torch.int64))[0])
    for task in lesson.tasks:
        known = task.title in rows
        count, draw = len(task.examples(task.splits[0])), lesson.streams.numpy("buffer", len(rows))
        if kind == "balanced":
            rows[task.title] = draw.permutation(count)
            share, left = divmod(size, len(rows))
            rows = {title: kept[: share + (place < left)] for place, (title, kept) in enumerate(rows.items())}
        elif not known:
            rows = _reservoir(rows, task.title, count, seen, size, draw)
        seen += 0 if known else count
    file(subject, f"{name}/rows/", {title: torch.from_numpy(np.asarray(kept, dtype=np.int64)) for title, kept in rows.items()})
    subject.remembered[f"{name}/seen"] = torch.tensor([seen])


def _reservoir(
    rows: dict[str, np.ndarray], title: str, count: int, seen: int, size: int, draw: np.random.Generator
) -> dict[str, np.ndarray]:
    slots = [(name, int(row)) for name, kept in rows.items() for row in kept]
    places = draw.integers(0, seen + 1 + np.arange(count))
    for row, place in enumerate(places):
        if len(slots) < size:
            slots.append((title, row))
        elif place < size:
            slots[place] = (title, row)
    names = dict.fromkeys([*rows, title])
    return {name: np.array([row for owner, row in slots if owner == name], dtype=np.int64) for name in names}

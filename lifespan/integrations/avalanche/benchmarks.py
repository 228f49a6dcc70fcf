"""Task streams as Avalanche benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from avalanche.benchmarks import CLScenario, benchmark_from_datasets, with_classes_timeline, with_task_labels
from avalanche.benchmarks.utils import AvalancheDataset

from lifespan.contracts import ClassHead, Task
from lifespan.errors import ScenarioError
from lifespan.integrations.avalanche.datasets import joined, rows_of
from lifespan.training.batches import Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Rows = tuple[torch.Tensor, torch.Tensor]


def benchmark(lessons: Sequence[tuple[Sequence[Task], int]], tokenizer: PreTrainedTokenizerBase) -> CLScenario:
    """A benchmark of lessons, each the tasks learned together and the length in tokens; see `Stream.to_avalanche`."""
    tasks = list(dict.fromkeys(task for together, _ in lessons for task in together))
    scored = [task for task in tasks if not isinstance(task.head, ClassHead)]
    if scored:
        kind = scored[0].head.kind
        what = f"answers with {'a score' if kind == 'score' else kind}; Avalanche 0.6 learns classes."
        raise ScenarioError(f"to_avalanche: {scored[0].describe()}", what, "Leave it out.")
    longest = max(length for _, length in lessons)
    number = {task: i for i, task in enumerate(tasks)}
    read = {(task, split): _rows(task, split, tokenizer, longest) for task in tasks for split in task.splits[:2]}
    length = max(x.shape[-1] for x, _ in read.values())
    padding = tokenizer.pad_token_id or 0

    def rows(together: Sequence[Task], place: int) -> AvalancheDataset:
        return joined([(*read[task, task.splits[place]], number[task]) for task in together], length, padding)

    train, test = [rows(together, 0) for together, _ in lessons], [rows([task], 1) for task in tasks]
    return with_task_labels(with_classes_timeline(benchmark_from_datasets(train=train, test=test)))


def experience(data: AvalancheDataset, place: int) -> Any:
    """One training experience, at a place of a stream."""
    (alone,) = with_task_labels(with_classes_timeline(benchmark_from_datasets(train=[data]))).train_stream
    alone.current_experience = place
    return alone


def _rows(task: Task, split: str, tokenizer: PreTrainedTokenizerBase, length: int) -> Rows:
    rows = task.examples(split)
    x = rows_of(Tokens(tokenizer, rows.first, rows.second, length))
    return x, torch.as_tensor(rows.labels, dtype=torch.int64)

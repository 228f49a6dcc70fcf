"""A chronic disorder of data: one class becomes far more common than the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Examples, Task

if TYPE_CHECKING:
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class ImbalancedClasses(Disorder):
    """All classes but one, drawn for a life, become rare in training; rows of the common one take their places.

    Step imbalance (Buda et al. 2018). Native parameter: the share of its rows that a rare class keeps,
    100 ** -severity, at least one row. As the common class takes the places of the rest, k balanced classes come to a ratio
    of k x 100 ** severity - (k - 1). Where answers are scores, those up to the median and those above it are the classes.
    """

    aetiology = "data and curriculum"
    citation = "buda2018systematic"
    answers = ("classes", "score")

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        if self.severity == 0:
            return examples
        import numpy as np

        from lifespan.disorders._rows import lasting_draw

        draw = lasting_draw(streams, f"ImbalancedClasses/{task.title}")
        labels = np.asarray(examples.labels)
        groups = labels if task.labels else (labels > np.median(labels)).astype(np.int64)
        present = np.unique(groups)
        common = present[draw.integers(len(present))]
        order = draw.permutation(len(examples))
        index, dropped = np.arange(len(examples)), []
        for group in present[present != common]:
            members = order[groups[order] == group]
            dropped.append(members[max(1, round(100.0**-self.severity * len(members))) :])
        places = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *dropped]))
        index[places] = np.resize(np.flatnonzero(groups == common), len(places))
        return examples.take(index)

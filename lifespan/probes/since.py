"""Comparison of a subject with its younger self."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Contrast, Effort, Meaning, Measure, Moment, Reading, Task
from lifespan.model.history import earlier, require_moment

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Since(Measure):
    """Compare the subject with itself as it was at a moment of its life, by any contrast.

    The moment is "birth", "development" or a number of events (probes not counted). Rows have the contrast's metrics and the
    probe name `<contrast> since <moment>`, so that one life can be compared with several moments. The younger self is read
    from its checkpoint and answers without the disorders of the present.
    """

    cost = "the contrast's, and reading a checkpoint"

    moment: Moment = field(kw_only=False)
    contrast: Contrast = field(kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_moment(self, "moment")
        self.require_a("contrast", Contrast, 'Since("birth", MaskOverlap())')

    @property
    def title(self) -> str:
        return f"{self.contrast.title} since {self.moment}"

    @property
    def moments(self) -> tuple[Moment, ...]:
        return (self.moment,)

    @property
    def meanings(self) -> tuple[Meaning, ...]:  # type: ignore[override]
        """The contrast's own."""
        return type(self.contrast).meanings

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return self.contrast.effort(tasks)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        younger = earlier(subject, self.moment, self.describe())
        known = {title: task for title, task in tasks.items() if title in younger.skills}
        yield from self.contrast.compare(younger, subject, known, streams)

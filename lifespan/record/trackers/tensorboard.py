"""TensorBoard: a folder of event files for each life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.names import file_name
from lifespan.record.trackers._tracker import Point, Tracker
from lifespan.record.untrusted import no_link


class TensorBoard(Tracker):
    """Event files below `folder`/<study>/<life>, written by tensorboardX."""

    modules = ("tensorboardX",)
    package = "tensorboardX"

    def __init__(self, study: str, folder: Path) -> None:
        super().__init__(study, folder)
        self._writers: dict[str, Any] = {}

    def begin(self, life: str, facts: Mapping[str, Any]) -> None:
        from tensorboardX import SummaryWriter

        folder = no_link(self.folder / file_name(self.study) / file_name(life), self.folder)
        if any(folder.glob("events.*")):
            raise RecordError(str(folder), "holds events already.", "Choose another --out, or remove it.")
        self._writers[life] = SummaryWriter(str(folder), write_to_disk=True)

    def add(self, life: str, points: Sequence[Point]) -> None:
        for point in points:
            self._writers[life].add_scalar(point.name, point.value, point.age, walltime=0.0)
        self._writers[life].flush()

    def end(self, life: str, facts: Mapping[str, Any]) -> None:
        writer = self._writers.pop(life)
        writer.add_text("life", "  \n".join(f"{key}: {value}" for key, value in facts.items()))
        writer.close()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    @classmethod
    def viewer(cls, folder: Path) -> str:
        return f"tensorboard --logdir {folder}"

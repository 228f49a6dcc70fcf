"""A tracker in a process of its own: its threads, settings, output and crashes are not the simulation's.

The process reads JSON lines, `[verb, life, argument]`, and answers each with a line: "ok", or what went wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from lifespan.errors import RecordError, UserError
from lifespan.record.trackers import Point, tracker_class

OFFLINE = {
    **{"WANDB_MODE": "offline", "WANDB_SILENT": "true", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
    **{"GRADIO_ANALYTICS_ENABLED": "False", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"},
}
"""Settings by which no tracker looks for a network."""
ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID", "TRACKIO_WEBHOOK_URL")
"""Settings of a user by which trackio would send what it gets; they are not handed on."""
LAST = 400
"""Characters of a tracker's last words that an error quotes."""


class TrackerProcess:
    """The far side of a tracker; its methods are a tracker's. Raises `RecordError` where the tracker fails or has died."""

    def __init__(self, name: str, study: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        environment = {key: value for key, value in os.environ.items() if key not in ELSEWHERE}
        environment |= {**OFFLINE, "TRACKIO_DIR": str(folder.absolute())}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lifespan.record.trackers.process", name, study, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def begin(self, life: str, facts: Mapping[str, Any]) -> None:
        self._ask("begin", life, dict(facts))

    def add(self, life: str, points: Sequence[Point]) -> None:
        self._ask("add", life, [list(point) for point in points])

    def end(self, life: str, facts: Mapping[str, Any]) -> None:
        self._ask("end", life, dict(facts))

    def close(self) -> None:
        """Have it write what is left, and wait for its end."""
        try:
            self._ask("close", "", None)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        self._said.close()

    def _ask(self, verb: str, life: str, argument: Any) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps([verb, life, argument]) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline().strip()
        except (OSError, ValueError) as error:
            answer = str(error)
        if answer != "ok":
            raise RecordError(self.name, answer or f"has ended: {self._last_words()}", "")

    def _last_words(self) -> str:
        self._said.seek(0)
        return " ".join(self._said.read().decode(errors="replace").split())[-LAST:]


def main(name: str, study: str, folder: str) -> None:
    """Serve a tracker to whoever holds the other end of the pipes, until it is closed."""
    # Whatever the tracker prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tracker = None
    for line in sys.stdin:
        verb, life, argument = json.loads(line)
        try:
            tracker = tracker or tracker_class(name)(study, Path(folder))
            if verb == "close":
                tracker.close()
            elif verb == "add":
                tracker.add(life, [Point(*each) for each in argument])
            else:
                getattr(tracker, {"begin": "begin", "end": "end"}[verb])(life, argument)
            answer = "ok"
        except UserError as error:
            answer = str(error)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        print(" ".join(answer.split()), file=answers, flush=True)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main(*sys.argv[1:])

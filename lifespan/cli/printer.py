"""A console that cannot harm the work: what cannot be shown is lost, and remembered until the end."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO, Any

from lifespan.execution.consoles import NeutralConsole


class Stream:
    """Standard output or standard error, as it is at the moment of writing. Errors are kept in `error`, not raised."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: OSError | None = None

    @property
    def _file(self) -> Any:
        file = getattr(sys, self.name)
        return getattr(file, "rich_proxied_file", file)

    def write(self, text: str) -> int:
        """Write as much as can be shown; characters that the encoding lacks are written as escapes."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        self._try("flush")

    def isatty(self) -> bool:
        """Whether somebody reads along."""
        with suppress(OSError, ValueError, AttributeError):
            return bool(self._file.isatty())
        return False

    def fileno(self) -> int:
        """The number that the system gives it. Raises `OSError` where it has none."""
        if self._file is None:
            raise OSError("closed")
        number: int = self._file.fileno()
        return number

    @property
    def encoding(self) -> str:
        """Its encoding, UTF-8 where there is none."""
        return getattr(self._file, "encoding", None) or "utf-8"

    def _try(self, method: str, *arguments: str) -> None:
        if self.error is not None or self._file is None:
            return
        try:
            getattr(self._file, method)(*arguments)
        except UnicodeEncodeError:
            shown = arguments[0].encode(self.encoding, "backslashreplace").decode(self.encoding)
            self._try(method, shown)
        except OSError as error:
            self.error = error
        except ValueError:  # The file is closed.
            self.error = OSError("closed")


class Printer(NeutralConsole):
    """A console on standard output, or on standard error, through a `Stream`."""

    def __init__(self, *, stderr: bool = False) -> None:
        self.stream = Stream("stderr" if stderr else "stdout")
        super().__init__(stderr=stderr)

    @property
    def file(self) -> IO[str]:
        """What is written to."""
        return self._file or self.stream  # type: ignore[return-value]

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file


def open_missing_streams() -> None:
    """Give this process all three standard streams: else the next file that is opened takes the place of a closed one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def escape_unknown_characters() -> None:
    """Have characters that a standard stream's encoding lacks written as escapes, by whomever."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            if stream.errors == "strict":
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def silence(name: str) -> None:
    """Give up a stream that cannot be written to any more, not even at exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), getattr(sys, name).fileno())

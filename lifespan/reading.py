"""Reading files that may be anything: every way in which a file cannot be read becomes one message to the user.

Only plain files are opened. A pipe would wait for a writer for ever, and a device has no end.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError, UserError

KINDS = (
    (stat.S_ISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, "is a pipe, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
)
REMEDIES = {
    errno.EACCES: "Change its permissions.",
    errno.EPERM: "Change its permissions.",
    errno.ENOENT: "Check the path.",
    errno.ELOOP: "Its links lead in a circle: remove them.",
    errno.ENAMETOOLONG: "Choose a shorter path.",
    errno.EMFILE: "Raise the limit of open files: `ulimit -n 4096`.",
    errno.EIO: "Check the disk.",
    errno.ENOSPC: "Free some space.",
    errno.EDQUOT: "Free some space.",
}
"""What to do where the system refuses, by its error number."""


def why(error: OSError) -> str:
    """The system's reason in words, without numbers and paths.

    >>> why(FileNotFoundError(2, "No such file or directory", "x"))
    'No such file or directory'
    """
    return error.strerror or str(error).partition("\n")[0] or type(error).__name__


def remedy_for(error: OSError, otherwise: str = "") -> str:
    """What to do where the system refuses a file."""
    return REMEDIES.get(error.errno or 0, otherwise) if error.errno != errno.ENOENT else otherwise or REMEDIES[errno.ENOENT]


def kind_of(path: Path) -> str:
    """What a path is instead of a plain file, in words; empty for a plain file. Raises `OSError` where there is nothing."""
    mode = path.stat().st_mode
    return next((text for fits, text in KINDS if fits(mode)), "")


def plain_bytes(path: Path) -> bytes:
    """The content of a plain file. Raises `OSError` for anything else, and never waits for a pipe."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        for fits, text in KINDS:
            if fits(mode):
                raise OSError(errno.EISDIR if fits is stat.S_ISDIR else errno.EINVAL, text, str(path))
        return file.read()


@contextmanager
def reading(where: str | Path, remedy: str = "", kind: type[UserError] = RecordError) -> Iterator[None]:
    """Inside this block a file that cannot be read, or is not what it must be, raises `kind` with one message.

    `remedy` says what to do with a file of wrong content.
    """
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise _refused(where, error, remedy, kind) from None
    except UnicodeDecodeError as error:
        raise kind(str(where), f"is not UTF-8 text (byte {error.start}).", remedy) from None
    except RecursionError:
        raise kind(str(where), "is nested too deeply.", remedy) from None
    except MemoryError:
        raise kind(str(where), "does not fit into memory.", "Close other programs, or use a machine with more.") from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        said = str(error).partition("\n")[0]
        raise kind(str(where), f"does not hold what it must ({type(error).__name__}: {said}).", remedy) from None


def _refused(where: str | Path, error: OSError, remedy: str, kind: type[UserError]) -> UserError:
    said = why(error)
    what = f"{said}." if said.startswith("is ") else f"cannot be read ({said})."
    return kind(str(where), what, remedy_for(error, remedy))


def read_object(path: Path, remedy: str, kind: type[UserError] = RecordError) -> dict[str, Any]:
    """The JSON object of a file, or one message that says what is wrong with it."""
    with reading(path, remedy, kind):
        text = plain_bytes(path).decode("utf-8")
        try:
            data = json.loads(text)
        except ValueError as error:
            raise kind(str(path), f"is not valid JSON ({error}).", remedy) from None
        if not isinstance(data, dict):
            raise kind(str(path), "must hold a JSON object.", remedy)
        return data

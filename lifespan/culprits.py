"""Whose fault an error is: a life's, the input's, the machine's, or a defect of this package.

Only the first is an outcome. Everything else stops a run with one message and leaves nothing behind, so that the same command
tries again what was stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lifespan.errors import DataError, MachineError, RecordError, ScenarioError, UserError
from lifespan.reading import remedy_for, why

LOWER = "Lower batch_size, length or --workers, or use a machine with more."
"""What to do where a life does not fit into memory."""
FEWER = "Ask for fewer individuals or groups at a time, or use a machine with more."
"""What to do where something else does not."""
_NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|not enough memory|bad_alloc|unable to mmap|cannot allocate|"
    r"ALLOC_FAILED|unable to allocate|failed to allocate",
    re.IGNORECASE,
)
_NO_DEVICE = re.compile(r"\b(CUDA|cuDNN|CUBLAS|NVML|HIP) ?(driver |kernel )?err|no kernel image|CUBLAS_STATUS|CUDNN_STATUS")
_LOOP = re.compile(r"Symlink loop from '(.*)'")
"""What `pathlib` raises below Python 3.13."""
_NO_THREADS = re.compile(r"can't start new thread|Resource temporarily unavailable")


def machine_error(error: BaseException, where: str = "", lower: str = LOWER) -> UserError | None:
    """The message where the machine, or the input, is at fault and not the life during which it was noticed; else None.

    Memory, disk, permissions, files, devices, packages that are missing and records or data that cannot be read. Causes are
    looked at too: code of others wraps errors. `lower` says what to do where memory ran out.
    """
    for each in _causes(error):
        found = _message(each, where, lower)
        if found is not None:
            return found
    return None


def unborn(origin: str, error: BaseException) -> UserError:
    """Why a subject could not be built: the machine's fault, or the input's."""
    found = error if isinstance(error, UserError) else machine_error(error, f"building {origin}")
    if found is not None:
        return found
    what = f"cannot be built ({type(error).__name__}: {first_line(error)})."
    return ScenarioError(origin, what, "Check its files and its settings.")


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return str(error).strip().partition("\n")[0]


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _message(error: BaseException, where: str, lower: str) -> UserError | None:
    if isinstance(error, DataError | RecordError | MachineError):
        return error
    said = first_line(error)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error))):
        return MachineError(where or "memory", f"there is not enough memory{f' ({said})' if said else ''}.", lower)
    if isinstance(error, RuntimeError) and _NO_THREADS.search(said):
        return MachineError(where or "threads", f"the system refuses more threads ({said}).", "Lower --threads or --workers.")
    if isinstance(error, RuntimeError) and _NO_DEVICE.search(said):
        return MachineError(where or "the device", f"the device failed ({said}).", "Check it, and simulate again.")
    if isinstance(error, RuntimeError) and (loop := _LOOP.match(said)):
        return MachineError(loop[1], "its links lead in a circle.", "Remove them.")
    if isinstance(error, OSError):
        return _of_the_system(error, where)
    if isinstance(error, ImportError):
        name = f"the package {error.name}" if error.name else "a package"
        return MachineError(where or "imports", f"{name} cannot be imported ({said}).", "Install it.")
    return None


def _of_the_system(error: OSError, where: str) -> MachineError:
    place = str(error.filename) if error.filename is not None else where or "the system"
    said = why(error)
    what = f"{said}." if said.startswith("is ") else f"the system refuses it ({said})."
    return MachineError(place, what, remedy_for(error, "Set that right, and run the command again."))

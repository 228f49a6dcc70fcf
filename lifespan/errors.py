"""What can go wrong, and how it is said.

    LifespanError
    ├── UserError          the input was wrong: one clear message, exit code 2
    │   ├── ScenarioError  a scenario, an event or an argument
    │   │   └── OutOfReach a sparsity that a pruner cannot reach from here
    │   ├── DataError      a task's or corpus's files and rows
    │   ├── RecordError    a run directory, its checkpoints and rows
    │   └── MachineError   memory, disk, permissions, devices, packages that are missing
    └── Diverged           not a mistake but an outcome: this individual's life ended

A `UserError` says where it happened, which value was met, which rule it broke and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any


class LifespanError(Exception):
    """Anything this package raises on purpose."""


class UserError(LifespanError):
    """The input was wrong. `where` names the place, `what` the value and the rule, `remedy` the way out."""

    def __init__(self, where: str, what: str, remedy: str = "") -> None:
        self.where, self.what, self.remedy = where, what, remedy
        super().__init__(f"{where}: {what}" + (f" {remedy}" if remedy else ""))

    def __reduce__(self):
        return type(self), (self.where, self.what, self.remedy)


class ScenarioError(UserError):
    """A scenario, an event or an argument breaks a rule."""


class OutOfReach(ScenarioError):
    """A pruner of whole units cannot leave so many synapses dead in this subject."""


class DataError(UserError):
    """A task's or corpus's data is missing or malformed."""


class RecordError(UserError):
    """A run directory cannot be read, written or trusted."""


class MachineError(UserError):
    """The machine refused: no life failed, and the same command goes on where this one stopped."""


class Diverged(LifespanError):
    """Training left the numbers (NaN, infinity, explosion). The life ends here and is recorded so.

    `points` are (optimizer steps done, metric, value, examples) of the learning until then, and `rows` the same as plain data.
    """

    points: Sequence[tuple[int, str, float, int]] = ()
    rows: Sequence[dict[str, Any]] = ()


def did_you_mean(given: object, known: Iterable[object]) -> str:
    """A sentence that offers the nearest known names, or lists them all.

    >>> did_you_mean("mrcp", ["mrpc", "rte"])
    "Did you mean 'mrpc'? Known: mrpc, rte."
    >>> did_you_mean("zebra", ["mrpc", "rte"])
    'Known: mrpc, rte.'
    """
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.6)
    lowered = {name.lower(): name for name in names}
    if not near and str(given).lower() in lowered:
        near = [lowered[str(given).lower()]]
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(names)}."


def require_package(where: str, module: str, package: str, extra: str) -> None:
    """Raise `ScenarioError` where a module cannot be found, without importing it; `package` is how the message calls it."""
    if find_spec(module) is None:
        raise ScenarioError(where, f"{package} is not installed.", f"Run: pip install 'lifespan[{extra}]'.")

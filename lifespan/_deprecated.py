"""Paths that were taught before 0.2.0 and have moved: they still import, with a DeprecationWarning that names the new path.

A path stays in these tables for the release that moves it and goes with the next one (see CONTRIBUTING.md).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "lifespan.affliction": "lifespan.contracts.disorder",
    "lifespan.aggregates": "lifespan.stats.aggregates",
    "lifespan.answers": "lifespan.analysis.examples",
    "lifespan.dose_fits": "lifespan.stats.dose_response",
    "lifespan.growth": "lifespan.stats.mixed_models",
    "lifespan.metrics": "lifespan.stats.metrics",
    "lifespan.pack": "lifespan.packs.pack",
    "lifespan.power": "lifespan.stats.power",
    "lifespan.recall": "lifespan.analysis.continual",
    "lifespan.removal": "lifespan.model.compaction",
    "lifespan.scenario": "lifespan",
    "lifespan.spec": "lifespan.contracts.spec",
    "lifespan.survival": "lifespan.stats.survival",
}
"""Old module to new one."""

RECORD = dict.fromkeys(("Record", "dictionary", "read"), "lifespan.record.record")
"""Names of the former module `lifespan.record`, which is a package now, and where each lives."""

STATS = dict.fromkeys(
    (
        *("ENOUGH", "EXACT_UP_TO", "RESAMPLES", "SEED", "Comparison", "Interval", "benjamini_hochberg", "cliffs_delta"),
        *("hedges_g_av", "holm", "mean_interval", "paired_difference", "sign_flip_p", "small_sample_warning"),
    ),
    "lifespan.stats.inference",
)
"""Names of the former module `lifespan.stats`, which is a package now, and where each lives."""


def warn_moved(old: str, new: str) -> None:
    """Warn that `old` is now `new`, at the line outside this package that asked for it."""
    warnings.warn(
        f"{old} has moved to {new}; the old path goes with the next release.",
        DeprecationWarning,
        stacklevel=3,
    )


def moved_names(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """A module `__getattr__` for a package that was a module: `names` are found where they live now.

    Raises `AttributeError` for every other name.
    """

    def __getattr__(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        warn_moved(f"{package}.{name}", f"{names[name]}.{name}")
        return getattr(import_module(names[name]), name)

    return __getattr__


class MovedModules(MetaPathFinder, Loader):
    """Finds a module of `MODULES` at its new path. Comes last, so that no import that succeeds anyway passes through it."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, origin=MODULES[name]) if name in MODULES else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module of the new path, the very same object, in the place of the old one."""
        new = MODULES[module.__name__]
        warn_moved(module.__name__, new)
        sys.modules[module.__name__] = import_module(new)


def install() -> None:
    """Let Python find moved modules, once a process."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())

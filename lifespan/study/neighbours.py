"""Imports of modules that lie beside a scenario file: those of its own folder, whatever else has their name.

A file that Python runs finds the modules beside it before installed packages, by its real folder where it is a link. Scenario
files run inside a longer process, where other folders' files ran before, so that the import statement itself has to know who
imports: the scenario file and its helpers get neighbours first, and nobody else sees any of it.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import invalidate_caches
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

Places = Sequence[str] | None

_latest: list[Neighbours] = []
_loaded: dict[int, ModuleType] = {}


def user_modules() -> dict[str, ModuleType]:
    """The user's own modules that the scenario file loaded last has imported so far, by name; each has its `__file__`."""
    return dict(_latest[-1].modules) if _latest else {}


def user_folders() -> list[Path]:
    """Where the modules of the scenario file that was loaded last lie."""
    return list(_latest[-1].folders) if _latest else []


def folders_of(file: Path) -> list[Path]:
    """Where a file's neighbours lie: beside what it really is, and beside a link to it."""
    return list(dict.fromkeys([file.resolve().parent, file.absolute().parent]))


class Neighbours(MetaPathFinder):
    """The modules beside one scenario file. `builtins` are for the file's namespace: their `__import__` knows them."""

    def __init__(self, file: Path) -> None:
        self.file, self.folders = file.resolve(), folders_of(file)
        self.modules: dict[str, ModuleType] = {}
        self._importing: set[str] = set()
        self.builtins: dict[str, Any] = {**vars(builtins), "__import__": self._import}
        _latest[:] = [self]
        # Files may have been written since Python last looked into the folder.
        invalidate_caches()

    def has(self, name: str) -> bool:
        """Whether a top-level module of this name lies beside the file, and is not the file, the library or Python's."""
        if name == "lifespan" or name in sys.stdlib_module_names:
            return False
        found = [place for folder in self.folders for place in (folder / f"{name}.py", folder / name / "__init__.py")]
        return any(place.is_file() and place.resolve() != self.file for place in found)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a neighbour, or of a module inside one, whose own imports know the neighbours too."""
        spec = PathFinder.find_spec(fullname, [str(folder) for folder in self.folders] if path is None else path)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path, self.builtins)
        return spec

    def _import(
        self,
        name: str,
        globals: dict[str, Any] | None = None,
        locals: dict[str, Any] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        whole = name if level == 0 else str((globals or {}).get("__package__") or "")
        top = whole.partition(".")[0]
        # A package that is being imported imports its own parts by the name that it has at that moment.
        if top in self._importing or not self.has(top):
            return builtins.__import__(name, globals, locals, fromlist, level)
        with self._in_place(top):
            return builtins.__import__(name, globals, locals, fromlist, level)

    @contextmanager
    def _in_place(self, top: str) -> Iterator[None]:
        """Inside this block the name means the neighbour; afterwards what others had under it is theirs again."""
        foreign = _named(sys.modules, top)
        for name in foreign:
            del sys.modules[name]
        sys.modules.update(_named(self.modules, top))
        finder = _Only(self, top)
        sys.meta_path.insert(0, finder)
        self._importing.add(top)
        try:
            yield
        finally:
            self._importing.remove(top)
            sys.meta_path.remove(finder)
            own = _named(sys.modules, top)
            self.modules.update(own)
            _loaded.update({id(module): module for module in own.values()})
            if any(id(module) not in _loaded for module in foreign.values()):
                for name in own:
                    del sys.modules[name]
                sys.modules.update(foreign)


class _Only(MetaPathFinder):
    """Neighbours under one name, before all other finders."""

    def __init__(self, neighbours: Neighbours, top: str) -> None:
        self.neighbours, self.top = neighbours, top

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        inside = fullname.partition(".")[0] == self.top
        return self.neighbours.find_spec(fullname, path, target) if inside else None


class _Loader(SourceFileLoader):
    """Runs a module with imports that know the neighbours."""

    def __init__(self, fullname: str, path: str, known: dict[str, Any]) -> None:
        super().__init__(fullname, path)
        self.known = known

    def get_code(self, fullname: str) -> CodeType:
        # Compiled files are told from newer sources by whole seconds and sizes, which an edit may leave as they are.
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self.known
        super().exec_module(module)


def _named(modules: dict[str, ModuleType], top: str) -> dict[str, ModuleType]:
    return {name: module for name, module in modules.items() if name == top or name.startswith(f"{top}.")}

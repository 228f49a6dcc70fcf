"""A method is found by those who read what there is: its class is named by its family, and by the package."""

import importlib
import inspect
import pkgutil

import pytest

import lifespan
from lifespan.cli import catalog
from lifespan.contracts import Contrast, Corpus, Disorder, Learner, Measure, Origin, Pruner, Strategy, Task

CONTRACTS = (Contrast, Corpus, Disorder, Learner, Measure, Origin, Pruner, Strategy, Task)
ROOMS = ("corpora", "disorders", "learners", "probes", "pruning", "strategies", "subjects", "tasks")


def methods(room):
    """Classes of methods defined in a room, by name; names and modules that begin with `_` are helpers."""
    package = importlib.import_module(f"lifespan.{room}")
    names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    for name in (name for name in names if "._" not in name):
        for kind in vars(importlib.import_module(name)).values():
            own = isinstance(kind, type) and kind.__module__ == name and not kind.__name__.startswith("_")
            if own and issubclass(kind, CONTRACTS) and not inspect.isabstract(kind):
                yield kind.__name__, kind


@pytest.mark.parametrize("room", ROOMS)
def test_every_method_is_named_by_its_family_and_by_the_package(room):
    found = dict(methods(room))
    assert found, "a room without methods would pass unseen"
    unlisted = sorted(set(found) - {entry.name for entry in catalog.everything()})
    assert not unlisted, f"name in lifespan/{room}/__init__.py, its import and __all__: {unlisted}"
    unexported = sorted(set(found) - set(lifespan.__all__))
    assert not unexported, f"name in lifespan/__init__.pyi, its import and __all__: {unexported}"
    assert all(getattr(lifespan, name) is kind for name, kind in found.items())

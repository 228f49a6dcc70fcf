"""Data flows one way: a module imports leftwards only, and nothing from the record on imports torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lifespan

PACKAGE = Path(lifespan.__file__).parent

LAYERS = [
    {"errors"},
    {"spec", "randomness", "hardware", "compat", "notebook", "stats"},
    {"affliction", "measuring"},
    {"guarding"},
    {"contracts", "metrics", "curves", "structure", "memory", "calibration", "similarity"},
    {"scenario"},
    {"schedules", "joint"},
    {"plan"},
    {"world"},
    {"tasks"},
    {"corpora"},
    {"subjects"},
    {"subject"},
    {"anatomy", "going_back", "undoing"},
    {"removal"},
    {"batches"},
    {"training"},
    {"evaluation", "with_avalanche"},
    {"streams"},
    {"pruning"},
    {"learners", "disorders", "drugs", "strategies"},
    {"probes"},
    {"rehabilitation"},
    {"life"},
    {"bulk", "claims", "files"},
    {"store"},
    {"mask_coding", "quantising", "pack_format"},
    {"pack_body", "pack_tensors"},
    {"pack"},
    {"record"},
    {"engines", "sharing", "description", "assembly"},
    {"simulation"},
    {"references", "tables", "loggers"},
    {"bibtex", "aggregates", "growth", "survival", "dose_fits", "power"},
    {"evidence"},
    {"outcomes"},
    {"recall", "answers", "exposures", "endpoints", "overlaps", "lifetimes", "overall"},
    {"responses", "group_means"},
    {"figures"},
    {"summary"},
    {"findings"},
    {"markdown"},
    {"methods"},
    {"report"},
    {"complaints", "estimate", "status", "doctor", "rebuilding"},
    {"loading"},
    {"catalog"},
    {"handbook"},
    {"testing"},
    {"display"},
    {"progress"},
    {"running", "exporting"},
    {"cli"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
WITHOUT_TORCH = {
    "claims",
    "files",
    "sharing",
    "record",
    "measuring",
    "curves",
    "memory",
    "calibration",
    "similarity",
    "joint",
    "recall",
    "answers",
    "structure",
    "bulk",
    "metrics",
    "stats",
    "aggregates",
    "growth",
    "survival",
    "dose_fits",
    "power",
    "evidence",
    "outcomes",
    "figures",
    "report",
    "display",
    "scenario",
    "contracts",
    "plan",
} | {
    "measuring",
    "bulk",
    "schedules",
    "loading",
    "complaints",
    "catalog",
    "estimate",
    "status",
    "doctor",
    "running",
    "pack",
    "pack_format",
    "rebuilding",
    "exporting",
    "cli",
}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def name_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree, *, only_at_import=False):
    """(module, line) of every import, type-checking blocks left out."""
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            if node.module == "lifespan":
                yield from ((f"lifespan.{alias.name}", node.lineno) for alias in node.names)
        if only_at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        pending.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_leftwards(path):
    own = name_of(path)
    assert own in RANK, f"{own} has no place in the layers: give it one in this test"
    for module, line in imports(ast.parse(path.read_text())):
        if not module.startswith("lifespan."):
            continue
        other = module.split(".")[1]
        same_family = other == own
        assert same_family or RANK.get(other, 0) < RANK[own], f"{path.name}:{line} imports {module}, which lies to its right"


@pytest.mark.parametrize("path", [p for p in modules() if name_of(p) in WITHOUT_TORCH], ids=lambda path: path.name)
def test_no_torch_at_import(path):
    found = [module for module, _ in imports(ast.parse(path.read_text()), only_at_import=True)]
    assert not [module for module in found if module.split(".")[0] in ("torch", "transformers", "safetensors")]


def test_importing_the_package_loads_neither_torch_nor_pandas():
    heavy = "{'torch', 'transformers', 'datasets', 'pandas', 'scipy', 'matplotlib', 'avalanche'}"
    code = f"import sys, lifespan; print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_must_answer_at_once_loads_no_statistics():
    """`status` and `plan` have a second or two for hundreds of lives, and the statistics take half a second to import."""
    code = "import sys, lifespan.status, lifespan.estimate; print([m for m in ('scipy', 'torch') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

import lifespan
from lifespan.cli import catalog
from lifespan.training.metrics import TRAINING

DOCS = Path(__file__).parents[2] / "docs"


def load(path):
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(f"lifespan_docs_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(path.parent))
    return module


handbook = load(DOCS / "tables.py")


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")
def test_the_generated_pages_are_what_the_classes_say(tmp_path):
    for path in handbook.write(tmp_path):
        kept = DOCS / path.relative_to(tmp_path)
        assert kept.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), (
            f"{path.name} is out of date: python docs/tables.py docs"
        )


def test_every_probe_has_its_place_and_its_table():
    text = handbook.measures()
    assert "### Score\n" in text and "(Measure) Cost: 1 forward pass over the split." in text and "| `sparsity/*` |" in text


def test_every_disorder_and_every_method_has_its_row():
    for page, families in (
        (handbook.disorders(), ("disorders", "drugs")),
        (handbook.methods(), ("learners", "pruners", "strategies")),
    ):
        for entry in (entry for family in families for entry in catalog.entries(family)):
            assert page.count(f"\n### {entry.name}\n") == 1, entry.name
    assert "## Noise and neuromodulation" in handbook.disorders()


def test_lives_has_everything_that_is_no_method_disorder_or_measure():
    page = handbook.lives()
    for name in ("Study", "Suffer", "gradually", "Micro", "Glue", "TaskText", "Slurm"):
        assert page.count(f"| [`{name}`](api/") == 1, name


def test_every_number_that_a_learner_reports_is_explained():
    """Read from the source, as some learners need days to report: the keys of what `report` returns."""
    reported = {"loss"}
    for path in (Path(lifespan.__file__).parent / "learners").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "report":
                reported |= {key.value for part in ast.walk(node) if isinstance(part, ast.Dict) for key in part.keys}
    assert {meaning.metric for meaning in TRAINING} == reported
    for metric in reported:
        assert f"| `{metric}` |" in handbook.measures().partition("## Training (the loop itself)")[2]


def test_a_reference_has_arguments_severity_and_a_link_to_a_page_that_has_it():
    page = handbook.disorders()
    part = page.partition("### UnstableOptimizer\n")[2].partition("### ")[0]
    assert "- Arguments: `severity=0.5`" in part and "30 ** severity" in part and "Mosbach et al., 2021" in part
    for text in (page, handbook.methods(), handbook.measures(), handbook.lives()):
        links = re.findall(r"\]\(api/([\w-]+\.md)#([\w.]+)\)", text)
        assert len(links) > 20
        for name, anchor in links:
            assert f"::: {anchor}\n" in (DOCS / "api" / name).read_text(encoding="utf-8"), anchor

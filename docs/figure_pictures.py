"""The gallery's pictures, every figure of a report from a kept record: `python docs/figure_pictures.py RUN_OF_FIRST_LIFE`."""

from __future__ import annotations

import sys
from pathlib import Path

import panels

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures import FIGURES

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "reports"
FOLDER = ROOT / "docs/pictures/figures"
AT_MOST = 150_000
"""Bytes of a picture."""
SOURCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("instruments_micro", ()),
    ("lesions", ()),
    ("severity_map", ("LabelNoise 0.25", "LabelNoise 0.75", "SynapseLoss 0.25", "SynapseLoss 0.75")),
    ("severity_map", ()),
    ("graceful_ageing", ("none", "structural", "one-shot")),
    ("against_forgetting", ("plain", "EWC", "masks")),
    ("drug_for_every_synapse", ()),
    ("is_pretraining_needed", ()),
    ("micro_world", ()),
    ("many_good_subnetworks", ()),
    ("optimisational_diseases", ()),
    ("a_whole_life", ()),
)
"""Kept records that are asked for a figure in turn, with the groups that are drawn; none named: all."""


def write(first: Path) -> dict[str, str]:
    """Write a picture of each figure, of a first life where it has it. Returns the record of each by the figure's name."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    records = [("first_life", first, ()), *((name, REPORTS / name, groups) for name, groups in SOURCES)]
    missing, found = dict(FIGURES), {}
    for name, directory, groups in records:
        analysis = Analysis(directory, groups=groups)
        for figure, drawing in list(missing.items()):
            drawn = drawing.draw(analysis)
            picture = panels.on_paper(drawn[0]) if drawn is not None else ""
            if picture and len(picture) < AT_MOST:
                (FOLDER / f"{figure}.svg").write_text(picture, encoding="utf-8")
                found[figure] = name
                del missing[figure]
    for figure in missing:
        print(f"no kept record has {figure} in {AT_MOST:,} bytes")
    return found


if __name__ == "__main__":
    for figure, name in write(Path(sys.argv[1])).items():
        print(f"{figure}: {name}")

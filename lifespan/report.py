"""From records to a report: one HTML file that needs nothing else, and the figures, tables and texts beside it.

    report.html  figures/*.svg  tables/*.csv  methods.md  references.bib

Every number comes from the tables written beside it, and those from the rows of the record.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from lifespan import figures, methods, outcomes, record, summary
from lifespan.bibtex import Publication, bibliography, brought
from lifespan.outcomes import Evidence
from lifespan.references import REFERENCES, cited_by


@dataclass(frozen=True)
class Caption:
    """What stands under a figure: what is drawn, and how health would look."""

    title: str
    drawn: str
    good: str


CAPTIONS = {
    "timeline": Caption(
        "Scenario timeline",
        "What each group lives, one block per step; percentages are sparsities to age to. A vertical bar marks where "
        "a group's lives first differ from their control twins'.",
        "groups share their life up to the bar and differ after it only in what the study manipulates.",
    ),
    "trajectories": Caption(
        "Developmental trajectories",
        "Primary score on held-out examples against age. Shading and dotted lines mark the control group's steps.",
        "high after learning, a small drop at each loss of synapses, and a return to the old level after recovery.",
    ),
    "retention": Caption(
        "Retention",
        "Mean score on each task (columns) once each task was learned (rows, from the top) and at the end of life, "
        "on one colour scale for all groups. Empty cells were not measured.",
        "columns keep their colour from the row where the task was learned down to the end of life.",
    ),
    "sparsity": Caption(
        "Synapse curve",
        "Fraction of prunable synapses that are dead, against age.",
        "a staircase that only rises, equal in all individuals of a group.",
    ),
    "sparsity_performance": Caption(
        "Score against sparsity",
        "Primary score at each sparsity lived through: filled markers the last score there, open ones the mean right "
        "after pruning.",
        "a flat line, and filled markers well above the open ones: function survives the loss of synapses.",
    ),
    "training": Caption(
        "Training curves",
        "Training loss and, where structure was learned, the fraction of mask bits that differ from the start, in "
        f"{figures.BINS} bins of age.",
        "loss that falls and settles in each step. Flips that stay at zero mean that structure could not learn.",
    ),
}
LINES = (
    "Thin lines are individuals, bold lines means over those measured, bands 95% BCa intervals; dots are measured, "
    "lines only join them. A cross ends the line of an individual that failed or diverged."
)


def write_report(directories: Sequence[Path | str], out: Path | str | None = None) -> Path:
    """Write the report of one or several run directories and return the path of its HTML file.

    `out` is a folder, or a path that ends in .html; by default the report goes into the first run directory. Several
    directories are compared: their groups stand side by side and twins are paired by seed.
    """
    evidence = outcomes.gather([record.read(directory) for directory in directories])
    page = _page_path(Path(out) if out is not None else Path(directories[0]))
    works = _citations(evidence)
    drawn = {name: draw(evidence) for name, draw in figures.FIGURES.items()}
    tables = _tables(evidence) | {f"figure_{name}": made[1] for name, made in drawn.items() if made is not None}
    vectors = {name: figures.svg(made[0]) for name, made in drawn.items() if made is not None}
    html = _html(evidence, works, vectors, directories)
    base = page.parent
    for folder in ("figures", "tables"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    for name, vector in vectors.items():
        (base / "figures" / f"{name}.svg").write_text(vector, encoding="utf-8")
    for name, table in tables.items():
        table.to_csv(base / "tables" / f"{name}.csv", index=False)
    (base / "methods.md").write_text(methods.markdown(evidence, works), encoding="utf-8")
    (base / "references.bib").write_text(bibliography(works), encoding="utf-8")
    page.write_text(html, encoding="utf-8")
    return page


def inline_svg(vector: str, *, name: str, title: str, description: str) -> Markup:
    """An SVG document as part of a page: identifiers made unique, ink as the page's, and a text alternative.

    Prolog, metadata and document-wide styles go; colours of the groups stay.
    """
    body = vector[vector.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", body)
    body = body.replace(figures.INK, "currentColor")
    head, _, rest = body.partition(">")
    head = re.sub(r'\s(width|height|xmlns:xlink|xmlns|version)="[^"]*"', "", head)
    head += f' role="img" aria-labelledby="{name}-title {name}-description"'
    labels = f'<title id="{name}-title">{escape(title)}</title>'
    labels += f'<desc id="{name}-description">{escape(description)}</desc>'
    return Markup(f"{head}>{labels}{rest.strip()}")


def _page_path(out: Path) -> Path:
    return out if out.suffix.lower() in (".html", ".htm") else out / "report.html"


def _citations(evidence: Evidence) -> list[Publication]:
    foreign_keys, own = brought(evidence.studies)
    keys = foreign_keys | set(cited_by(group.get("scenario", {}) for group in evidence.groups.values()))
    if not outcomes.forgetting(evidence).empty:
        keys |= {"chaudhry2018riemannian", "lopezpaz2017gem"}
    compared = not outcomes.comparisons(evidence).empty
    keys |= set(methods.STATISTICS) if compared else {methods.STATISTICS[0]}
    known: list[Publication] = [reference for key, reference in REFERENCES.items() if key in keys]
    return sorted([*known, *own], key=lambda work: work.key.lower())


def _tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    return {
        "participants": evidence.participants,
        "statuses": outcomes.statuses(evidence),
        "final_scores": outcomes.final_table(evidence),
        "final_scores_individuals": outcomes.final_scores(evidence),
        "comparisons": outcomes.comparisons(evidence),
        "forgetting": outcomes.forgetting(evidence),
        "sparsity_reached": outcomes.sparsity_reached(evidence),
        "steps_lived": methods.steps_lived(evidence),
    }


def _html(
    evidence: Evidence, works: Sequence[Publication], vectors: Mapping[str, str], directories: Sequence[Path | str]
) -> str:
    source = resources.files("lifespan").joinpath("templates", "report.html.j2").read_text(encoding="utf-8")
    options: dict[str, Any] = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(autoescape=True, **options)
    return environment.from_string(source).render(
        title=evidence.title,
        asked=summary.asked(evidence),
        about=[text.replace("`", "").split("\n\n") for study in evidence.studies if (text := str(study.get("about") or ""))],
        groups=[(name, str(group.get("doc") or "")) for name, group in evidence.groups.items()],
        found=summary.found(evidence),
        cautions=summary.cautions(evidence),
        figures=[_figure(evidence, name, vectors.get(name)) for name in figures.FIGURES],
        table=_final_rows(evidence),
        comparisons=_comparison_rows(evidence),
        methods=methods.paragraphs(evidence, works),
        references=works,
        provenance=_provenance(evidence, directories),
    )


def _figure(evidence: Evidence, name: str, vector: str | None) -> dict[str, Any]:
    caption = CAPTIONS[name]
    drawn = caption.drawn if name in ("timeline", "retention") else f"{caption.drawn} {LINES}"
    inlined = vector and inline_svg(vector, name=f"figure-{name}", title=caption.title, description=drawn)
    return {
        **{"name": name, "title": caption.title, "drawn": drawn, "good": caption.good, "svg": inlined},
        "counted": _counted(evidence),
        "data": f"tables/figure_{name}.csv",
    }


def _counted(evidence: Evidence) -> str:
    """How many individuals each group had, and how many of them were lost."""
    parts = []
    for _, row in outcomes.statuses(evidence).iterrows():
        lost = [f"{row[status]} {status}" for status in outcomes.STATUSES if status != "done" and row[status]]
        parts.append(f"{row['group']} n = {row['individuals']}" + (f" ({', '.join(lost)})" if lost else ""))
    return f"Individuals: {'; '.join(parts)}." if parts else ""


def _final_rows(evidence: Evidence) -> list[dict[str, str]]:
    people = outcomes.statuses(evidence).set_index("group")
    return [
        {
            **{name: str(row[name]) for name in ("task", "group", "metric", "n", "stage", "note")},
            **{"mean": summary.number(row["mean"]), "interval": _bounds(row)},
            "lost": str(int(people.loc[row["group"], ["failed", "diverged", "pending"]].sum())),
        }
        for _, row in outcomes.final_table(evidence).iterrows()
    ]


def _comparison_rows(evidence: Evidence) -> list[dict[str, str]]:
    return [
        {
            **{"task": row["task"], "group": row["group"], "control": row["control"], "n": str(row["n"])},
            **{"difference": summary.number(row["difference"]), "interval": _bounds(row)},
            "g": summary.number(row["hedges_g_av"], 2),
            "delta": summary.number(row["cliffs_delta"], 2),
            "p": summary.probability(row["p"]),
            "p_holm": summary.probability(row["p_holm"]),
        }
        for _, row in outcomes.comparisons(evidence).iterrows()
    ]


def _bounds(row: pd.Series) -> str:
    known = pd.notna(row["low"]) and pd.notna(row["high"])
    return f"[{summary.number(row['low'])}, {summary.number(row['high'])}]" if known else "none"


def _provenance(evidence: Evidence, directories: Sequence[Path | str]) -> list[tuple[str, str]]:
    rows = []
    for study, environment, directory in zip(evidence.studies, evidence.environments, directories, strict=True):
        command = study.get("command") or []
        rows += [
            ("run", f"{study.get('name', 'unnamed')} in {Path(directory).name or directory}"),
            ("command", shlex.join(map(str, command)) if command else "not recorded"),
            ("started", str(environment.get("started") or "not recorded")),
            ("commit", str(environment.get("git") or "not recorded")),
        ]
    report = shlex.join(["lifespan", "report", *(str(directory) for directory in directories)])
    rows.append(("report", report))
    return [*rows, ("rows", f"{len(evidence.measurements):,} measurements, {len(evidence.steps):,} steps")]

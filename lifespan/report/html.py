"""From records to a report: one HTML file that needs nothing else, and the figures, tables and texts beside it.

    report.html  figures/*.svg, *.pdf  tables/*.csv  methods.md  references.bib  summary.md

Every number comes from the tables written beside it, and those from the rows of the record. The page carries the tables, the
SVG figures, the methods text and the references in its links, and so points at no other file.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from lifespan.analysis import (
    continual as recall,
)
from lifespan.analysis import (
    dose_effects as responses,
)
from lifespan.analysis import (
    endpoints,
    exposures,
)
from lifespan.analysis import (
    retention as lifetimes,
)
from lifespan.analysis import (
    scores as outcomes,
)
from lifespan.analysis import (
    summaries as group_means,
)
from lifespan.analysis import (
    summaries as overall,
)
from lifespan.analysis.cohort import Evidence, gather, restricted
from lifespan.errors import RecordError
from lifespan.record import record
from lifespan.record.files import write_bytes
from lifespan.report import figures, findings, markdown, methods
from lifespan.report import sentences as summary
from lifespan.report.bibtex import Publication, bibliography, brought
from lifespan.report.downloads import Download, downloads
from lifespan.report.references import REFERENCES, cited_by

LINES = (
    "Thin lines are individuals, bold lines means over those measured, bands 95% BCa intervals; dots are measured, "
    "lines only join them. A cross ends the line of an individual that failed or diverged."
)
TELLING = (
    f"Of many groups, the control and the {outcomes.TOLD - 1} that differ most from it have a colour; all are in the data."
)


def write_report(
    directories: Sequence[Path | str],
    out: Path | str | None = None,
    *,
    groups: Sequence[str] = (),
    control: str | None = None,
) -> Path:
    """Write the report of one or several run directories and return the path of its HTML file.

    `out` is a folder, or a path that ends in .html; by default the report goes into the first run directory. Several
    directories are compared: their groups stand side by side and twins are paired by seed. `groups` leaves out all others but
    the control, for which `control` names another group.
    """
    evidence = gather([record.read(directory) for directory in directories])
    evidence = restricted(evidence, groups, control)
    page = _page_path(Path(out) if out is not None else Path(directories[0]))
    _require_writable(page.parent)
    works = _citations(evidence)
    made = {name: drawing.draw(evidence) for name, drawing in figures.FIGURES.items()}
    drawn = {name: each for name, each in made.items() if each is not None}
    tables = _tables(evidence) | {f"figure_{name}": table for name, (_, table) in drawn.items()}
    vectors = {name: figures.svg(figure) for name, (figure, _) in drawn.items()}
    files = {f"figures/{name}.svg": vector.encode() for name, vector in vectors.items()}
    files |= {f"tables/{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    files |= {"methods.md": methods.markdown(evidence, works).encode(), "references.bib": bibliography(works).encode()}
    html = _html(evidence, works, vectors, list(tables), downloads(files), (directories, groups, control))
    files |= {f"figures/{name}.pdf": figures.pdf(figure) for name, (figure, _) in drawn.items()}
    files |= {"summary.md": markdown.brief(evidence).encode(), page.name: html.encode()}
    for path, content in files.items():
        write_bytes(page.parent / path, content)
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


def _require_writable(folder: Path) -> None:
    """Said before anything is drawn, which takes a while."""
    present = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not present.is_dir() or not os.access(present, os.W_OK):
        raise RecordError(str(folder), f"{present} is no folder that you may write.", "Choose another --out.")


def _citations(evidence: Evidence) -> list[Publication]:
    foreign_keys, own = brought(evidence.studies)
    keys = foreign_keys | set(cited_by(group.get("scenario", {}) for group in evidence.groups.values()))
    if not outcomes.forgetting(evidence).empty:
        keys |= {"chaudhry2018riemannian", "lopezpaz2017gem"}
    compared = not outcomes.comparisons(evidence).empty
    keys |= set(methods.STATISTICS) if compared else {methods.STATISTICS[0]}
    keys |= {key for name in methods.analyses(evidence) for key in methods.ANALYSES[name]}
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
        "forgetting_means": group_means.forgetting_means(evidence),
        "memories": recall.of_evidence(evidence),
        "memory_means": group_means.memory_means(evidence),
        "recovery_means": group_means.recovery_means(evidence),
        "overlap_means": group_means.overlap_means(evidence),
        "outcomes_individuals": endpoints.endpoints(evidence),
        "outcomes": endpoints.effects(evidence),
        "exposures": exposures.exposures(evidence),
        "recoveries": outcomes.recoveries(evidence),
        "lifetimes": lifetimes.lifetimes(evidence),
        "survivals": lifetimes.survivals(evidence),
        "declines": lifetimes.declines(evidence),
        "ed50s": responses.ed50s(evidence),
        "overall": overall.overall(evidence),
        "over_examples": overall.over_examples(evidence),
        "sparsity_reached": outcomes.sparsity_reached(evidence),
        "steps_lived": methods.steps_lived(evidence),
    }


def _html(
    evidence: Evidence,
    works: Sequence[Publication],
    vectors: Mapping[str, str],
    tables: Sequence[str],
    carried: Mapping[str, Download],
    asked: tuple[Sequence[Path | str], Sequence[str], str | None],
) -> str:
    source = resources.files("lifespan.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    options: dict[str, Any] = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(autoescape=True, **options)
    return environment.from_string(source).render(
        title=evidence.title,
        asked=summary.asked(evidence),
        about=[text.replace("`", "").split("\n\n") for study in evidence.studies if (text := str(study.get("about") or ""))],
        groups=[(name, str(group.get("doc") or "")) for name, group in evidence.groups.items()],
        found=[*summary.found(evidence), *findings.more(evidence)],
        cautions=[*summary.cautions(evidence), *findings.reach(evidence)],
        memories=_memory_rows(evidence),
        named_up_to=summary.NAMED_UP_TO,
        figures=[_figure(evidence, name, vector) for name, vector in vectors.items()],
        tables=[(name, name.replace("_", " ")) for name in tables if not name.startswith("figure_")],
        table=_final_rows(evidence),
        comparisons=_comparison_rows(evidence),
        methods=methods.paragraphs(evidence, works),
        references=works,
        provenance=_provenance(evidence, *asked),
        downloads=carried,
    )


def _figure(evidence: Evidence, name: str, vector: str) -> dict[str, Any]:
    drawing = figures.FIGURES[name]
    drawn = f"{drawing.drawn} {LINES}" if drawing.lines else drawing.drawn
    if drawing.lines and len(evidence.groups) > outcomes.TOLD:
        drawn += f" {TELLING}"
    return {
        **{"name": name, "title": drawing.title, "drawn": drawn, "good": drawing.good},
        "svg": inline_svg(vector, name=f"figure-{name}", title=drawing.title, description=drawn),
        "counted": _counted(evidence),
    }


def _counted(evidence: Evidence) -> str:
    """How many individuals there are, and how many of them were lost in which group."""
    people = outcomes.statuses(evidence)
    parts = []
    for _, row in people.iterrows():
        lost = [f"{row[status]} {status}" for status in outcomes.STATUSES if status != "done" and row[status]]
        if lost or len(people) <= summary.NAMED_UP_TO:
            parts.append(f"{row['group']} n = {row['individuals']}" + (f" ({', '.join(lost)})" if lost else ""))
    if len(people) > summary.NAMED_UP_TO:
        sizes = people["individuals"]
        each = f"{sizes.min()}" if sizes.nunique() == 1 else f"{sizes.min()} to {sizes.max()}"
        parts.insert(0, f"n = {each} in each of {len(people)} groups" + ("" if parts else ", none lost"))
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


def _memory_rows(evidence: Evidence) -> list[dict[str, str]]:
    table = group_means.memory_means(evidence)
    return [
        {
            **{name: str(row[name]) for name in ("metric", "task", "group", "n")},
            **{"mean": summary.number(row["mean"]), "interval": _bounds(row)},
        }
        for _, row in table[table["group"].isin(outcomes.telling(evidence))].iterrows()
    ]


def _bounds(row: pd.Series) -> str:
    known = pd.notna(row["low"]) and pd.notna(row["high"])
    return f"[{summary.number(row['low'])}, {summary.number(row['high'])}]" if known else "none"


def _provenance(
    evidence: Evidence, directories: Sequence[Path | str], groups: Sequence[str], control: str | None
) -> list[tuple[str, str]]:
    rows = []
    for study, environment, directory in zip(evidence.studies, evidence.environments, directories, strict=True):
        command = study.get("command") or []
        rows += [
            ("run", f"{study.get('name', 'unnamed')} in {Path(directory).name or directory}"),
            ("command", shlex.join(map(str, command)) if command else "not recorded"),
            ("started", str(environment.get("started") or "not recorded")),
            ("commit", str(environment.get("git") or "not recorded")),
        ]
    options = [part for name in groups for part in ("--group", name)] + (["--control", control] if control else [])
    report = shlex.join(["lifespan", "report", *(str(directory) for directory in directories), *options])
    rows.append(("report", report))
    return [*rows, ("rows", f"{len(evidence.measurements):,} measurements, {len(evidence.steps):,} steps")]

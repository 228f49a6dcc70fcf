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
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.scores import HIGHLIGHTED, STATUSES
from lifespan.errors import RecordError
from lifespan.record.ownership import check_files, write_files
from lifespan.record.tables import neutral_cells
from lifespan.report import animation, citations, figures, findings, lead, markdown, matrices, methods, sentences, verdicts
from lifespan.report.bibtex import Publication, bibliography
from lifespan.report.downloads import Download, downloads
from lifespan.report.figures.trajectories import coinciding
from lifespan.report.formatting import bounds, listed, number, probability
from lifespan.report.group_text import group_lines
from lifespan.report.labels import metric_label
from lifespan.report.lives import lives
from lifespan.report.sections import extra_sections
from lifespan.report.templates import render

LINES = (
    "Thin lines are individuals, bold lines means over those measured, bands 95% intervals; dots are measured, "
    "lines only join them. A cross ends the line of an individual that failed or diverged."
)
MANY_GROUPS = (
    f"Of many groups, the control and the {HIGHLIGHTED - 1} that differ most from it have a colour; all are in the data."
)

LIFE = ("timeline", "trajectories")
"""Figures of the first screen."""

OPEN_RESULTS = ("Who lived to the end", "Final scores", "Against the control group", "Forgetting")
"""Parts of the results that are open where there are few groups; others unfold, and where there are many all do."""


def write_report(
    directories: Sequence[Path | str],
    out: Path | str | None = None,
    *,
    groups: Sequence[str] = (),
    control: str | None = None,
    pdf: bool = False,
    animate: bool = False,
    force: bool = False,
) -> Path:
    """Write the report of one or several run directories and return the path of its HTML file.

    `out` is a folder, or a path that ends in .html; by default the report goes into the first run directory. Several
    directories are compared: their groups stand side by side and twins are paired by seed. `groups` leaves out all others but
    the control, for which `control` names another group. With `pdf` the figures are written as PDF, too, and the page carries
    them; that takes about as long as all else. With `animate` figures/life.gif is a film of the lives. Raises `RecordError`
    where files would be replaced that Lifespan did not write, or that were changed since, outside of run directories; with
    `force` they are replaced.
    """
    analysis = Analysis(directories, groups=groups, control=control)
    page = _page_path(Path(out) if out is not None else Path(directories[0]))
    _require_writable(page.parent)
    check_files(page.parent, (page.name, "methods.md", "references.bib", "summary.md"), force=force)
    made = {name: drawing.draw(analysis) for name, drawing in figures.FIGURES.items()}
    drawn = {name: figure for name, figure in made.items() if figure is not None}
    tables = analysis.tables() | {f"figure_{name}": table for name, (_, table) in drawn.items()}
    vectors = {name: figures.svg(figure) for name, (figure, _) in drawn.items()}
    works = citations.publications(analysis)
    files = {f"figures/{name}.svg": vector.encode() for name, vector in vectors.items()}
    files |= {f"tables/{name}.csv": neutral_cells(table).to_csv(index=False).encode() for name, table in tables.items()}
    files |= {"methods.md": methods.markdown(analysis, works).encode(), "references.bib": bibliography(works).encode()}
    files |= {f"figures/{name}.pdf": figures.pdf(figure) for name, (figure, _) in (drawn.items() if pdf else ())}
    html = _html(analysis, works, vectors, list(tables), downloads(files), (directories, groups, control, pdf))
    files |= {"figures/life.gif": animation.gif(analysis)} if animate else {}
    files |= {"summary.md": markdown.brief(analysis).encode(), page.name: html.encode()}
    write_files(page.parent, files, force=force)
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
    body = body.replace(figures.INK, "currentColor").replace(figures.PAGE, "var(--page)")
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


def _html(
    analysis: Analysis,
    works: Sequence[Publication],
    vectors: Mapping[str, str],
    tables: Sequence[str],
    carried: Mapping[str, Download],
    options: tuple[Sequence[Path | str], Sequence[str], str | None, bool],
) -> str:
    return render(
        "page/report.html.j2",
        title=analysis.cohort.title,
        **_texts(analysis, works),
        **_shown_figures(analysis, vectors),
        memories=_memory_rows(analysis),
        tables=[(name, name.replace("_", " ")) for name in tables if not name.startswith("figure_")],
        finals=matrices.final_matrix(analysis),
        sequences=matrices.sequence_matrix(analysis),
        comparisons=_comparison_rows(analysis),
        lives=lives(analysis),
        provenance=_provenance(analysis, *options),
        downloads=carried,
        sections=extra_sections(analysis),
    )


def _texts(analysis: Analysis, works: Sequence[Publication]) -> dict[str, Any]:
    """What the page says in sentences."""
    about = [str(study.get("about") or "") for study in analysis.cohort.studies]
    results = [*sentences.results(analysis), *findings.further_results(analysis)]
    many = len(analysis.cohort.groups) > sentences.NAMED_UP_TO
    return {
        "size": sentences.size(analysis),
        "predicted": verdicts.verdict_sections(analysis),
        "verdicts": [list(row.values()) for row in verdicts.verdict_rows(analysis)],
        "verdict_columns": verdicts.COLUMNS,
        "answers": lead.answers(analysis),
        "trust": lead.trust(analysis),
        "questions": sentences.questions(analysis),
        "about": [text.replace("`", "").split("\n\n") for text in about if text],
        "groups": group_lines(analysis),
        "results": results,
        "many": many,
        "folded": [heading for heading, _ in results if many or heading not in OPEN_RESULTS],
        "cautions": [*sentences.cautions(analysis), *findings.sample_size_notes(analysis)],
        "named_up_to": sentences.NAMED_UP_TO,
        "methods": methods.paragraphs(analysis, works, steps=False),
        "references": works,
    }


def _shown_figures(analysis: Analysis, vectors: Mapping[str, str]) -> dict[str, Any]:
    """The figures, those of the first screen, and each group's colour in all of them."""
    made = [_figure(analysis, name, vector) for name, vector in vectors.items()]
    return {
        "figures": made,
        "life": [figure for figure in made if figure["name"] in LIFE],
        "colours": [(group, figures.line_style(analysis, group)["color"]) for group in analysis.cohort.groups],
    }


def _figure(analysis: Analysis, name: str, vector: str) -> dict[str, Any]:
    drawing = figures.FIGURES[name]
    drawn = f"{drawing.drawn} {LINES}" if drawing.lines else drawing.drawn
    if drawing.lines and len(analysis.cohort.groups) > HIGHLIGHTED:
        drawn += f" {MANY_GROUPS}"
    if name == "trajectories" and (alike := coinciding(analysis)):
        drawn += f" Lines that coincide: {'; '.join(listed(groups) for groups in alike)}."
    return {
        **{"name": name, "title": drawing.title, "drawn": drawn, "good": drawing.good},
        "svg": inline_svg(vector, name=f"figure-{name}", title=drawing.title, description=drawn),
        "counted": _counted(analysis),
    }


def _counted(analysis: Analysis) -> str:
    """How many individuals there are, and how many of them were lost in which group."""
    people = analysis.statuses
    parts = []
    for _, row in people.iterrows():
        lost = [f"{row[status]} {status}" for status in STATUSES if status != "done" and row[status]]
        if lost or len(people) <= sentences.NAMED_UP_TO:
            parts.append(f"{row['group']} n = {row['individuals']}" + (f" ({', '.join(lost)})" if lost else ""))
    if len(people) > sentences.NAMED_UP_TO:
        sizes = people["individuals"]
        size = f"{sizes.min()}" if sizes.nunique() == 1 else f"{sizes.min()} to {sizes.max()}"
        parts.insert(0, f"n = {size} in each of {len(people)} groups" + ("" if parts else ", none lost"))
    return f"Individuals: {'; '.join(parts)}." if parts else ""


def _comparison_rows(analysis: Analysis) -> list[dict[str, str]]:
    return [
        {
            **{"task": row["task"], "group": row["group"], "control": row["control"], "n": str(row["n"])},
            **{"difference": number(row["difference"]), "interval": bounds(row, "[{}, {}]")},
            "g": number(row["hedges_g_av"], 2),
            "delta": number(row["cliffs_delta"], 2),
            "p": probability(row["p"]),
            "p_holm": probability(row["p_holm"]),
        }
        for _, row in analysis.comparisons.iterrows()
    ]


def _memory_rows(analysis: Analysis) -> list[dict[str, str]]:
    table = analysis.memory_means
    return [
        {
            **{name: str(row[name]) for name in ("task", "group", "n")},
            "metric": metric_label(row["metric"]),
            **{"mean": number(row["mean"]), "interval": bounds(row, "[{}, {}]")},
        }
        for _, row in table[table["group"].isin(analysis.highlighted)].iterrows()
    ]


def _provenance(
    analysis: Analysis, directories: Sequence[Path | str], groups: Sequence[str], control: str | None, pdf: bool
) -> list[tuple[str, str]]:
    rows = []
    for study, environment, directory in zip(analysis.cohort.studies, analysis.cohort.environments, directories, strict=True):
        command = study.get("command") or []
        rows += [
            ("run", f"{study.get('name', 'unnamed')} in {Path(directory).name or directory}"),
            ("command", shlex.join(map(str, command)) if command else "not recorded"),
            ("started", str(environment.get("started") or "not recorded")),
            ("commit", str(environment.get("git") or "not recorded")),
        ]
    options = [part for name in groups for part in ("--group", name)] + (["--control", control] if control else [])
    options += ["--pdf"] * pdf
    report = shlex.join(["lifespan", "report", *(str(directory) for directory in directories), *options])
    rows.append(("report", report))
    return [*rows, ("rows", f"{len(analysis.cohort.measurements):,} measurements, {len(analysis.cohort.steps):,} steps")]

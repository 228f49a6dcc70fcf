"""Commands that turn records into reports, tables, logs and packs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Run directories, or stores that several share; several compare.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; usually into DIR.", show_default=False)
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this group and the control. Repeatable.")
    ] = None,
    control: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare with this group, not the study's control.", show_default=False)
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the words and tables; draw and write nothing.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write the figures as PDF, too.")] = False,
    animate: Annotated[bool, typer.Option("--animate", help="Write figures/life.gif, a film of the lives.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files of others that are there.")] = False,
) -> None:
    """Write a report of run directories.

    Beside the page lie its figures (SVG), tables (CSV), methods text, BibTeX, and summary.md, which --markdown prints.
    """
    from lifespan.cli import display
    from lifespan.cli.simulate import brief_on, report_on

    if markdown:
        display.show_markdown(brief_on(directories, group or (), control))
    else:
        display.say(f"Report: {report_on(directories, out, group or (), control, pdf=pdf, animate=animate, force=force)}")


def table(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR", help="Run directories.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ends in .parquet, .csv, .csv.gz or .tsv.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is no such table.")] = False,
    latex: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A table of the report as LaTeX instead, printed or in a .tex.", show_default=False),
    ] = None,
    caption: Annotated[str, typer.Option(metavar="TEXT", help="Of the LaTeX table.", show_default=False)] = "",
    label: Annotated[str, typer.Option(metavar="LABEL", help="Of the LaTeX table.", show_default=False)] = "",
) -> None:
    """Write all measured values as one long table, or a table of the report as LaTeX.

    The long table's columns are described in dictionary.json, under "lifespan table". --latex final_scores, or another of
    the report's tables/, is for a paper: booktabs, escaped, with n and 95% intervals.
    """
    if latex is not None:
        from lifespan.cli.latex import latex_table

        return latex_table(directories, latex, out, caption, label, force=force)
    if out is None:
        raise typer.BadParameter("--out says where the table goes, or --latex NAME which table to print.")
    from lifespan.cli import display
    from lifespan.cli.record_display import say_altered
    from lifespan.record import record

    records = [record.read(directory) for directory in directories]
    for each in records:
        say_altered(each)
    from lifespan.record.tables import write_table

    display.say(f"{write_table(records, out, force=force):,} rows: {out}")


def log(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")],
    to: Annotated[str, typer.Option(metavar="TRACKER", help="tensorboard, mlflow, wandb or trackio.")],
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to.", show_default="in DIR/logs")] = None,
) -> None:
    """Write a record for TensorBoard, MLflow, Weights & Biases or Trackio.

    One run for each individual; no network needed. `simulate --log-to` does it while a study is lived.
    """
    from lifespan.cli.tracking import log_record

    log_record(directory, to, out)


def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")],
    life: Annotated[str | None, typer.Option(metavar="NAME", help="Whose state.", show_default="the only life")] = None,
    base: Annotated[str, typer.Option(metavar="fp32|bf16|int8|int4", help="Precision of the shared weights.")] = "fp32",
    heads: Annotated[str, typer.Option(metavar="fp32|bf16", help="Precision of the heads.")] = "fp32",
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The pack.", show_default="in DIR/packs")] = None,
    after: Annotated[int | None, typer.Option(metavar="N", help="State after N events.", show_default="the end")] = None,
    check: Annotated[
        bool | None,
        typer.Option("--check/--no-check", help="Compare with the living subject.", show_default="where data is at hand"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a pack that is there.")] = False,
) -> None:
    """Pack a life's skills to send or keep.

    One shared base, and a head and a coded mask for each skill. `lifespan.load_pack(FOLDER)` reads it, without network; the
    language head stays behind. The table compares bytes with one full checkpoint for each skill.
    """
    from lifespan.cli.export import export as export_pack

    raise typer.Exit(export_pack(directory, life=life, base=base, heads=heads, out=out, after=after, check=check, force=force))

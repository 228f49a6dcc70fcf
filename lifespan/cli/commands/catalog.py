"""Commands about what is built in, one's own files and this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from lifespan.cli.app import families, names


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the file to write, without .py.")],
    task: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A study of your own table: CSV, TSV, Parquet, ...", show_default=False),
    ] = None,
    disorder: Annotated[bool, typer.Option("--disorder", help="A disorder of your own, with its test.")] = False,
    pruner: Annotated[bool, typer.Option("--pruner", help="A pruner of your own, with its test.")] = False,
    learner: Annotated[bool, typer.Option("--learner", help="A learner of your own, with its test.")] = False,
    probe: Annotated[bool, typer.Option("--probe", help="A probe of your own, with its test.")] = False,
) -> None:
    """Write a scenario, or a method of your own, to start from.

    NAME.py runs as it is; every line that one would change has a comment. Files that are there are never overwritten.
    """
    from lifespan.cli import display
    from lifespan.cli.new import new as write_new

    asked = {"disorder": disorder, "pruner": pruner, "learner": learner, "probe": probe}
    files, said = write_new(name, task=task, plug_ins=[kind for kind, wanted in asked.items() if wanted])
    display.say(f"Wrote {' and '.join(map(str, files))}.\n{said}")


def list_(
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY",
            help="studies, events, tasks, corpora, subjects, learners, pruners, disorders, drugs, strategies, probes, "
            "engines, functions, contracts or scenarios; usually all.",
            autocompletion=families,
            show_default=False,
        ),
    ] = None,
) -> None:
    """What is built in, by family."""
    from lifespan.cli import catalog, catalog_display

    families = [family] if family is not None else [*catalog.FAMILIES, "scenarios"]
    catalog_display.show_families({name: catalog.entries(name) for name in families})


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A class, a function or a built-in scenario; FILE.py:NAME or MODULE:NAME for your own.",
            autocompletion=names,
        ),
    ],
) -> None:
    """What one class, function or built-in scenario is.

    Of a class of your own it shows what it overrides and where it is written; of a contract (Pruner, Measure, Subject, ...)
    its methods.
    """
    from lifespan.cli import catalog, catalog_display
    from lifespan.cli.own_classes import find_own, source_of
    from lifespan.study.loading import study_of

    entry = find_own(name) if ":" in name else catalog.find(name)
    if entry.source is not None:
        catalog_display.show_scenario(entry.doc, entry.source.constants, study_of(entry.source))
    else:
        catalog_display.show_class(entry, catalog.signature(entry.kind), source_of(entry.kind) if ":" in name else "")


def doctor() -> None:
    """Check this machine.

    Versions, hardware, data and disk, one line per finding, with what to do where something is amiss.
    """
    from lifespan.cli import record_display
    from lifespan.cli.doctor import checks

    raise typer.Exit(1 if record_display.show_checks(checks()) else 0)

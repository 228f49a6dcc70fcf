"""The `lifespan` command itself, and the arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Simulate the life of a neural network: development, school, ageing, recovery and disorders of transformers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def scenarios(incomplete: str) -> list[str]:
    from lifespan.study.loading import builtin

    return [name for name in builtin() if name.startswith(incomplete)]


def families(incomplete: str) -> list[str]:
    from lifespan.cli import catalog

    return [name for name in (*catalog.FAMILIES, "scenarios") if name.startswith(incomplete)]


def names(incomplete: str) -> list[str]:
    from lifespan.cli import catalog

    return [entry.name for entry in catalog.everything() if entry.name.startswith(incomplete)]


ScenarioName = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", help="A scenario file, or a built-in name.", autocompletion=scenarios),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Rebind a constant of the scenario. Repeatable.")
]
Individuals = Annotated[int | None, typer.Option(metavar="N", help="Individuals per group, instead of the study's.")]
Precision = Annotated[str | None, typer.Option(metavar="auto|fp32|bf16", help="Instead of the study's.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]


@app.callback(invoke_without_command=True)
def lifespan(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks. May stand anywhere on the line.")] = False,
) -> None:
    if version:
        import lifespan as package

        typer.echo(f"lifespan {package.__version__}")
        raise typer.Exit(0)

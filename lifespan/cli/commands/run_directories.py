"""Commands about run directories: how far they are, whether they are true, and what to free."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lifespan.cli.app import app


def status(directory: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")]) -> None:
    """Which individuals are done, living, pending or failed, and why.

    Also estimates when it will end. Works on a run that goes on, or was killed, from any machine that sees the directory.
    """
    from lifespan.cli import record_display
    from lifespan.execution.status import status_of

    record_display.show_status(status_of(directory))


def gc(
    place: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory, or a store that several share.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Free what no study needs.

    Steps of studies that were changed or deleted, and files of interrupted writes. Shows what it would remove, and asks first.
    """
    from lifespan.cli import display, record_display
    from lifespan.record import shared_store as sharing

    found = sharing.find_garbage(place)
    record_display.show_garbage(found)
    if not found.steps and not found.files:
        return
    if not yes and not typer.confirm("Remove it?"):
        display.say("Nothing was removed.")
        return
    display.say(f"Freed {display.size(sharing.remove(found))}.")


def verify(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")],
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Live a sample of so many steps again.", show_default="5")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Live all of them again.")] = False,
    row: Annotated[
        str | None,
        typer.Option(
            metavar="ROW",
            help="Only the step that made this row: group,individual,step,probe,metric[,task], or measurements.jsonl:LINE.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str, typer.Option("--from", metavar="store|nothing", help="From the stored state before a step, or from birth on.")
    ] = "store",
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="How far apart values may be where threads, processor, versions or device are others than recorded.",
            show_default="0.01",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Draws the sample.")] = 0,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="SCENARIO", help="The study's scenario, where it lies elsewhere than recorded.", show_default=False
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N.", show_default="that of each step")] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="Threads of torch.", show_default="those of each step")
    ] = None,
) -> None:
    """Live steps of a record again, and compare.

    States, training rows and evaluations are compared bit for bit, or within a tolerance where threads, processor, versions
    or device are others than those that a step was lived with; every row of the tables is compared with the store, too. The
    record is only read. What cannot be verified is said with why. Exit codes: 0 all that was compared is equal, 1 something
    differs, 2 wrong input, or nothing could be lived again.
    """
    from lifespan.cli.verify import verify_record

    raise typer.Exit(
        verify_record(
            directory,
            typer.main.get_command(app).commands["simulate"],  # type: ignore[attr-defined]
            steps=steps,
            every=all_,
            row=row,
            start=start,
            tolerance=tolerance,
            seed=seed,
            scenario=scenario,
            device=device,
            threads=threads,
        )
    )

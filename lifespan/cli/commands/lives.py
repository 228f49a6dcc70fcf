"""Commands that live studies, or say what living them would take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lifespan.cli.app import Device, Individuals, Precision, ScenarioName, Settings


def simulate(
    scenario: ScenarioName = "first_life",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Run directory; usually runs/STUDY.", show_default=False)
    ] = None,
    individuals: Individuals = None,
    device: Device = "cpu",
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="Threads of torch; by the subjects' size, if none.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run; there must be one.")] = False,
    settings: Settings = None,
    every: Annotated[int, typer.Option(metavar="N", help="Optimizer steps between saved states inside an event.")] = 100,
    precision: Precision = None,
    report: Annotated[bool, typer.Option(help="Write report.html at the end.")] = True,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="inline, local, ray, slurm, the name of an installed engine, or module:Class. Rows do not depend on it.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Worker processes; usually as many as pay here.")] = None,
    cluster: Annotated[
        list[str] | None, typer.Option("--engine-set", metavar="NAME=VALUE", help="Set a field of the engine. Repeatable.")
    ] = None,
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="Share states with other studies there.")] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Begin no further step once a life has failed.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try failed lives again.")] = False,
    retry_diverged: Annotated[bool, typer.Option("--retry-diverged", help="Try diverged lives again, too.")] = False,
    rerun_changed: Annotated[
        bool, typer.Option("--rerun-changed", help="Where data, models or code changed: live anew what that affects.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Where data, models or code changed: leave the record as it is.")
    ] = False,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Stop at the first look of the study's design that decides its hypotheses.")
    ] = False,
    log_to: Annotated[
        list[str] | None,
        typer.Option(
            "--log-to",
            metavar="TRACKER[:FOLDER]",
            help="Log while it is lived, offline: tensorboard, mlflow, wandb or trackio. Repeatable.",
        ),
    ] = None,
) -> None:
    """Live a study and record it.

    What is in the run directory already is not lived again. Where it was made of other data, models or code than there are
    now, it is refused until --rerun-changed or --keep says what to do. Several may work on one directory at a time. Ctrl-C
    stops at a place from which --resume goes on. Exit codes: 0 done, 1 some individuals failed or have not
    ended, 2 wrong input or a machine that refused, 130 interrupted.
    """
    from lifespan.cli.simulate import simulate_and_report

    raise typer.Exit(
        simulate_and_report(
            scenario,
            out=out,
            individuals=individuals,
            device=device,
            threads=threads,
            resume=resume,
            settings=settings or (),
            every=every,
            precision=precision,
            report=report,
            engine=engine,
            workers=workers,
            cluster=cluster or (),
            store=store,
            fail_fast=fail_fast,
            retry=[kind for kind, asked in (("failed", retry or retry_diverged), ("diverged", retry_diverged)) if asked],
            rerun_changed=rerun_changed,
            keep=keep,
            until_decided=until_decided,
            log_to=log_to or (),
        )
    )


def plan(
    scenario: ScenarioName = "first_life",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    settings: Settings = None,
    individuals: Individuals = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Run directory whose step times count.")] = None,
    device: Device = "cpu",
    precision: Precision = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Estimate the time with so many workers; usually as many as pay.", show_default=False
        ),
    ] = None,
    store: Annotated[Path | None, typer.Option(metavar="DIR", help="Shared store whose finished steps count.")] = None,
    pilot: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Run directory whose scatter tells the power of the hypotheses.", show_default=False),
    ] = None,
) -> None:
    """Dry run: the tree of events, what it costs, and what the study's hypotheses can show.

    Shows what the tree saves over separate lives, about how long it takes, and for each hypothesis the difference that so many
    individuals detect.
    """
    from lifespan.cli import display, plan_display
    from lifespan.cli.simulate import changes_in
    from lifespan.cli.verdicts import power_data, say_power
    from lifespan.execution import estimate
    from lifespan.execution.data_checks import check_data
    from lifespan.execution.workers import choose
    from lifespan.simulation import CHOICES, plan_for
    from lifespan.study.length_mismatches import length_mismatches
    from lifespan.study.loading import load

    study = load(scenario, settings=settings or (), individuals=individuals, precision=precision)
    compiled = plan_for(study, device=device)
    check_data(compiled, display.notice)
    directory = out if out is not None else Path("runs") / study.name
    found = estimate.estimate(compiled, directory, workers or 1, store)
    choice = choose(compiled, found) if workers is None and device == "cpu" else None
    if choice is not None and choice.workers > 1:
        found = estimate.estimate(compiled, directory, choice.workers, store)
    changes = changes_in(compiled, directory)
    if changes is not None:
        display.notice(f"{directory}: {changes.text} {CHOICES}")
    if as_json:
        display.show_json({**estimate.as_json(compiled, found), "hypotheses": power_data(study, pilot)})
    else:
        plan_display.show_plan(compiled, found)
        say_power(study, pilot)
        if choice is not None:
            display.say(f"`lifespan simulate` takes {choice.text} here.")
    for text in length_mismatches(compiled):
        display.notice(f"warning: {text}")

"""The `lifespan` command. Heavy modules are imported inside the commands that need them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    help="Simulate the life of a neural network: development, school, ageing, recovery and disorders of transformers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _scenarios(incomplete: str) -> list[str]:
    from lifespan.study.loading import builtin

    return [name for name in builtin() if name.startswith(incomplete)]


def _families(incomplete: str) -> list[str]:
    from lifespan.cli import catalog

    return [name for name in (*catalog.FAMILIES, "scenarios") if name.startswith(incomplete)]


def _names(incomplete: str) -> list[str]:
    from lifespan.cli import catalog

    return [entry.name for entry in catalog.everything() if entry.name.startswith(incomplete)]


ScenarioName = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", help="A scenario file, or a built-in name.", autocompletion=_scenarios),
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


@app.command()
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


@app.command()
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
    from lifespan.cli import display
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
        display.show_plan(compiled, found)
        say_power(study, pilot)
        if choice is not None:
            display.say(f"`lifespan simulate` takes {choice.text} here.")
    for text in length_mismatches(compiled):
        display.notice(f"warning: {text}")


@app.command()
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


@app.command("list")
def list_(
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY",
            help="studies, events, tasks, corpora, subjects, learners, pruners, disorders, drugs, strategies, probes, "
            "engines, functions, contracts or scenarios; usually all.",
            autocompletion=_families,
            show_default=False,
        ),
    ] = None,
) -> None:
    """What is built in, by family."""
    from lifespan.cli import catalog, display

    families = [family] if family is not None else [*catalog.FAMILIES, "scenarios"]
    display.show_families({name: catalog.entries(name) for name in families})


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A class, a function or a built-in scenario; FILE.py:NAME or MODULE:NAME for your own.",
            autocompletion=_names,
        ),
    ],
) -> None:
    """What one class, function or built-in scenario is.

    Of a class of your own it shows what it overrides and where it is written; of a contract (Pruner, Measure, Subject, ...)
    its methods.
    """
    from lifespan.cli import catalog, display
    from lifespan.cli.own_classes import find_own, source_of
    from lifespan.study.loading import study_of

    entry = find_own(name) if ":" in name else catalog.find(name)
    if entry.source is not None:
        display.show_scenario(entry.doc, entry.source.constants, study_of(entry.source))
    else:
        display.show_class(entry, catalog.signature(entry.kind), source_of(entry.kind) if ":" in name else "")


@app.command()
def status(directory: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")]) -> None:
    """Which individuals are done, living, pending or failed, and why.

    Also estimates when it will end. Works on a run that goes on, or was killed, from any machine that sees the directory.
    """
    from lifespan.cli import display
    from lifespan.execution.status import status_of

    display.show_status(status_of(directory))


@app.command()
def gc(
    place: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory, or a store that several share.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Free what no study needs.

    Steps of studies that were changed or deleted, and files of interrupted writes. Shows what it would remove, and asks first.
    """
    from lifespan.cli import display
    from lifespan.record import shared_store as sharing

    found = sharing.find_garbage(place)
    display.show_garbage(found)
    if not found.steps and not found.files:
        return
    if not yes and not typer.confirm("Remove it?"):
        display.say("Nothing was removed.")
        return
    display.say(f"Freed {display.size(sharing.remove(found))}.")


@app.command()
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


@app.command()
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
        display.say(f"Report: {report_on(directories, out, group or (), control, pdf=pdf, force=force)}")


@app.command()
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
    from lifespan.cli.simulate import say_altered
    from lifespan.record import record

    records = [record.read(directory) for directory in directories]
    for each in records:
        say_altered(each)
    from lifespan.record.tables import write_table

    display.say(f"{write_table(records, out, force=force):,} rows: {out}")


@app.command()
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


@app.command()
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


@app.command()
def doctor() -> None:
    """Check this machine.

    Versions, hardware, data and disk, one line per finding, with what to do where something is amiss.
    """
    from lifespan.cli import display
    from lifespan.cli.doctor import checks

    raise typer.Exit(1 if display.show_checks(checks()) else 0)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 some individuals failed, 2 wrong input, 130 interrupted."""
    from lifespan.cli.printer import escape_unknown_characters, open_missing_streams, silence

    open_missing_streams()
    escape_unknown_characters()
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        code = app(given, prog_name="lifespan", standalone_mode=False)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        silence("stdout")
        code = 1
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    sys.exit(_closing_code(code if isinstance(code, int) else 0, lived=given[:1] == ["simulate"]))


def _closing_code(code: int, lived: bool) -> int:
    """The exit code, after the streams were handed what is left: what could not be shown fails any command but `simulate`."""
    display = sys.modules.get("lifespan.cli.display")
    if display is None:
        return code
    from lifespan.cli.printer import silence
    from lifespan.reading import why

    for printer in (display.console, display.errors):
        printer.file.flush()
    error = display.console.stream.error
    if error is not None:
        silence("stdout")
        if not isinstance(error, BrokenPipeError):
            rest = "The work is done." if lived else "Free some space, or write elsewhere."
            display.complain_plainly(f"standard output: cannot be written ({why(error)}).", rest)
        if not lived:
            code = code or (1 if isinstance(error, BrokenPipeError) else 2)
    if display.errors.stream.error is not None:
        silence("stderr")
    display.console.stream.error = display.errors.stream.error = None
    return code


def _explain(error: Exception) -> int:
    """Print one clear message and return the exit code."""
    from lifespan.cli import display
    from lifespan.culprits import FEWER, machine_error
    from lifespan.errors import UserError

    if isinstance(error, UserError):
        display.complain(error)
        return 2
    if type(error).__name__ == "NoArgsIsHelpError":
        display.errors.print(error.format_message(), markup=False, highlight=False)  # type: ignore[attr-defined]
        return 2
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "lifespan"
        display.complain_plainly(error.format_message(), f"`{path} --help` shows what it takes.")
        return 2
    found = machine_error(error, lower=FEWER)
    if found is not None:
        display.complain(found)
        return 2
    display.complain_plainly(f"unexpected {type(error).__name__}: {error}", "Run with --debug for the traceback.")
    return 1

"""What `lifespan verify` does around a verification: finds the study's scenario, says the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import typer
import typer.core

from lifespan.cli import display, record_display
from lifespan.errors import ScenarioError, UserError
from lifespan.record.record import read_study
from lifespan.study.loading import builtin, find, read_source, study_of
from lifespan.study.scenario import Study

USAGE_ERROR: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What a wrong command line raises: of click, or of the copy of it that newer versions of Typer carry."""


def verify_record(
    directory: Path,
    simulate: typer.core.TyperCommand,
    *,
    steps: int | None,
    every: bool,
    row: str | None,
    start: str,
    tolerance: float | None,
    seed: int,
    scenario: str | None,
    device: str | None,
    threads: int | None,
) -> int:
    """Verify a record and say what was found; `simulate` is the command whose line the record keeps. Returns the exit code."""
    given = [name for name, value in (("--steps", steps), ("--all", every or None), ("--row", row)) if value is not None]
    if len(given) > 1:
        raise ScenarioError(" ".join(given), "ask for different steps.", "Give one of them.")
    command = read_study(directory).get("command") or []
    study, refused = _study(command, simulate, scenario)
    from lifespan.execution import verification

    bar = display.errors.status("Verifying...") if display.errors.is_terminal else nullcontext()
    with bar as shown:
        found = verification.verify(
            directory,
            study=study,
            steps=None if every else steps if steps is not None else verification.STEPS,
            row=row,
            start=start,  # type: ignore[arg-type]
            tolerance=verification.TOLERANCE if tolerance is None else tolerance,
            seed=seed,
            device=device,
            threads=threads,
            refused=refused,
            progress=lambda done, count, what: shown.update(f"Living {done + 1} of {count} again") if shown else None,
        )
    record_display.show_verification(found)
    return found.code


def _study(command: Sequence[str], simulate: typer.core.TyperCommand, scenario: str | None) -> tuple[Study | None, str]:
    """(the study of a scenario that is at hand, why there is none).

    `scenario` takes the place of that in the recorded command line, whose settings stay. A scenario that was asked for must
    be there; one that the record names may be gone.
    """
    asked = _recorded(command, simulate)
    name = scenario or asked.get("scenario")
    if name is None:
        return None, "the record was not made by `lifespan simulate`; --scenario FILE gives its classes"
    settled = {key: asked.get(key) for key in ("individuals", "precision")}
    try:
        if scenario is None and not Path(name).expanduser().is_file() and name not in builtin():
            return None, f"the scenario {name} is not at hand; --scenario FILE gives it"
        source = read_source(find(name))
        return study_of(source, settings=asked.get("settings") or (), **settled), ""
    except UserError as error:
        if scenario is not None:
            raise
        return None, f"the scenario {name} cannot be run here: {error}"


def _recorded(command: Sequence[str], simulate: typer.core.TyperCommand) -> dict[str, Any]:
    """The arguments of a recorded `lifespan simulate`; nothing where the record was made otherwise."""
    words = [word for word in command if word != "--debug"]
    if len(words) < 2 or words[1] != "simulate" or Path(words[0]).name != "lifespan":
        return {}
    try:
        return dict(simulate.make_context("simulate", words[2:], resilient_parsing=True).params)
    except USAGE_ERROR:
        return {}

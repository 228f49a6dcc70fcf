"""The program `lifespan`: every command behind one door, which turns errors into messages and exit codes.

Heavy modules are imported inside the commands that need them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from lifespan.cli.app import app
from lifespan.cli.commands import catalog, lives, results, run_directories

COMMANDS = (
    *(lives.simulate, lives.plan, catalog.new, catalog.list_, catalog.show, run_directories.status, run_directories.gc),
    *(run_directories.verify, results.report, results.table, results.log, results.export, catalog.doctor),
)
"""In the order in which `lifespan --help` lists them."""

for command in COMMANDS:
    app.command(command.__name__.removesuffix("_"))(command)


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

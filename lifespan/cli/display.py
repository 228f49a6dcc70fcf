"""The only printer: errors, tables and closing words. Progress is in `progress.py`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from lifespan.cli.printer import Printer
from lifespan.errors import UserError
from lifespan.names import neutral

if TYPE_CHECKING:
    pass

console = Printer()
errors = Printer(stderr=True)


def say(text: str) -> None:
    """One line, wrapped at the terminal's width."""
    console.print(text, soft_wrap=not console.is_terminal, markup=False)


def complain(error: UserError) -> None:
    """A user's error as one message: where, what rule, and the way out."""
    where, _, code = error.where.partition("\n")
    place = (where, "bold"), f"\n{code}: " if code else ": "
    _tell(Text.assemble(("Error: ", "bold red"), *place, (error.what, "red")))
    if error.remedy:
        _tell(Text(error.remedy))


def _tell(text: Text) -> None:
    """Print to standard error. In a terminal lines end between words, but what is to be copied whole is left whole.

    That are indented lines, which are commands, and those with a word, such as a path, that fills more than a line.
    """
    for line in text.split("\n", allow_blank=True):
        longest = max(map(len, line.plain.split()), default=0)
        whole = line.plain.startswith(" ") or longest > errors.width
        errors.print(line, soft_wrap=whole or not errors.is_terminal)


def complain_plainly(text: str, remedy: str = "") -> None:
    """One line of error, and how to go on."""
    _tell(Text.assemble(("Error: ", "bold red"), (text, "red")))
    if remedy:
        _tell(Text(remedy))


def notice(text: str) -> None:
    """A remark beside the results, on standard error."""
    _tell(Text(text, "yellow"))


def show_json(data: Any) -> None:
    """Data for other programs: plain JSON on standard output."""
    console.file.write(neutral(json.dumps(data, indent=2, ensure_ascii=False)) + "\n")


def size(count: float) -> str:
    """Bytes as people say them.

    >>> size(2_000_000)
    '1.9 MiB'
    """
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "step"), counted(2000, "life")
    ('1 step', '2,000 lives')
    """
    plural = {"life": "lives", "individual": "individuals"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"


def reflowed(doc: str) -> str:
    """A docstring whose paragraphs fill the terminal; lists, tables and code keep their lines.

    >>> print(reflowed("One\\ntwo.\\n\\n- a\\n- b"))
    One two.
    <BLANKLINE>
    - a
    - b
    """
    kept = (" ", "-", "|", ">>>")
    paragraphs = [paragraph.split("\n") for paragraph in doc.split("\n\n")]
    return "\n\n".join(("\n" if any(line.startswith(kept) for line in p) else " ").join(p) for p in paragraphs)


def show_markdown(text: str) -> None:
    """A Markdown document: drawn in a terminal, as it is elsewhere."""
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        console.file.write(neutral(text))

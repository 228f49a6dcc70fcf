"""Sections of the page that some records have: each comes with its own style and script, where it needs them.

A maker takes the `Analysis` and returns its section, or None where the record holds nothing for it. Adding one is a module
with a maker, a template beside it and an entry in `MAKERS`; the contents, folding and printing of the page follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from lifespan.analysis.analysis import Analysis


@dataclass(frozen=True)
class Section:
    """A section after the figures: `name` is its anchor, `title` its heading, `html` what stands below it.

    `css` and `script` (`Markup`, see `templates.inlined`) go into the page once. What only works with a script has the class
    "scripted" and the attribute `hidden`, which the page's script takes away. An element with `data-group="NAME"` goes and
    comes with the group.
    """

    name: str
    title: str
    html: Markup
    css: str = ""
    script: str = ""


MAKERS: tuple[Callable[[Analysis], Section | None], ...] = ()
"""Makers of sections, in the order of the page."""


def extra_sections(analysis: Analysis) -> list[Section]:
    """The sections that this record has, in the order of the page."""
    made = (make(analysis) for make in MAKERS)
    return [section for section in made if section is not None]

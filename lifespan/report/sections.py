"""Sections of the page that some records have: each comes with its own style and script, where it needs them.

A maker takes the `Analysis` and returns its section, or None where the record holds nothing for it. Adding one is a module
with a maker, a template beside it and an entry in `MAKERS`; the contents, folding and printing of the page follow.
"""

from __future__ import annotations

from collections.abc import Callable

from lifespan.analysis.analysis import Analysis
from lifespan.report.comparison import comparison
from lifespan.report.explorer import explorer
from lifespan.report.section import Section

MAKERS: tuple[Callable[[Analysis], Section | None], ...] = (explorer, comparison)
"""Makers of sections, in the order of the page."""


def extra_sections(analysis: Analysis) -> list[Section]:
    """The sections that this record has, in the order of the page."""
    made = (make(analysis) for make in MAKERS)
    return [section for section in made if section is not None]

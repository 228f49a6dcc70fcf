"""One section of the page that some records have."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


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

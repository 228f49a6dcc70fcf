"""The page's templates, style and script: files of this package that go into the one HTML file."""

from __future__ import annotations

from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from lifespan.names import neutral


def render(template: str, **context: Any) -> Markup:
    """A template of `lifespan/report/` filled in, such as "page/report.html.j2"; texts are escaped, `Markup` is not.

    Templates may use `inlined(path)` and include or import one another by such paths.
    """
    return Markup(_environment().get_template(template).render(**context))


def inlined(path: str) -> Markup:
    """A style sheet or script of `lifespan/report/`, such as "page/page.css", as it stands."""
    return Markup(resources.files("lifespan.report").joinpath(path).read_text(encoding="utf-8"))


def _environment() -> jinja2.Environment:
    settings: dict[str, Any] = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    loader = jinja2.FunctionLoader(lambda path: str(inlined(path)))
    environment = jinja2.Environment(loader=loader, autoescape=True, finalize=_shown, **settings)
    environment.globals["inlined"] = inlined
    return environment


def _shown(value: Any) -> Any:
    """A text of a page, in which nothing reorders or ends what stands around it."""
    return neutral(value) if isinstance(value, str) and not isinstance(value, Markup) else value

"""From tables to sentences, figures, methods text and one HTML file.

`lifespan.report` is this package and, called, `lifespan.report.entry.report`: a function of that name would hide the package,
or the package the function, by what was imported first.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any


class _CallableModule(ModuleType):
    """The package as the function of its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from lifespan.report.entry import report

        return report(*arguments, **options)


if TYPE_CHECKING:
    from lifespan.report.entry import report as report
else:
    report = sys.modules[__name__]
    report.__class__ = _CallableModule

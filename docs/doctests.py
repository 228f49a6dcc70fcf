"""Examples in docstrings are shown as code: their output, such as `[0.2, 0.4]`, is no link."""

import re

from griffe import Extension

EXAMPLE = re.compile(r"(?:^>>> .*\n?)(?:^(?!\s*$).*\n?)*", flags=re.MULTILINE)


class Doctests(Extension):
    """Puts a fence around every run of lines that begins with `>>>` and ends with a blank line."""

    def on_package(self, *, pkg, **_):
        """Called when the package is read."""
        waiting = [pkg]
        while waiting:
            found = waiting.pop()
            if found.docstring and ">>> " in found.docstring.value and "```" not in found.docstring.value:
                found.docstring.value = EXAMPLE.sub(lambda run: f"```pycon\n{run[0].rstrip()}\n```\n", found.docstring.value)
            waiting += [member for member in found.members.values() if not member.is_alias]

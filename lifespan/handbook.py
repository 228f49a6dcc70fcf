"""Tables of the documentation, written from the classes themselves."""

from __future__ import annotations

from lifespan import catalog
from lifespan.contracts import Contrast, Meaning


def measures() -> str:
    """Every built-in probe as Markdown: what it sees, what it costs, and its metrics with range and what good looks like."""
    parts = [MEASURES]
    for entry in catalog.entries("probes"):
        kind = entry.kind
        assert kind is not None
        what = "contrast" if issubclass(kind, Contrast) else "measure"
        source = f" Source: {entry.citation}." if entry.citation else ""
        parts.append(f"## {entry.name} ({what})\n\n{entry.summary}{source} Cost: {getattr(kind, 'cost', '')}.")
        meanings = getattr(kind, "meanings", ())
        if isinstance(meanings, tuple):
            parts.append(_table(meanings))
    return "\n\n".join(parts) + "\n"


MEASURES = """# Measures

A measure looks at one subject: `Probe(Score(), Sparsity())`. With `every=20` it looks inside the learning event before it. A
contrast looks at two: at a subject and its younger self, `Probe(Since("development", contrast))`, or at two lives,
`Study(between=(Between(contrast),))`. Looking changes nothing: neither the subject, nor a later draw, nor a digest.

In a metric's name `*` stands for any text, such as a task's metric, a layer or a dose. `lifespan show NAME` prints the
arguments and the whole description. This page is written from the classes."""


def _table(meanings: tuple[Meaning, ...]) -> str:
    head = "| metric | meaning | range | what good looks like |\n|---|---|---|---|"
    rows = [
        f"| `{m.metric}` | {m.meaning}{f', in {m.unit}' if m.unit else ''} | {m.range} | {m.good or '-'} |" for m in meanings
    ]
    return "\n".join([head, *rows])

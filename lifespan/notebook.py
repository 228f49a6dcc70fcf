"""Lives and tables as HTML for notebooks: no script, no style sheet, legible on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

SHOWN = 12
"""Groups, or rows, that are shown; of more, the number is told."""

_BLOCK = "display:inline-block;padding:1px 5px;margin:1px;border-radius:3px;font-size:85%;color:#000;background:{}cc"


def heading(name: str, notes: Iterable[str] = ()) -> str:
    """A name in bold, and notes after it."""
    told = "".join(f" · {escape(note)}" for note in notes)
    return f"<div><b>{escape(name)}</b>{told}</div>"


def lives(groups: Mapping[str, Sequence[tuple[str, str]]], colors: Mapping[str, str]) -> str:
    """A row of blocks for each group: events as (kind, text); `colors` are those of the kinds."""
    rows = []
    for name, events in list(groups.items())[:SHOWN]:
        blocks = "".join(
            f'<span title="{escape(kind)}" style="{_BLOCK.format(colors.get(kind, "#ffffff"))}">{escape(text)}</span>'
            for kind, text in events
        )
        rows.append(f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{blocks}</td></tr>')
    return f"<table>{''.join(rows)}</table>{_rest(len(groups), 'groups')}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A plain table; cells are escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows[: 4 * SHOWN])
    rest = f"<div>and {len(rows) - 4 * SHOWN} more rows</div>" if len(rows) > 4 * SHOWN else ""
    return f"<table><tr>{head}</tr>{body}</table>{rest}"


def _rest(count: int, what: str) -> str:
    return f"<div>and {count - SHOWN} more {what}</div>" if count > SHOWN else ""

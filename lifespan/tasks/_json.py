"""JSON and JSON lines as named columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lifespan.errors import DataError

Columns = dict[str, list[Any]]


def columns_of_json(path: Path, text: str) -> tuple[Columns, Sequence[int], str]:
    """(columns, numbers of rows or lines, what is counted) of JSON: a list of records, columns of lists, or JSON lines.

    Objects inside records become columns named with a dot, such as "question.stem"; a key that a record lacks is None.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        records = list(_lines(path, text)) if text.lstrip().startswith("{") and "\n" in text.strip() else None
        if records is None:
            what = f"is not valid JSON ({error.msg})."
            raise DataError(f"{path}, line {error.lineno}", what, "Look for a missing comma, bracket or quote.") from None
        return _columns([row for _, row in records]), [number for number, _ in records], "line"
    except (ValueError, RecursionError) as error:
        raise _absurd(str(path), error) from None
    return _from_value(path, data)


def columns_of_lines(path: Path, text: str) -> tuple[Columns, Sequence[int], str]:
    """As `columns_of_json`, of a file with one record a line."""
    if text.lstrip().startswith("["):
        return columns_of_json(path, text)
    records = list(_lines(path, text))
    return _columns([row for _, row in records]), [number for number, _ in records], "line"


def _lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            remedy = "Write one whole record on every line."
            raise DataError(f"{path}, line {number}", f"is not valid JSON ({error.msg}).", remedy) from None
        except (ValueError, RecursionError) as error:
            raise _absurd(f"{path}, line {number}", error) from None
        if not isinstance(record, dict):
            what = f"is {type(record).__name__}, not a record with named fields."
            raise DataError(f"{path}, line {number}", what, 'Write records such as {"text": "...", "label": "..."}.')
        yield number, record


def _absurd(where: str, error: Exception) -> DataError:
    """The message for what JSON allows and no table has: lists in lists without end, numbers of thousands of digits."""
    what = "is nested too deeply." if isinstance(error, RecursionError) else "holds a number of too many digits."
    return DataError(where, what, "Write records of plain values.")


def _from_value(path: Path, data: Any) -> tuple[Columns, Sequence[int], str]:
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        records = [value for value in lists if value and all(isinstance(row, dict) for row in value)]
        if len(lists) == len(data) > 1 and not records and len({len(value) for value in lists}) == 1:
            return dict(data), range(1, len(lists[0]) + 1), "row"
        if len(records) == 1:
            data = records[0]
        elif len(data) > 1 and all(_is_plain(value) for value in data.values()):
            data = [data]
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        out = str(path.with_suffix(".jsonl"))
        example = f"`pandas.read_json({str(path)!r}).to_json({out!r}, orient='records', lines=True)`"
        raise DataError(
            str(path), "is no list of records.", f'Write [{{"text": ..., "label": ...}}, ...], for example by {example}.'
        )
    return _columns(data), range(1, len(data) + 1), "row"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _columns(records: Sequence[Mapping[str, Any]]) -> Columns:
    flat = [dict(_flat(record)) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    return {name: [record.get(name) for record in flat] for name in names}


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value

"""Files that are no table, and how to make one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SUFFIXES = (".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson")
"""Endings of tables, each also with .gz behind it; others need `delimiter=`."""

KNOWN = f"Known: {', '.join(SUFFIXES)}, each also with .gz, or a folder written by save_to_disk."

_PANDAS = {
    ".xlsx": "pandas.read_excel({0!r}).to_csv({1!r}, index=False)",
    ".ods": "pandas.read_excel({0!r}).to_csv({1!r}, index=False)",
    ".pkl": "pandas.read_pickle({0!r}).to_csv({1!r}, index=False)",
    ".xml": "pandas.read_xml({0!r}, parser='etree').to_csv({1!r}, index=False)",
    ".feather": "pandas.read_feather({0!r}).to_csv({1!r}, index=False)",
    ".sav": "pandas.read_spss({0!r}).to_csv({1!r}, index=False)",
    ".dta": "pandas.read_stata({0!r}).to_csv({1!r}, index=False)",
    ".html": "pandas.read_html({0!r})[0].to_csv({1!r}, index=False)",
    ".db": "pandas.read_sql('SELECT * FROM ' + TABLE, sqlite3.connect({0!r})).to_csv({1!r}, index=False)",
}
_LIKE = {
    **{".xls": ".xlsx", ".xlsm": ".xlsx", ".pickle": ".pkl", ".p": ".pkl", ".arrow": ".feather", ".htm": ".html"},
    **{".sqlite": ".db", ".sqlite3": ".db"},
}
_PACKED = (".zip", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".7z", ".rar")
_TAGGED = (".conll", ".conllu", ".conllx", ".iob", ".iob2", ".bio")


def suffix_of(path: str | Path) -> str:
    """The ending of a file's name in lower case, without .gz."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def advice(path: str | Path, delimiter: str | None) -> str:
    """How to make a table of a file with such a name; "" for one that is a table, or that may be."""
    suffix = suffix_of(path)
    plain = Path(path).name.lower()
    if plain.endswith((*_PACKED, ".tar.gz")):
        return "Unpack it, and name the file inside."
    code = _PANDAS.get(_LIKE.get(suffix, suffix))
    if code is not None:
        caution = " (a pickle runs code: only one of your own)" if _LIKE.get(suffix, suffix) == ".pkl" else ""
        return f"Convert it{caution}: `{code.format(str(path), str(Path(path).with_suffix('.csv')))}`. {KNOWN}"
    if suffix in _TAGGED:
        return f"For a tag on every word write `TokenTask({str(path)!r}, name=...)`. {KNOWN}"
    if suffix in (*SUFFIXES, "") or delimiter is not None:
        return ""
    if suffix == ".txt":
        return f"Write delimiter= for columns in it, or (texts, labels) for two files with a line for each row. {KNOWN}"
    return f"Write delimiter= if it is a table of text. {KNOWN}"


def folder_advice(place: Path) -> str:
    """How to name what is in a folder that `save_to_disk` did not write."""
    saved = sorted(index.parent.name for index in place.glob("*/dataset_*.json"))
    if saved:
        return f"It holds saved data: name {str(place / saved[0])!r}" + (f", or {', '.join(saved[1:])}." if saved[1:] else ".")
    tables = sorted(path for path in place.iterdir() if path.is_file() and suffix_of(path) in SUFFIXES)
    if tables:
        return f"It holds {_some([path.name for path in tables])}: name one, such as {str(tables[0])!r}."
    texts = sorted({path.parent.name for path in place.glob("*/*.txt")})
    if texts:
        out = str(place.with_suffix(".csv"))
        rows = "[(path.read_text(encoding='utf-8'), path.parent.name)"
        rows += f" for path in sorted(pathlib.Path({str(place)!r}).glob('*/*.txt'))]"
        code = f"pandas.DataFrame({rows}, columns=['text', 'label']).to_csv({out!r}, index=False)"
        return f"Its folders ({_some(texts)}) look like classes. Make a table of them: `{code}`."
    return f"Files may be {', '.join(SUFFIXES)}, each also with .gz."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

"""Files that a page carries in its own links, so that one HTML file is whole wherever it is sent or moved."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

PLAIN_UP_TO = 8_192
"""Bytes above which a file is carried compressed: pandas and R read `.csv.gz`, drawing programs `.svgz`."""

TYPES = {
    **{".csv": "text/csv", ".md": "text/markdown", ".bib": "text/x-bibtex"},
    **{".svg": "image/svg+xml", ".pdf": "application/pdf"},
}


@dataclass(frozen=True)
class Download:
    """A link that holds a file: its `data:` URI and the name under which a browser saves it."""

    href: str
    filename: str


def download(path: str, content: bytes) -> Download:
    """A PDF, or a UTF-8 file that is gzipped where it is long, as a link. Equal contents give equal links.

    >>> download("tables/scores.csv", b"n,value\\n")
    Download(href='data:text/csv;charset=utf-8;base64,bix2YWx1ZQo=', filename='scores.csv')
    >>> download("figures/timeline.svg", b" " * 10_000).filename
    'timeline.svgz'
    """
    place = PurePosixPath(path)
    if place.suffix == ".pdf":
        return Download(f"data:{TYPES[place.suffix]};base64,{_base64(content)}", place.name)
    if len(content) <= PLAIN_UP_TO:
        return Download(f"data:{TYPES[place.suffix]};charset=utf-8;base64,{_base64(content)}", place.name)
    filename = place.with_suffix(".svgz").name if place.suffix == ".svg" else f"{place.name}.gz"
    return Download(f"data:application/gzip;base64,{_base64(gzip.compress(content, 9, mtime=0))}", filename)


def downloads(files: Mapping[str, bytes]) -> dict[str, Download]:
    """The links that hold these files, by path."""
    return {path: download(path, content) for path, content in files.items()}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")

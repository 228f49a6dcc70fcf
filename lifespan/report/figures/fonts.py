"""Fonts of figures: which of them have the characters that names are written with."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

MAIN = "DejaVu Sans"
"""Comes with matplotlib; has Latin, Greek, Cyrillic, Arabic and Hebrew letters."""
FALLBACKS = (
    *("Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Noto Sans TC", "Noto Sans CJK SC", "Noto Sans CJK JP"),
    *("Noto Sans CJK KR", "Noto Sans CJK TC", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *(
        "Droid Sans Fallback",
        "IPAGothic",
        "IPAexGothic",
        "TakaoGothic",
        "NanumGothic",
        "Noto Sans Devanagari",
        "Noto Sans Thai",
    ),
    *("PingFang SC", "Hiragino Sans", "Hiragino Sans GB", "Apple SD Gothic Neo", "Heiti SC", "Arial Unicode MS"),
    *("Microsoft YaHei", "SimHei", "SimSun", "Yu Gothic", "MS Gothic", "Malgun Gothic", "Unifont"),
)
"""Fonts of other scripts, asked in this order where they are installed."""


def lacking(texts: Iterable[str]) -> str:
    """The characters of these texts that no installed font of a figure has, each once, in order."""
    wanted = dict.fromkeys(character for text in texts for character in text if character.isprintable())
    return "".join(character for character in wanted if not any(_has(font, character) for font in (MAIN, *FALLBACKS)))


def give_fonts(figure: Artist) -> None:
    """Give every text of a figure, or of its part, fonts that have its characters; texts in the main font stay as they are."""
    for text in figure.findobj(Text):
        odd = [character for character in text.get_text() if character.isprintable() and not _has(MAIN, character)]
        fonts = [font for font in FALLBACKS if any(_has(font, character) for character in odd)]
        if fonts:
            text.set_fontfamily([MAIN, *fonts])


@contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Inside this block matplotlib says nothing of characters that a font lacks; `lacking` tells them once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
        yield


def _has(font: str, character: str) -> bool:
    return ord(character) in _characters(font)


@cache
def _characters(font: str) -> frozenset[int]:
    """Code points of an installed font; none of one that is not installed."""
    path = next((entry.fname for entry in font_manager.fontManager.ttflist if entry.name == font), None)
    return frozenset() if path is None else frozenset(FT2Font(path).get_charmap())

"""What a stranger's `tokenizer.json` may hold: known components, few of each, none that makes much out of little text.

A tokenizer is data, but data that computes: normalizers that each double a text fill the memory with a sentence, and a pattern
with one repetition inside another runs for ever. Both are seen before the tokenizer is made.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lifespan.packs.format import refuse, refusing

LARGEST = 2**25
"""Bytes of a `tokenizer.json`; that of XLM-R, with 250,000 words, has 17 million."""
MOST_BRACKETS = 2**20
"""Lists and objects in it: each takes some 100 bytes once it is read, however short it is written."""
MOST_WORDS, MOST_ADDED, MOST_STEPS, DEEPEST = 2**20, 2**14, 16, 4
LARGEST_GROWTH = 1024
"""How many times as long as the text all normalizers together may make it. Unicode's own forms make 18 of one."""
LONGEST_WORD = 1000
_GROUP = re.compile(r"\((?:\?[a-z-]*[:=!>])?([^()]*)\)([*+]|\{\d*,?\d*\})?")
LONGEST_PATTERN, MOST_REPETITIONS, MOST_TIMES = 1000, 3, 100

INSIDE = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "post_processor": "processors", "decoder": "decoders"}
KNOWN = {
    "normalizer": {
        **dict.fromkeys(("StripAccents", "Strip", "Nmt"), 1),
        **dict.fromkeys(("BertNormalizer", "Lowercase", "NFC"), 3),
        **{"ByteLevel": 4, "NFD": 4, "NFKC": 18, "NFKD": 18, "Precompiled": 0, "Prepend": 0, "Replace": 0},
    },
    "pre_tokenizer": dict.fromkeys(
        (
            *("BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength", "Metaspace", "Punctuation"),
            *("Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit"),
        ),
        1,
    ),
    "post_processor": dict.fromkeys(("BertProcessing", "ByteLevel", "RobertaProcessing", "TemplateProcessing"), 1),
    "decoder": dict.fromkeys(
        ("BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "Fuse", "Metaspace", "Replace", "Strip", "WordPiece"), 1
    ),
}
"""Components by their place, with how many characters a normalizer makes of one at most; 0: it depends on its settings."""
MODELS = ("BPE", "Unigram", "WordLevel", "WordPiece")


def check_tokenizer(content: bytes, path: Path) -> None:
    """Refuse a `tokenizer.json` with what reading text does not need, or what could take memory or time without end."""
    if len(content) > LARGEST:
        refuse(path, f"is larger than {LARGEST} bytes.")
    if content.count(b"[") + content.count(b"{") > MOST_BRACKETS:
        refuse(path, f"has more than {MOST_BRACKETS} lists and objects.")
    with refusing(path, "is no tokenizer"):
        data = json.loads(content.decode("utf-8"))
    if not isinstance(data, dict):
        refuse(path, "is no tokenizer (it is no object).")
    for key in ("truncation", "padding"):
        if data.get(key) is not None:
            refuse(path, f"has settings for {key}, which a pack leaves to every call.")
    for place in KNOWN:
        _check_steps(place, list(_steps(place, data.get(place), path, 0)), path)
    _check_added(data.get("added_tokens", []), path)
    _check_model(data.get("model"), path)


def _steps(place: str, component: Any, path: Path, depth: int) -> Iterator[Mapping[str, Any]]:
    """The components of one place, those inside sequences one by one."""
    if component is None:
        return
    if not isinstance(component, dict) or depth > DEEPEST:
        refuse(path, f"its {place} is no component, or is nested too deeply.")
    if component.get("type") != "Sequence":
        yield component
        return
    inside = component.get(INSIDE[place])
    if not isinstance(inside, list) or len(inside) > MOST_STEPS:
        refuse(path, f"its {place} must be a sequence of at most {MOST_STEPS} components.")
    for one in inside:
        yield from _steps(place, one, path, depth + 1)


def _check_steps(place: str, steps: list[Mapping[str, Any]], path: Path) -> None:
    if len(steps) > MOST_STEPS:
        refuse(path, f"its {place} has {len(steps)} components; at most {MOST_STEPS} are needed.")
    growth = 1
    for step in steps:
        kind = step.get("type")
        if not isinstance(kind, str) or kind not in KNOWN[place]:
            refuse(path, f"its {place} has a component {str(kind)[:40]!r}, which is not known here.")
        if "pattern" in step:
            _check_pattern(step["pattern"], path)
        _check_sizes(step, path)
        growth *= (KNOWN[place][kind] or _growth(step, path)) if place == "normalizer" else 1
    if growth > LARGEST_GROWTH:
        refuse(path, f"its normalizer could make a text {growth} times as long; at most {LARGEST_GROWTH} times is allowed.")


def _check_sizes(step: Mapping[str, Any], path: Path) -> None:
    """Short texts and small numbers in a component; the table of `Precompiled` alone is long."""
    for key, value in step.items():
        if key == "precompiled_charsmap":
            continue
        if len(json.dumps(value)) > 4 * LONGEST_PATTERN:
            refuse(path, f"its component {step.get('type')!r} has a long {str(key)[:40]!r}.")


def _growth(step: Mapping[str, Any], path: Path) -> int:
    """How many characters `Replace`, `Prepend` or `Precompiled` make of one, at most."""
    if step["type"] == "Precompiled":
        return _longest_mapped(step.get("precompiled_charsmap"), path)
    written = step.get("content" if step["type"] == "Replace" else "prepend", "")
    if not isinstance(written, str):
        refuse(path, f"its component {step['type']!r} has no text to write.")
    text = step.get("pattern", {}).get("String") if step["type"] == "Replace" else None
    return max(1, -(-len(written) // len(text))) if text else 1 + len(written)


def _longest_mapped(table: Any, path: Path) -> int:
    """The longest text in the table of a `Precompiled` normalizer: a size, a trie of that size, then texts that end with 0."""
    try:
        data = base64.b64decode(table, validate=True)
    except (TypeError, ValueError, binascii.Error):
        refuse(path, "its table of characters is not base64.")
    start = 4 + int.from_bytes(data[:4], "little")
    return max(1, *(len(text) for text in data[start:].split(b"\0"))) if start <= len(data) else LARGEST_GROWTH + 1


def _check_pattern(pattern: Any, path: Path) -> None:
    if not isinstance(pattern, dict) or len(pattern) != 1:
        refuse(path, "has a pattern that is neither a text nor an expression.")
    ((kind, text),) = pattern.items()
    if kind not in ("String", "Regex") or not isinstance(text, str) or not 0 < len(text) <= LONGEST_PATTERN:
        refuse(path, f"has a pattern that is no text of 1 to {LONGEST_PATTERN} characters.")
    why = hazard(text) if kind == "Regex" else ""
    if why:
        refuse(path, f"has a pattern {text[:60]!r} {why}, which could run for ever.")


def hazard(pattern: str) -> str:
    """Why a regular expression could run for ever, or take much memory; empty where it cannot.

    >>> hazard(r"(a+)+b"), hazard(r" ?\\p{L}+|\\s+(?!\\S)")
    ('with a repetition inside a repetition', '')
    """
    bare = re.sub(r"\\p\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]", "x", pattern, flags=re.IGNORECASE)
    if re.search(r"\\[1-9kg]", pattern) or re.search(r"\(\?[<P(]", bare):
        return "that refers to itself"
    times = [int(number) for found in re.findall(r"\{(\d*),?(\d*)\}", bare) for number in found if number]
    if any(number > MOST_TIMES for number in times):
        return f"with more than {MOST_TIMES} repetitions"
    while (inner := _GROUP.search(bare)) is not None:
        repeats = re.search(r"[*+{]", inner[1]) is not None
        if repeats and inner[2]:
            return "with a repetition inside a repetition"
        bare = bare[: inner.start()] + ("x+" if repeats or inner[2] else "x") + bare[inner.end() :]
    if any(len(re.findall(r"[*+]|\{\d*,\d*\}", branch)) > MOST_REPETITIONS for branch in bare.split("|")):
        return f"with more than {MOST_REPETITIONS} repetitions after each other"
    return ""


def _check_added(added: Any, path: Path) -> None:
    if not isinstance(added, list) or len(added) > MOST_ADDED:
        refuse(path, f"must add a list of at most {MOST_ADDED} tokens.")
    for token in added:
        text = token.get("content") if isinstance(token, dict) else None
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_WORD:
            refuse(path, f"adds a token that is no text of 1 to {LONGEST_WORD} characters.")


def _check_model(model: Any, path: Path) -> None:
    if not isinstance(model, dict) or model.get("type") not in MODELS:
        refuse(path, f"is no tokenizer (its model must be one of {', '.join(MODELS)}).")
    words = model.get("vocab")
    if not isinstance(words, dict | list) or len(words) > MOST_WORDS:
        refuse(path, f"must know at most {MOST_WORDS} words.")
    longest = model.get("max_input_chars_per_word", 100)
    if not isinstance(longest, int) or not 0 < longest <= LONGEST_WORD:
        refuse(path, f"must read words of at most {LONGEST_WORD} characters.")

"""The files of a pack, and their checks.

    pack.json               what is in it, with the size and SHA-256 of every other file and a digest of itself
    config.json             the architecture, in the words of transformers
    tokenizer.json          the tokenizer, in the format of tokenizers
    base.safetensors        the shared weights of the encoder
    alive.mask              the anatomy             language.mask           the mask of language, if there is one
    skill-000.safetensors   a skill's head          skill-000.mask          its mask, if it has one

A pack may come from anyone. Its file names are those above and never read from it, its sizes are checked before anything is
read, its content before anything is made of it; whatever does not hold is one `RecordError`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from lifespan.contracts.spec import digest_of
from lifespan.errors import RecordError

FORMAT = "lifespan-pack"
VERSION = 1
OTHER_HEADS = 2
"""The version of packs with other kinds of heads, which an earlier lifespan would misread."""
MANIFEST = "pack.json"
LARGEST_TEXT, MOST_BRACKETS = 2**24, 2**17
"""Bytes, and lists and objects, of `pack.json` and `config.json`."""
REMEDY = "Copy the pack again, or write it anew with `lifespan export`."
BASES = ("fp32", "bf16", "int8", "int4")
HEADS = ("fp32", "bf16")
PRECISIONS = ("fp32", "bf16")
_OF_A_PACK = re.compile(
    r"(pack|config|tokenizer)\.json|base\.safetensors|(alive|language)\.mask|skill-\d{3,}\.(mask|(adapter\.)?safetensors)"
)
ATTENTIONS = ("eager", "sdpa", "lifespan")


@dataclass(frozen=True)
class SkillFacts:
    """What a pack holds of a skill beside its tensors. No `labels`: the answer is a score inside `score_range`.

    `rank` is that of its adapter's factors, 0 without one. `head` is the data of its head (`Head.to_data`); None: classes,
    or a score where there are no `outputs`. `pairs` says whether it reads pairs of sentences; None: unknown.
    """

    title: str
    outputs: int
    plasticity: str
    masked: bool
    labels: tuple[str, ...]
    score_range: tuple[float, float]
    rank: int = 0
    head: Mapping[str, Any] | None = field(default=None, hash=False)
    pairs: bool | None = None


@dataclass(frozen=True)
class Manifest:
    """The content of `pack.json`. `words` are the settings of the tokenizer, `origin` free facts of where it comes from."""

    title: str
    base: str
    heads: str
    precision: str
    attention: str
    age: int
    skills: tuple[SkillFacts, ...]
    language: bool
    words: Mapping[str, Any]
    origin: Mapping[str, Any]

    @property
    def files(self) -> list[str]:
        """Names of the files beside `pack.json`, in the order in which they are read."""
        names = ["config.json", "tokenizer.json", "base.safetensors", "alive.mask"]
        names += ["language.mask"] if self.language else []
        for number, skill in enumerate(self.skills):
            names += [head_file(number), *([mask_file(number)] if skill.masked else [])]
            names += [adapter_file(number)] if skill.rank else []
        return names


def head_file(number: int) -> str:
    """The file of a skill's head.

    >>> head_file(0), mask_file(12)
    ('skill-000.safetensors', 'skill-012.mask')
    """
    return f"skill-{number:03d}.safetensors"


def mask_file(number: int) -> str:
    """The file of a skill's mask."""
    return f"skill-{number:03d}.mask"


def adapter_file(number: int) -> str:
    """The file of a skill's adapter."""
    return f"skill-{number:03d}.adapter.safetensors"


@dataclass(frozen=True)
class Opened:
    """A pack whose manifest was read and is valid."""

    folder: Path
    manifest: Manifest
    sums: Mapping[str, tuple[int, str]]

    def read(self, name: str, most: int | None = None) -> bytes:
        """A file's bytes, of which there may be so many, after its size and checksum."""
        path = self.folder / name
        size, sha = self.sums[name]
        try:
            if not path.is_file():
                refuse(path, "is missing from the pack.")
            if path.stat().st_size != size:
                refuse(path, f"has {path.stat().st_size} bytes where the pack says {size}.")
            if most is not None and size > most:
                refuse(path, f"has {size} bytes; a pack like this has at most {most}.")
            data = path.read_bytes()
        except OSError as error:
            refuse(path, f"cannot be read ({error.strerror}).")
        if hashlib.sha256(data).hexdigest() != sha:
            refuse(path, "does not have the content that the pack says (its checksum differs).")
        return data


def refuse(where: object, what: str, remedy: str = REMEDY) -> NoReturn:
    """Raise the one kind of error that a pack causes."""
    raise RecordError(str(where), what, remedy)


@contextmanager
def refusing(where: object, what: str) -> Iterator[None]:
    """Inside this block any error of a library about content becomes one `RecordError`."""
    try:
        yield
    except RecordError:
        raise
    except BaseException as error:
        # Libraries in Rust panic with an exception that is not an Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise RecordError(str(where), f"{what} ({first}).", REMEDY) from None


def open_pack(folder: str | Path) -> Opened:
    """Read and check a pack's manifest. Raises `RecordError` for whatever is not as a pack has it."""
    place = Path(folder)
    path = place / MANIFEST
    if not place.is_dir():
        refuse(place, "there is no such pack.", "`lifespan export DIR` writes one.")
    if not path.is_file():
        refuse(place, f"is no pack: it has no {MANIFEST}.", "`lifespan export DIR` writes one.")
    with refusing(path, "cannot be read"):
        if path.stat().st_size > LARGEST_TEXT:
            refuse(path, f"is larger than {LARGEST_TEXT} bytes.")
        data = parsed(path.read_bytes(), path)
        if data.get("format") != FORMAT:
            refuse(path, f"is not of a pack: its format is not {FORMAT!r}.", "`lifespan export DIR` writes one.")
        read, where = _version(data)
        if data.get("version") != read:
            refuse(
                path, f"has version {data.get('version')!r}; this lifespan reads {read}{where}.", "Install another lifespan."
            )
        said = data.pop("digest", None)
        if said != digest_of(data):
            refuse(path, "was changed after it was written (its digest differs).")
        manifest = _manifest(data, path)
        return Opened(place, manifest, _sums(data, manifest, path))


def parsed(data: bytes, path: Path) -> dict[str, Any]:
    """A JSON object, or a `RecordError`. NaN and infinities are no JSON."""
    if len(data) > LARGEST_TEXT or data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
        refuse(path, f"is larger than {LARGEST_TEXT} bytes, or has more than {MOST_BRACKETS} lists and objects.")
    with refusing(path, "is not valid JSON"):
        content = json.loads(data.decode("utf-8"), parse_constant=_not_json)
    if not isinstance(content, dict):
        refuse(path, "must hold a JSON object.")
    return content


def seal(manifest: Manifest, contents: Mapping[str, bytes], made: Mapping[str, str]) -> bytes:
    """The bytes of `pack.json` for a manifest and the other files' contents."""
    skills = [
        {
            "title": skill.title,
            "outputs": skill.outputs,
            "plasticity": skill.plasticity,
            "masked": skill.masked,
            "labels": list(skill.labels),
            "score_range": list(skill.score_range),
            **({"rank": skill.rank} if skill.rank else {}),
            **({"head": dict(skill.head)} if skill.head is not None else {}),
            **({"pairs": skill.pairs} if skill.pairs is not None else {}),
        }
        for skill in manifest.skills
    ]
    files = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in contents.items()}
    simple = ("title", "base", "heads", "precision", "attention", "age", "language")
    data = {
        "format": FORMAT,
        "version": VERSION if all(skill.head is None for skill in manifest.skills) else OTHER_HEADS,
        **{name: getattr(manifest, name) for name in simple},
        "skills": skills,
        "tokenizer": dict(manifest.words),
        "origin": dict(manifest.origin),
        "made": dict(made),
        "files": files,
    }
    return json.dumps({**data, "digest": digest_of(data)}, ensure_ascii=False, allow_nan=False, indent=1).encode()


def check_place(folder: Path, *, force: bool) -> None:
    """Raise `RecordError` unless a pack may be written here: other files are never replaced, a pack only with `force`."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise RecordError(str(folder), "is a file, not a folder.", "Choose another --out.")
    if not _is_pack(folder):
        raise RecordError(str(folder), "holds other files and is no pack.", "Choose a new or empty folder with --out.")
    if not force:
        raise RecordError(str(folder), "holds a pack already.", "Add --force to replace it, or choose another --out.")
    other = _foreign(folder)
    if other:
        what = f"holds a pack, and beside it {', '.join(other[:3])}, which is no file of a pack."
        raise RecordError(str(folder), what, "Move it elsewhere, or choose another --out.")


def write_folder(folder: Path, contents: Mapping[str, bytes], *, force: bool) -> None:
    """Write all files to a temporary folder beside `folder` and rename it, so that there is a whole pack or none."""
    from lifespan.record.files import write_bytes

    check_place(folder, force=force)
    # A link to a pack stays: what it leads to is replaced.
    folder = folder.resolve()
    mark = f"{folder.name[:100]}.{secrets.token_hex(8)}"
    fresh, old = folder.with_name(f".{mark}.new"), folder.with_name(f".{mark}.old")
    try:
        for name, data in contents.items():
            write_bytes(fresh / name, data)
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(fresh, folder)
        except BaseException:
            if old.exists():
                os.replace(old, folder)
            raise
    except OSError as error:
        raise RecordError(str(folder), f"cannot be written ({error.strerror}).", "Choose another --out.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if old.exists() and not _foreign(old):
        shutil.rmtree(old, ignore_errors=True)


def _version(data: Mapping[str, Any]) -> tuple[int, str]:
    """The version that a manifest of such content must have, and where that is so."""
    skills = data.get("skills")
    other = isinstance(skills, list) and any(isinstance(entry, dict) and "head" in entry for entry in skills)
    return (OTHER_HEADS, " where heads are of other kinds") if other else (VERSION, "")


def _foreign(folder: Path) -> list[str]:
    """What in a pack's folder is no file of a pack."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_symlink() or not path.is_file() or not _OF_A_PACK.fullmatch(path.name)
    )


def _is_pack(folder: Path) -> bool:
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def _manifest(data: Mapping[str, Any], path: Path) -> Manifest:
    entries = _field(data, "skills", list, path)
    if not 0 < len(entries) <= 999:
        refuse(path, f"has {len(entries)} skills; a pack has 1 to 999.")
    skills = tuple(_skill(entry, path) for entry in entries)
    if len({skill.title for skill in skills}) < len(skills):
        refuse(path, "names a skill twice.")
    return Manifest(
        title=_field(data, "title", str, path),
        base=_one_of(data, "base", BASES, path),
        heads=_one_of(data, "heads", HEADS, path),
        precision=_one_of(data, "precision", PRECISIONS, path),
        attention=_one_of(data, "attention", ATTENTIONS, path),
        age=_count(data, "age", path),
        skills=skills,
        language=_field(data, "language", bool, path),
        words=_field(data, "tokenizer", dict, path),
        origin=_field(data, "origin", dict, path),
    )


def _skill(entry: Any, path: Path) -> SkillFacts:
    if not isinstance(entry, dict):
        refuse(path, "each of its 'skills' must be an object.")
    outputs = _count(entry, "outputs", path)
    labels = _field(entry, "labels", list, path)
    bounds = _field(entry, "score_range", list, path)
    head = _field(entry, "head", dict, path) if "head" in entry else None
    fitting = len(labels) == outputs or head is not None
    if not fitting or not all(isinstance(label, str) for label in labels):
        refuse(path, f"a skill with {outputs} outputs must have as many 'labels', each a text.")
    numbers = all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds)
    if len(bounds) != 2 or not numbers:
        refuse(path, "a skill's 'score_range' must be two numbers.")
    return SkillFacts(
        title=_field(entry, "title", str, path),
        outputs=outputs,
        plasticity=_field(entry, "plasticity", str, path),
        masked=_field(entry, "masked", bool, path),
        labels=tuple(labels),
        score_range=(float(bounds[0]), float(bounds[1])),
        rank=_count(entry, "rank", path) if "rank" in entry else 0,
        head=head,
        pairs=_field(entry, "pairs", bool, path) if "pairs" in entry else None,
    )


def _sums(data: Mapping[str, Any], manifest: Manifest, path: Path) -> dict[str, tuple[int, str]]:
    files = _field(data, "files", dict, path)
    odd = sorted(set(files) ^ set(manifest.files))
    if odd:
        refuse(path, f"names files that a pack like this does not have, or lacks one that it has ({odd[0]!r}).")
    sums = {}
    for name, entry in files.items():
        if not isinstance(entry, dict):
            refuse(path, "each of its 'files' must be an object.")
        sums[name] = (_count(entry, "bytes", path), _field(entry, "sha256", str, path))
    return sums


def _field(data: Mapping[str, Any], key: str, kind: type, path: Path) -> Any:
    value = data.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        kinds = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "an object"}
        refuse(path, f"its {key!r} must be {kinds[kind]}.")
    return value


def _count(data: Mapping[str, Any], key: str, path: Path) -> int:
    value: int = _field(data, key, int, path)
    if not 0 <= value < 2**63:
        refuse(path, f"its {key!r} must be at least 0 and below 2**63.")
    return value


def _one_of(data: Mapping[str, Any], key: str, known: tuple[str, ...], path: Path) -> str:
    value: str = _field(data, key, str, path)
    if value not in known:
        refuse(path, f"its {key!r} must be one of {', '.join(known)}.")
    return value


def _not_json(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")

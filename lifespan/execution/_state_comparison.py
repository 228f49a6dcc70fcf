"""What two states of a step are apart by, tensor by tensor, and two tables of outputs, column by column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from lifespan.errors import RecordError
from lifespan.record.differences import Difference
from lifespan.record.examples import read_parquet
from lifespan.record.files import sha_of
from lifespan.record.store import IN_THE_WAY, Store

LIVED = "lived again"
COUNTS = ("optimizer_steps", "examples", "tokens", "facts")


@dataclass(frozen=True)
class Standard:
    """What counts as equal: bits, or values within `tolerance` where something that decides about the last bits is `apart`."""

    apart: bool
    tolerance: float

    def close(self, one: object, other: object) -> bool:
        """Whether two values are within the tolerance, absolute or relative to the larger one."""
        if not self.apart or not all(isinstance(each, int | float) for each in (one, other)):
            return False
        return math.isclose(float(one), float(other), rel_tol=self.tolerance, abs_tol=self.tolerance)  # type: ignore[arg-type]


@dataclass
class Comparison:
    """How one step, or one comparison of lives, compares: rows of the tables that are equal, and all that differs.

    `close` tells that something is equal within the tolerance alone; `why`, that nothing could be compared.
    """

    rows: int = 0
    rows_compared: int = 0
    close: bool = False
    differences: list[Difference] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    why: str = ""


def compare_state(
    store: Store, lived: Store, before: Mapping[str, Any], now: Mapping[str, Any], standard: Standard, found: Comparison
) -> None:
    """Compare the counts, facts and tensors of a step that was lived again with the recorded ones."""
    name = f"{before['event']}, {before['digest'][:12]}"
    for key in COUNTS:
        if before[key] != now[key]:
            found.differences.append(Difference("store", 0, f"{name}: {key}", str(before[key]), str(now[key]), LIVED))
    for group, blob in before["blobs"].items():
        path = store.root / "blobs" / f"{blob}.safetensors"
        if path.is_file() and sha_of(path) != blob:
            what = f"{name}: state, {group}"
            found.differences.append(
                Difference(str(path.name), 0, what, "damaged", "its content is not its checksum's", "store")
            )
    if before["blobs"] == now["blobs"] or found.differences:
        return
    try:
        parts = list(_states_apart(store, lived, before, now))
    except RecordError:
        parts = [("", float("inf"), "other checksums; the recorded tensors are not at hand")]
    for tensor, distance, told in parts:
        if standard.apart and distance <= standard.tolerance:
            found.close = True
        else:
            found.differences.append(Difference("store", 0, f"{name}: {tensor}", "state", told, LIVED))


def compare_outputs(
    store: Store, lived: Store, digest: str, looks: Sequence[str], standard: Standard, found: Comparison
) -> None:
    """Outputs for every example, where a probe kept them."""
    for look in looks:
        before, now = store.bulk(digest, look), lived.bulk(digest, look)
        if before is None or now is None or sha_of(before) == sha_of(now):
            continue
        for column, told in _columns_apart(before, now, standard, found):
            what = f"outputs of an evaluation of {digest[:12]}: {column}"
            found.differences.append(Difference(before.name, 0, what, "a column", told, LIVED))


def _columns_apart(before: Path, now: Path, standard: Standard, found: Comparison) -> Iterator[tuple[str, str]]:

    one, other = read_parquet(before, IN_THE_WAY), read_parquet(now, IN_THE_WAY)
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        yield "all", f"{len(other):,} rows and {len(other.columns)} columns, not {len(one):,} and {len(one.columns)}"
        return
    for column in one.columns:
        if one[column].equals(other[column]):
            continue
        pairs = zip(one[column].tolist(), other[column].tolist(), strict=True)
        wrong = sum(a != b and not (a != a and b != b) and not standard.close(a, b) for a, b in pairs)
        found.close = True
        if wrong:
            yield column, f"{wrong:,} of {len(one):,} rows differ"


def _states_apart(
    recorded: Store, lived: Store, before: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[str, float, str]]:
    """(group/tensor, how far apart relative to its norm, in words) of every tensor that differs between two nodes.

    Boolean masks are apart by the share of their entries that differ; tensors of other names or shapes by infinity.
    """
    _, theirs = recorded.load_state(before["digest"])
    _, own = lived.load_state(now["digest"])
    for group in dict.fromkeys([*theirs, *own]):
        one, other = theirs.get(group, {}), own.get(group, {})
        for name in dict.fromkeys([*one, *other]):
            a, b = one.get(name), other.get(name)
            if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
                yield f"{group}/{name}", float("inf"), "another shape, or there is no such tensor"
            elif not _same_bits(a, b):
                yield f"{group}/{name}", _distance(a, b), _apart_in_words(a, b)


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.equal(*(each.contiguous().reshape(-1).view(torch.uint8) for each in (a, b)))


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    if a.dtype is torch.bool:
        return float((a != b).double().mean())
    found = float((a.double() - b.double()).norm() / a.double().norm().clamp_min(1e-30))
    return found if found == found else float("inf")


def _apart_in_words(a: torch.Tensor, b: torch.Tensor) -> str:
    count = int((a != b).sum())
    largest = float((a.double() - b.double()).abs().max()) if a.numel() else 0.0
    return f"{count:,} of {a.numel():,} entries differ, by {largest:.3g} at most"

"""What verifying a record found, and the verdict in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lifespan.record.differences import Difference


@dataclass(frozen=True)
class Count:
    """Of one kind of thing, how many were to be lived again, and how many are equal: bit for bit, or within the tolerance."""

    asked: int
    exact: int
    close: int

    @property
    def equal(self) -> int:
        """How many are equal either way."""
        return self.exact + self.close


@dataclass(frozen=True)
class Verification:
    """What verifying a record found.

    `steps` and `pairs` (comparisons between lives) were lived again, chosen and begun as `how` says. Of the `rows_compared`
    rows of tables that they made, `rows` are equal; `checked` rows of all tables were compared with the store's sealed
    files. `unverified` has (what, why) of all that could not be lived again, `unchecked` how many rows could not be compared
    with the store, by why; `apart` what decides about last bits and is otherwise here, in words.
    """

    directory: Path
    how: str
    sampled: bool
    maker: str
    tolerance: float
    steps: Count
    pairs: Count
    rows: int
    rows_compared: int
    checked: int
    differences: tuple[Difference, ...]
    unverified: tuple[tuple[str, str], ...]
    unchecked: Mapping[str, int]
    apart: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def code(self) -> int:
        """The exit code: 0 all that was compared is equal, 1 something differs, 2 nothing could be lived again."""
        if self.differences:
            return 1
        return 0 if self.steps.equal + self.pairs.equal else 2

    @property
    def text(self) -> str:
        """The verdict in one sentence, to be cited."""
        sampled = "sampled " if self.sampled else ""
        parts = [f"{self.steps.equal:,} of {counted(self.steps.asked, f'{sampled}step')}"]
        if self.pairs.asked:
            parts.append(f"{self.pairs.equal:,} of {counted(self.pairs.asked, f'{sampled}comparison')} between lives")
        parts.append(f"{self.rows:,} of {counted(self.rows_compared, 'row')}")
        differ = f"; {counted(len(self.differences), 'difference')}" if self.differences else ""
        return f"{', '.join(parts[:-1])} and {parts[-1]} equal{self._standard}; {self.maker}, {self.how}{differ}"

    @property
    def _standard(self) -> str:
        exact, close = self.steps.exact + self.pairs.exact, self.steps.close + self.pairs.close
        if close:
            return f", {exact:,} bit for bit and {close:,} within {self.tolerance:g}"
        return ", bit for bit" if exact else ""


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

"""Verdicts on the hypotheses that a study declared, from its record alone.

Each primary hypothesis is tested on the mean over pairs of twins by one-sided tests, each at half of the level that counts:

- "greater": supported where the mean difference is above 0, refuted where it is below 0, and too small to matter where it is
  below the margin, the smallest difference that counts, which also holds where it is above 0;
- "non-inferior": supported above -margin, refuted below it;
- "below": supported below the margin, refuted above it;
- "equivalent": supported between -margin and margin, refuted outside;
- "ordered", "rising", "falling": `evidence._of_several`.

The level: all primary hypotheses and all looks together give a wrong verdict with a probability of at most .05. Over the
hypotheses by Holm's step-down (Holm 1979; with verdicts on both sides Shaffer 1980), over the looks by the design's bounds,
which start anew at the higher level where a hypothesis is decided (Ye, Li, Liu & Yao 2013). A decision stands: later looks do
not take it back. A look is taken once all of its individuals' lives are over, at those individuals alone.

Pairs in which an individual collapsed count, and a verdict must stand without them, too (`evidence.Evidence`).

A hypothesis is "not testable" where its positive control is seen on none of its tasks, or with fewer pairs than an exact
test would need to reach the level at all. Secondary hypotheses, and those declared when values were measured already, are
tested at .05 each, by themselves: they are no part of the family, and the report says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import pandas as pd

from lifespan.analysis.evidence import Evidence, evidence, on_tasks, scaled, tasks_compared, tasks_seen
from lifespan.analysis.hypotheses import CompletedLives, completed_lives
from lifespan.record.predeclared import Declaration, declarations, substance
from lifespan.record.record import Record
from lifespan.stats.mean_power import least_pairs
from lifespan.stats.sequential import nominal_levels
from lifespan.study.design import FAMILY_ERROR
from lifespan.study.hypotheses import Hypothesis
from lifespan.study.hypothesis_checks import quantities_of

Role = Literal["primary", "secondary", "post hoc"]

TABLE = [
    *("study", "hypothesis", "prediction", "margin", "role", "verdict", "why", "n", "individuals", "estimate", "low", "high"),
    *("p", "level", "look", "looks", "scale", "tasks", "unseen", "dropped"),
    *("collapsed", "others", "others_low", "others_high"),
]

DECIDED = ("supported", "refuted", "too small to matter")
"""Verdicts that stand."""


@dataclass(frozen=True)
class DeclaredVerdict:
    """The verdict on one hypothesis: supported, refuted, too small to matter, undecided or not testable, and what it rests on.

    `look` counts from 1 (0: none was taken yet), `individuals` are those of the look, and of their pairs `evidence.n` have all
    of the values; `level` is the two-sided p that had to be reached. `tasks` were compared; `unseen` are those left out,
    because their positive control was not seen. `why` explains what is undecided or not testable. `dropped` says that a later
    version of the study left the hypothesis out.
    """

    hypothesis: Hypothesis
    role: Role
    verdict: str
    evidence: Evidence
    level: float
    look: int
    individuals: int
    tasks: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    scale: str = "raw"
    why: str = ""
    dropped: bool = False


@dataclass(frozen=True)
class Verdicts:
    """All verdicts of a record, in the order of declaration, with the looks planned and taken.

    `late` are declarations that changed what was predicted when values had been measured.
    """

    study: str
    results: tuple[DeclaredVerdict, ...]
    looks: tuple[int, ...]
    taken: int
    bounds: str
    late: tuple[Declaration, ...] = ()

    @property
    def primary(self) -> tuple[DeclaredVerdict, ...]:
        """Those under the family's one error."""
        return tuple(result for result in self.results if result.role == "primary")

    @property
    def is_decided(self) -> bool:
        """Whether every primary hypothesis is decided, so that no further look is needed."""
        return bool(self.primary) and all(result.verdict in DECIDED for result in self.primary)


def verdicts(record: Record, *, looks: int | None = None) -> Verdicts | None:
    """The verdicts of a record; None where its study never predicted anything. `looks` is the most that are taken."""
    known = declarations(record)
    if not any(each.hypotheses for each in known):
        return None
    before = [each for each in known if each.measured == 0]
    binding = before[-1] if before else replace(known[0], hypotheses=())
    found = _Looks(record, binding if before else known[-1])
    primary = [each for each in binding.hypotheses if not each.secondary]
    results = found.primary(primary, looks)
    beside = [(each, "secondary") for each in binding.hypotheses if each.secondary]
    stated = {substance(each) for each in binding.hypotheses}
    late = [declared for declared in known if declared.measured > 0]
    later = {substance(each): each for declared in late for each in declared.hypotheses}
    beside += [(each, "post hoc") for key, each in later.items() if key not in stated]
    results += [found.beside(each, role, looks) for each, role in beside]  # type: ignore[arg-type]
    kept = {substance(each) for each in known[-1].hypotheses}
    shown = tuple(replace(each, dropped=substance(each.hypothesis) not in kept) for each in results)
    order = {substance(each): place for place, each in enumerate((*binding.hypotheses, *later.values()))}
    shown = tuple(sorted(shown, key=lambda each: order[substance(each.hypothesis)]))
    taken = len(found.reached(looks))
    bounds = "" if found.binding.design is None else found.binding.design.bounds
    return Verdicts(str(record.study.get("name", "")), shown, found.binding.looks, taken, bounds, tuple(late))


def as_table(found: Sequence[Verdicts]) -> pd.DataFrame:
    """Verdicts as a table, a row for each hypothesis: what it says, its role and verdict, and the numbers behind it."""
    rows = [
        {
            **{"study": one.study, "hypothesis": each.hypothesis.description, "prediction": each.hypothesis.prediction},
            **{"margin": each.hypothesis.margin, "role": each.role, "verdict": each.verdict, "why": each.why},
            **{"n": each.evidence.n, "individuals": each.individuals, "estimate": each.evidence.estimate},
            **{"low": each.evidence.low, "high": each.evidence.high, "p": each.evidence.p, "level": each.level},
            **{"look": each.look, "looks": len(one.looks), "scale": each.scale},
            **{"tasks": ", ".join(each.tasks), "unseen": ", ".join(each.unseen), "dropped": each.dropped},
            **{name: getattr(each.evidence, name) for name in ("collapsed", "others", "others_low", "others_high")},
        }
        for one in found
        for each in one.results
    ]
    return pd.DataFrame(rows, columns=TABLE)


@dataclass(frozen=True)
class _Looks:
    """The looks of a record at its own rows."""

    record: Record
    binding: Declaration
    _lives: dict[int, CompletedLives] = field(default_factory=dict, repr=False)

    @cached_property
    def whole(self) -> CompletedLives:
        """All individuals that lived to the end."""
        return completed_lives(self.record)

    @cached_property
    def people(self) -> pd.DataFrame:
        """`participants` with their numbers."""
        return self.record.numbered()

    def lives(self, individuals: int) -> CompletedLives:
        """The first so many individuals of every group."""
        if individuals not in self._lives:
            seeds = set(self.people.loc[self.people["individual"] < individuals, "seed"])
            rows = self.whole.rows[self.whole.rows["seed"].isin(seeds)]
            own = lambda: self.whole.functions[self.whole.functions["seed"].isin(seeds)]  # noqa: E731
            self._lives[individuals] = CompletedLives(rows, self.whole.tasks, own)
        return self._lives[individuals]

    def reached(self, most: int | None = None) -> tuple[int, ...]:
        """The looks, as numbers of individuals, whose individuals' lives are all over, in every group that is compared."""
        compared = {g for each in self.binding.hypotheses for part in quantities_of(each) for g in part.groups}
        people = self.people[self.people["group"].isin(compared) & (self.people["status"] != "pending")]
        over = people.groupby("group")["individual"].agg(set)
        done = [look for look in self.binding.looks if all(set(range(look)) <= over.get(group, set()) for group in compared)]
        return tuple(done if most is None else done[:most])

    def primary(self, hypotheses: Sequence[Hypothesis], most: int | None) -> list[DeclaredVerdict]:
        """Holm's step-down over the hypotheses at each look in turn; what is decided stands."""
        decided: dict[int, DeclaredVerdict] = {}
        last = [self._unseen(each, len(hypotheses)) for each in hypotheses]
        for look in range(1, len(self.reached(most)) + 1):
            last = [decided.get(k) or self._at(each, "primary", look) for k, each in enumerate(hypotheses)]
            for k, level in self._step_down(last, set(decided), look):
                verdict = last[k].evidence.verdict(level)
                last[k] = replace(last[k], verdict=verdict, level=level, why="")
                decided[k] = last[k]
            level = self._level(look, len(hypotheses) - len(decided)) if len(decided) < len(hypotheses) else FAMILY_ERROR
            last = [one if k in decided else self._undecided(one, level) for k, one in enumerate(last)]
        return last

    def beside(self, hypothesis: Hypothesis, role: Role, most: int | None) -> DeclaredVerdict:
        """A secondary or post-hoc hypothesis by itself, on the individuals of the last look taken, or all that there are."""
        reached = self.reached(most)
        individuals = reached[-1] if reached else int(self.people["individual"].max()) + 1 if len(self.people) else 0
        found = self._over(hypothesis, role, len(reached), individuals)
        if found.why or found.evidence.n < least_pairs(FAMILY_ERROR):
            return self._undecided(found, FAMILY_ERROR)
        return replace(found, verdict=found.evidence.verdict(FAMILY_ERROR), level=FAMILY_ERROR)

    def _step_down(self, found: Sequence[DeclaredVerdict], decided: set[int], look: int) -> Iterator[tuple[int, float]]:
        """(place, level) of what this look decides, the smallest p first."""
        left = sorted(set(range(len(found))) - decided, key=lambda k: found[k].evidence.p)
        undecided = len(left)
        for k in left:
            level = self._level(look, undecided)
            if found[k].why or found[k].evidence.n < least_pairs(level):
                continue
            if found[k].evidence.p > level:
                return
            yield k, level
            undecided -= 1

    def _level(self, look: int, hypotheses: int) -> float:
        """The two-sided level of a look where so many hypotheses are undecided."""
        design, alpha = self.binding.design, FAMILY_ERROR / max(1, hypotheses)
        return alpha if design is None else nominal_levels(design.fractions, design.bounds, alpha)[look - 1]

    def _at(self, hypothesis: Hypothesis, role: Role, look: int) -> DeclaredVerdict:
        return self._over(hypothesis, role, look, self.binding.looks[look - 1])

    def _over(self, hypothesis: Hypothesis, role: Role, look: int, individuals: int) -> DeclaredVerdict:
        """The evidence on so many individuals, without a verdict yet; `why` tells where there can be none."""
        lives = self.lives(individuals)
        whole = scaled(hypothesis, lives)
        tasks = tasks_compared(lives, whole)
        seen = tasks_seen(lives, whole, tasks)
        found = evidence(lives, on_tasks(whole, seen) if seen and seen != tasks else whole)
        unseen = tuple(task for task in tasks if task not in seen)
        why = "its positive control is seen on none of its tasks" if tasks and not seen else ""
        scale = whole.first.scale or "raw"
        return DeclaredVerdict(hypothesis, role, "undecided", found, math.nan, look, individuals, seen, unseen, scale, why)

    def _undecided(self, found: DeclaredVerdict, level: float) -> DeclaredVerdict:
        n, least, why = found.evidence.n, least_pairs(level), found.why
        if not why and n < least:
            why = f"{n} of {found.individuals} pairs are complete, and {least} at least are needed at this level"
        if found.role == "primary" and found.look < len(self.binding.looks):
            next_look = f"the next look is at {self.binding.looks[found.look]} individuals"
            return replace(found, verdict="undecided", level=level, why="; ".join(filter(None, (why, next_look))))
        return replace(found, verdict="not testable" if why else "undecided", level=level, why=why)

    def _unseen(self, hypothesis: Hypothesis, family: int) -> DeclaredVerdict:
        """A primary hypothesis before its first look."""
        first, level = self.binding.looks[0], self._level(1, family)
        least = least_pairs(self._level(len(self.binding.looks), 1))
        if self.binding.looks[-1] < least:
            why = f"{self.binding.looks[-1]} individuals are planned, and {least} at least are needed"
            return DeclaredVerdict(hypothesis, "primary", "not testable", Evidence(0), level, 0, 0, why=why)
        why = f"the lives of the first {first} individuals are not all over yet"
        return DeclaredVerdict(hypothesis, "primary", "undecided", Evidence(0), level, 0, 0, why=why)

"""The golden outcomes: what every built-in class did when its `revision` was last raised, and what to do where it differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden import cases
from golden.cases import Lived
from golden.summaries import Outcome, differences, rounded, spread, tolerance

FILE = Path(__file__).parent / "outcomes.json"
RENEW = "python tests/golden/make_outcomes.py"
HAIRS = (1, 2)
MARGIN = 4.0
"""A number that a perturbation moves may be off by so many times as much."""

Golden = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Now:
    """What a class does as the code stands; a function has no revision (0)."""

    name: str
    revision: int
    defaults: Mapping[str, Any]
    uses: tuple[str, ...]
    lived: Lived


def names() -> list[str]:
    """Classes and functions that must have a golden outcome."""
    return [*sorted(cases.kinds()), *cases.functions()]


def now(name: str) -> Now:
    """Live what has this name."""
    kind = cases.kinds().get(name)
    lived = cases.lived(name)
    if kind is None:
        return Now(name, 0, {}, (), lived)
    return Now(name, kind.revision, cases.defaults(kind), tuple(lived.uses(name)), lived)


def read() -> Golden:
    """The golden outcomes by name."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def write(golden: Golden) -> None:
    """Keep golden outcomes, one line for each value, in the order of names."""
    FILE.write_text(_text({name: golden[name] for name in sorted(golden)}), encoding="utf-8")


def entry(found: Now, apart: Iterable[Outcome]) -> dict[str, Any]:
    """A golden outcome; `apart` are those of lives that began a hair apart, to see which numbers rounding can move."""
    wider: dict[str, float] = {}
    for other in apart:
        for name, far in spread(found.lived.outcome, other).items():
            if MARGIN * far > tolerance(name, found.lived.outcome[name]):
                wider[name] = float(f"{max(wider.get(name, 0.0), MARGIN * far):.3g}")
    kept = {"revision": found.revision, "defaults": dict(found.defaults), "uses": list(found.uses)}
    return {**kept, "outcome": rounded(found.lived.outcome), "tolerance": wider}


def raised(golden: Golden, of: Iterable[str]) -> list[str]:
    """Those of these classes whose revision is not the golden one."""
    known = cases.kinds()
    return [name for name in of if name in known and golden.get(name, {}).get("revision") != known[name].revision]


def changed(found: Now, kept: Mapping[str, Any]) -> list[str]:
    """What is other than in a golden outcome, in words."""
    defaults = [
        f"the default of {name!r} is {found.defaults.get(name)!r}, was {value!r}"
        for name, value in kept["defaults"].items()
        if found.defaults.get(name) != value
    ]
    return defaults + differences(kept["outcome"], found.lived.outcome, kept["tolerance"])


def complaint(found: Now, golden: Golden) -> str:
    """What is wrong with a class's golden outcome and what to do, or "" where nothing is."""
    name, kept = found.name, golden.get(found.name)
    if kept is None:
        return f"{name} has no golden outcome: run `{RENEW} {name}` and commit {FILE.name}."
    if kept["revision"] != found.revision:
        what = f"{name} is at revision {found.revision}, its golden outcome at {kept['revision']}"
        return f"{what}: run `{RENEW} {name}`, which renews it and those that use it, and commit {FILE.name}."
    other = changed(found, kept)
    if not other:
        return ""
    what = f"{name} (revision {found.revision}) does not do what it did: {'; '.join(other[:5])}."
    because = raised(golden, found.uses)
    if because:
        return f"{what} It uses {', '.join(because)}, whose revision was raised: run `{RENEW} {' '.join(because)}`."
    if not found.revision:
        return f"{what} It writes other events than before: say so in CHANGELOG.md and run `{RENEW} {name}`."
    beside = f" If the change is in a class that it uses ({', '.join(found.uses)}), raise that one's." if found.uses else ""
    return f"{what} If that is meant, raise `revision` of {name} and run `{RENEW} {name}`.{beside}"


def _text(golden: Golden) -> str:
    blocks = []
    for name, kept in golden.items():
        outcome = ",\n".join(f"      {json.dumps(key)}: {json.dumps(value)}" for key, value in kept["outcome"].items())
        heads = [f"    {json.dumps(key)}: {json.dumps(kept[key])}" for key in ("revision", "defaults", "uses", "tolerance")]
        blocks.append(f"  {json.dumps(name)}: {{\n" + ",\n".join([*heads, f'    "outcome": {{\n{outcome}\n    }}']) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"

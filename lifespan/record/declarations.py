"""What the measures of a study declare of their metrics, and what its tasks' metrics count: into dictionary.json, and back.

    "probes": {title in rows: {"class": "lifespan:Calibration", "meaning": "...", "metrics": [{"metric": "ece", ...}]}}
    "tasks":  {title: {"meaning": "...", "positive": "duplicate", "metrics": {"f1": "..."}}}

Records of before it did so have neither: what their rows mean is then taken from the classes of this package, by the titles
that those give themselves.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lifespan.contracts import Contrast, Meaning, Measure
from lifespan.errors import ScenarioError
from lifespan.record.manifest import positive_of, tasks_of
from lifespan.record.specs import exported
from lifespan.stats.metrics import METRICS, OF_POSITIVE
from lifespan.study.plan import Plan

OWN = "lifespan:"
"""How recorded names of this package's classes begin."""

DURING = "/during"
"""How titles of evaluations inside an event end."""

TITLES = (
    (r"Response to (?P<about>.+)", "Response"),
    (r"Pruned by (?P<about>.+)", "Pruned"),
    (r"Perplexity (?P<about>.+)", "Perplexity"),
    (r"FreshTask (?P<about>.+)", "FreshTask"),
    (r"(?P<kind>\w+) since .+", ""),
    (r"(?P<kind>\w+)", ""),
    (r".+ on (?P<about>.+)", "OutOfDomain"),
)
"""(title, class) of this package's measures in records that do not say what they declare; `kind` is the class itself."""


@dataclass(frozen=True)
class Declared:
    """What one measure, or contrast, declares: its class as recorded, what it does in one sentence, and its meanings."""

    kind: str
    meaning: str
    meanings: tuple[Meaning, ...]

    @property
    def is_own(self) -> bool:
        """Whether it comes with this package."""
        return self.kind.startswith(OWN)

    def of(self, metric: str) -> tuple[Meaning, tuple[str, ...]] | None:
        """The first meaning that fits a metric's name, and the texts for which its `*` stand; None where none fits.

        >>> Declared("", "", (Meaning("*@area", "", "", ""),)).of("f1@area")[1]
        ('f1',)
        """
        for meaning in self.meanings:
            found = re.fullmatch(re.escape(meaning.metric).replace(r"\*", "(.*)"), metric)
            if found:
                return meaning, found.groups()
        return None


def probes_and_tasks(plan: Plan) -> dict[str, Any]:
    """The entries of dictionary.json that depend on the study."""
    return {"probes": declarations(plan), "tasks": tasks_declared(plan)}


def declarations(plan: Plan) -> dict[str, Any]:
    """The entries `probes` of dictionary.json: every measure and contrast of a plan by the title that its rows have."""
    found: dict[str, dict[str, Any]] = {}
    for title, looker in _lookers(plan):
        # Since compares by a contrast, which may be of another package.
        source = getattr(looker, "contrast", looker)
        entry = found.setdefault(title, {"class": str(source.to_data()["class"]), "meaning": _purpose(source), "metrics": []})
        about = looker.about if isinstance(looker, Measure) else ""
        for meaning in looker.meanings:
            own = asdict(meaning) | {"outcome": meaning.outcome.replace("{about}", about)}
            if own not in entry["metrics"]:
                entry["metrics"].append(own)
    return found


def tasks_declared(plan: Plan) -> dict[str, Any]:
    """The entries `tasks` of dictionary.json: what each task's metrics are, and which class is the positive one."""
    found = {}
    for title, task in tasks_of(plan).items():
        positive = positive_of(task)
        of = [metric for metric in task.metrics if metric in OF_POSITIVE] if positive else []
        kind = f"classes {', '.join(task.labels)}" if task.labels else "a score"
        meaning = kind + (f"; {', '.join(of)} of the positive class {positive}" if positive else "")
        metrics = {metric: (inspect.getdoc(METRICS[metric]) or metric).splitlines()[0] for metric in task.metrics}
        found[title] = {"meaning": meaning, "metrics": metrics, **({"positive": positive} if positive else {})}
    return found


def declared(dictionary: Mapping[str, Any], titles: Iterable[str]) -> dict[str, Declared]:
    """What the probes of these titles declare, in their order: as dictionary.json says, or else as the built-in classes do."""
    recorded = dictionary.get("probes")
    known = (
        {title: entry for title, entry in recorded.items() if isinstance(entry, Mapping)}
        if isinstance(recorded, Mapping)
        else {}
    )
    found = {title: _recorded(known[title]) if title in known else built_in(title) for title in titles}
    return {title: one for title, one in found.items() if one is not None}


def built_in(title: str) -> Declared | None:
    """What the built-in measure, or contrast, that gives itself this title declares; None where there is none."""
    for pattern, name in TITLES:
        match = re.fullmatch(pattern, title.removesuffix(DURING))
        texts = match.groupdict() if match else {}
        kind = exported(name or str(texts.get("kind")))
        if match and isinstance(kind, type) and issubclass(kind, Measure | Contrast):
            given = kind.meanings if isinstance(kind.meanings, tuple) else ()
            about = str(texts.get("about", ""))
            meanings = tuple(replace(meaning, outcome=meaning.outcome.replace("{about}", about)) for meaning in given)
            return Declared(f"{OWN}{kind.__name__}", _purpose(kind), meanings)
    return None


def _lookers(plan: Plan) -> Iterator[tuple[str, Measure | Contrast]]:
    for step in plan.nodes.values():
        for evaluation in step.evaluations:
            yield evaluation.title, evaluation.measure
    for between in plan.study.between:
        yield between.contrast.title, between.contrast


def _recorded(entry: Mapping[str, Any]) -> Declared:
    metrics = entry.get("metrics", [])
    given = [each for each in metrics if isinstance(each, Mapping)] if isinstance(metrics, list) else []
    meanings = tuple(meaning for each in given if (meaning := _meaning(each)) is not None)
    return Declared(str(entry.get("class", "")), str(entry.get("meaning", "")), meanings)


def _meaning(entry: Mapping[str, Any]) -> Meaning | None:
    known = {name: entry[name] for name in Meaning.__dataclass_fields__ if name in entry}
    try:
        return Meaning(**known)
    except (TypeError, ScenarioError):
        return None


def _purpose(looker: Any) -> str:
    """The first line of a class's documentation."""
    kind = looker if isinstance(looker, type) else type(looker)
    return (inspect.getdoc(kind) or kind.__name__).strip().splitlines()[0]

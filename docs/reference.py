"""Parts of the reference that are written from the classes: links to the API, arguments, severity scales and pictures."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from lifespan.cli import catalog

EFFECTS = Path(__file__).parent / "pictures/effects"
ROOMS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "study": ("Lives and studies", "What a scenario and a study are written with.", ("studies", "events", "functions")),
    "tasks": ("Tasks, corpora and subjects", "What lives are made of.", ("tasks", "corpora", "subjects")),
    "learners": ("Learners", "Ways of learning a task: `Learn(task, by=Masks())`.", ("learners",)),
    "strategies": (
        "Strategies",
        "Ways of not forgetting: `Learn(task, by=Weights(), against_forgetting=EWC())`.",
        ("strategies",),
    ),
    "pruning": ("Pruners", "Ways of choosing what dies: `Age(to=0.5, by=Magnitude())`.", ("pruners",)),
    "disorders": (
        "Disorders, treatments and drugs",
        "`Suffer(HighRate(severity=0.5))`, `Treat(Regrow())`.",
        ("disorders", "drugs"),
    ),
    "probes": (
        "Probes",
        "Measures evaluate one subject, contrasts two: `Probe(Score())`, `Since(moment, contrast)`.",
        ("probes",),
    ),
    "engines": ("Engines", "Who lives a plan. Rows do not depend on it.", ("engines",)),
}
"""Pages of the API that list whole families: title, what it is about, families."""
CHECKED = ("disorder", "learner", "pruner", "measure", "contrast", "strategy", "task")
OF_FAMILY = {family: room for room, (_, _, families) in ROOMS.items() for family in families}
MODULES: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "contracts": (
        "Interfaces for methods of your own",
        """Methods are written against this page alone. Of a subject, what `Subject` names is promised; whatever else an
object of `lifespan.model.subject` has may move. `synapses`, `alive` and a skill's `mask` have the same keys, the
parameter's names in the encoder, and the same shapes. Nothing of it is to be replaced: write `weight.data` in
place, or inside `subject.wearing(task)` not at all. Draws come from the `Streams` that a method is given:
`streams.torch("disorder", counter)` begins a stream of its own for each purpose and counter, so that the order of
calls plays no part, and a life that was killed draws the same again; `streams.child(name)` is a part of the step
that shares no draw with the rest.""",
        (
            ("lifespan.contracts", 'filters: ["!^_", "!^thinning$"]'),
            ("lifespan.contracts.disorder.Companion", ""),
            ("lifespan.contracts.spec.Spec", ""),
            ("lifespan.contracts.subject", "members: [Subject, Skill, Past]"),
            ("lifespan.randomness", "members: [Streams]"),
            ("lifespan.training.evaluation", "members: [predictions, answers, task_logits]"),
            ("lifespan.pruning.selection", "members: [weakest]"),
            ("lifespan.execution.engine", ""),
        ),
    ),
    "record": (
        "Simulating and reading",
        "From a study to a record, and from a record to tables. [Read a record](../read-a-record.md) shows them at work.",
        (
            ("lifespan.simulation", "members: [simulate, Outcome]"),
            ("lifespan.record.record", "members: [read, Record, dictionary]"),
            ("lifespan.record.loggers", "members: [log]"),
        ),
    ),
    "analysis": (
        "Analysis",
        "Records to tidy tables; no torch. `Analysis` has every table of the report.",
        (("lifespan.analysis.analysis", ""), ("lifespan.analysis.continual", ""), ("lifespan.analysis.examples", "")),
    ),
    "stats": (
        "Statistics",
        "Plain functions of arrays; no torch.",
        tuple(
            (f"lifespan.stats.{name}", "")
            for name in ("metrics", "inference", "aggregates", "survival", "mixed_models", "dose_response", "power")
        ),
    ),
    "report": (
        "Reports and figures",
        "The report of one or several records, and its figures one by one; [the gallery](../gallery.md) shows them.",
        (
            ("lifespan.report.entry", "members: [report, WrittenReport]"),
            ("lifespan.report.opened", "members: [read, OpenRecord]"),
            ("lifespan.report.plots", ""),
            ("lifespan.report.latex", "members: [latex, escaped]"),
            ("lifespan.report.html", "members: [write_report]"),
            ("lifespan.report.figures", ""),
        ),
    ),
    "packs": ("Packs", "Skills to send or keep.", (("lifespan.packs.pack", ""),)),
    "testing": (
        "Conformance",
        "Checks for methods of your own.",
        (
            (
                "lifespan.testing",
                f"members: [{', '.join(f'check_{kind}' for kind in CHECKED)}]",
            ),
        ),
    ),
}
"""Pages of the API that list modules: title, introduction, and (path, option) of each."""


def api_pages() -> dict[str, str]:
    """The API's pages, by room."""
    pages = {}
    for room, (title, about, families) in ROOMS.items():
        blocks = [_block(path_of(entry.kind)) for family in families for entry in _sorted(family)]
        pages[room] = "\n\n".join([f"# {title}", about, *blocks]) + "\n"
    for room, (title, about, modules) in MODULES.items():
        blocks = [_block(path, option, level=2) for path, option in modules]
        pages[room] = "\n\n".join([f"# {title}", about, *blocks]) + "\n"
    return pages


def path_of(kind: Any) -> str:
    """Where a class or function is written: its place in the API."""
    return f"{kind.__module__}.{kind.__qualname__}"


def linked(entry: catalog.Entry) -> str:
    """A name that leads to its reference."""
    return f"[`{entry.name}`](api/{OF_FAMILY[entry.family]}.md#{path_of(entry.kind)})"


def section(entry: catalog.Entry, *, kind: str = "") -> str:
    """A heading, a picture where there is one, what it does, arguments, severity scale and source."""
    parts = [f"### {entry.name}", *_picture(entry), f"{entry.summary}{f' {kind}' if kind else ''}"]
    facts = [f"Arguments: {arguments(entry.kind)}"] if arguments(entry.kind) else []
    facts += [f"Severity: {scale}"] if (scale := severity_scale(entry)) else []
    facts += [f"Source: {entry.citation}"] if entry.citation else []
    facts.append(f"[Reference](api/{OF_FAMILY[entry.family]}.md#{path_of(entry.kind)})")
    return "\n\n".join([*parts, "\n".join(f"- {fact}" for fact in facts)])


def arguments(kind: Any) -> str:
    """The arguments of a class with their defaults; one without default stands alone.

    >>> from lifespan import Age, HighRate
    >>> arguments(Age), arguments(HighRate)
    ('`to`, `by`', '`severity=0.5`')
    """
    names = []
    for parameter in catalog._parameters(kind):
        known = parameter.default is not parameter.empty
        names.append(f"`{parameter.name}={catalog._default(kind, parameter)}`" if known else f"`{parameter.name}`")
    return ", ".join(names)


def severity_scale(entry: catalog.Entry) -> str:
    """What a severity means, from where the description says "Native parameter" to the end of that paragraph; else empty."""
    for paragraph in inspect.cleandoc(entry.kind.__doc__ or "").split("\n\n"):
        text = " ".join(paragraph.split())
        if "Native parameter" in text:
            found = text[text.index("Native parameter") :].partition(":")[2].strip()
            return found[:1].lower() + found[1:] if found[:2].istitle() else found
    return ""


def _picture(entry: catalog.Entry) -> list[str]:
    if not (EFFECTS / f"{entry.name}.svg").is_file():
        return []
    what = PICTURED[entry.family].format(name=entry.name)
    return [f"![{what}.](pictures/effects/{entry.name}.svg)"]


PICTURED = {
    **dict.fromkeys(("disorders", "drugs"), "A task's score over one short life: healthy, and with {name} at severity 0.75"),
    "learners": "A task's score over one short life: learned by all weights, and by {name}",
    "strategies": "The first task's score while a second is learned: by plain fine-tuning, and with {name}",
    "pruners": "A task's score while up to 80% of the synapses die: at random, and by {name}",
    "probes": "The first value of {name} over one short life",
}
"""The text alternatives of the pictures, by family."""


def _sorted(family: str) -> list[catalog.Entry]:
    return sorted(catalog.entries(family), key=lambda entry: entry.name.lower())


def _block(path: str, option: str = "", level: int = 2) -> str:
    options = [f"      heading_level: {level}", *([f"      {option}"] if option else [])]
    return "\n".join([f"::: {path}", "    options:", *options])

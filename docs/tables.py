"""Tables of the documentation, written from the classes themselves: `python docs/tables.py docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import reference

from lifespan.cli import catalog
from lifespan.contracts import Contrast, Meaning
from lifespan.contracts.disorder import AETIOLOGIES
from lifespan.record import record
from lifespan.report.figures import FIGURES
from lifespan.training.metrics import TRAINING


def lives() -> str:
    """What a life is written with, as Markdown: everything that is neither a method, nor a disorder, nor a measure."""
    parts = [LIVES]
    for family, title in (
        ("studies", "Studies"),
        ("events", "Events"),
        ("functions", "Functions"),
        ("subjects", "Subjects"),
        ("tasks", "Tasks"),
        ("corpora", "Corpora"),
        ("engines", "Engines"),
    ):
        parts.append(f"## {title}\n\n{_list(catalog.entries(family))}")
    return "\n\n".join(parts) + "\n"


def measures() -> str:
    """Every built-in probe as Markdown: what it measures, what it costs, and its metrics with range and good values."""
    parts = [MEASURES]
    for entry in catalog.entries("probes"):
        kind = entry.kind
        assert kind is not None
        what = "contrast" if issubclass(kind, Contrast) else "measure"
        parts.append(reference.section(entry, kind=f"({what.capitalize()}) Cost: {getattr(kind, 'cost', '')}."))
        meanings = getattr(kind, "meanings", ())
        if isinstance(meanings, tuple):
            parts.append(_table(meanings))
    parts.append(f"{TRAINING_ROWS}\n\n{_table(TRAINING)}")
    return "\n\n".join(parts) + "\n"


def disorders() -> str:
    """Every built-in disorder, treatment and drug as Markdown, by what it comes from."""
    found = [*catalog.entries("disorders"), *catalog.entries("drugs")]
    parts = [DISORDERS]
    for aetiology in AETIOLOGIES:
        part = [entry for entry in found if getattr(entry.kind, "aetiology", "") == aetiology]
        parts.append(f"## {aetiology.capitalize()}")
        parts += [reference.section(entry) for entry in sorted(part, key=lambda entry: entry.name.lower())]
    return "\n\n".join(parts) + "\n"


def methods() -> str:
    """Every built-in way of learning, pruning and not forgetting as Markdown."""
    parts = [METHODS]
    for family, title in (("learners", "Learners"), ("pruners", "Pruners"), ("strategies", "Strategies against forgetting")):
        parts.append(f"## {title}")
        parts += [reference.section(entry) for entry in sorted(catalog.entries(family), key=lambda entry: entry.name.lower())]
    return "\n\n".join(parts) + "\n"


def columns() -> str:
    """The data dictionary of a record as Markdown."""
    parts = [COLUMNS]
    for table, found in record.dictionary().items():
        rows = [
            f"| `{name}` | {_text(column['meaning'])} | {column['type']} | {column['unit'] or '-'} |"
            for name, column in found.items()
        ]
        head = ["| column | meaning | type | unit |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {table}\n", *head, *rows]))
    return "\n\n".join(parts) + "\n"


def gallery() -> str:
    """Every figure of the report with its picture and the call that draws it, as Markdown."""
    parts = [GALLERY]
    for name, drawing in FIGURES.items():
        picture = PICTURES / f"{name}.svg"
        shown = f"![{drawing.title}, drawn from a kept record.](pictures/figures/{name}.svg)"
        none = "No kept record has what this figure needs."
        call = f"```python\nrecord.plot.{name}()\n```"
        said = f"{drawing.drawn} What good looks like: {drawing.good}"
        parts.append("\n\n".join([f"## {drawing.title}", shown if picture.is_file() else none, call, said]))
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> list[Path]:
    """Write the generated pages into a folder. Returns their paths."""
    made = {"lives": lives, "measures": measures, "disorders": disorders, "methods": methods, "columns": columns}
    pages = {f"{name}.md": page() for name, page in (made | {"gallery": gallery}).items()}
    pages |= {f"api/{room}.md": page for room, page in reference.api_pages().items()}
    (folder / "api").mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages]


PICTURES = Path(__file__).parent / "pictures/figures"
GALLERY = """# Gallery

Every figure of a report, and the call that draws it alone. `ax=` draws into axes of yours; `groups=` and `tasks=`
choose. Here the record is a first life (`lifespan simulate first_life`) or, of figures that it lacks, a kept study.
[Results](results.md) has the reports of all studies.

```python
from lifespan import read

record = read("runs/first-life")
```

This page is written from the code, its pictures by `docs/figure_pictures.py`."""

LIVES = """# Lives

What a life and a study are written with. All of it is imported from `lifespan`; `lifespan show NAME` prints the arguments and
the whole description. This page is written from the code."""

COLUMNS = """# Columns

Every table of a run directory, column by column; tables of single examples have the columns of their probe, too (`Outputs`:
task, split, example, label, prediction, right, and a logit for each answer). The same stands in `dictionary.json` beside the
tables. `lifespan table DIR...` writes the measured rows with a few columns more. This page is written from the code."""

MEASURES = """# Measures

A measure evaluates one subject: `Probe(Score(), Sparsity())`. With `every=20` it does so inside the learning event before. A
contrast evaluates two: a subject and its younger self, `Probe(Since("development", contrast))`, where the moment is
"birth", "development" (the end of the last `Develop`) or the number of an event; or two lives,
`Study(between=(Between(contrast),))`. `usual()` and `robustness()` are ready sets of measures. Evaluation changes nothing:
neither the subject, nor a later draw, nor a digest.

In a metric's name `*` stands for any text, such as a task's metric, a layer or a dose. What is marked as an outcome
is compared with the control twins by its last value in life; a measure of your own says so in its `meanings`, too:
`Meaning("depth", "slow waves per minute", "[0, inf)", "above 10", "1/min", better="higher", outcome="depth of
sleep")` reaches the record's `dictionary.json`, the tables, the figures and the sentences of the report. `lifespan
show NAME` prints the whole description. This page is written from the classes. A picture is the first metric over one
short life (`docs/effects.py`), low to high."""

TRAINING_ROWS = """## Training (the loop itself)

Rows of every learning, measured or not, with the probe's name `Training` and the split train: they are what the report's
training curves show. `loss` is always there, with the number of examples seen so far in the event as `n`; the others come
with the learners named, with the number of synapses."""

DISORDERS = """# Disorders, treatments and drugs

`Suffer(UnstableOptimizer(severity=0.5), lasting=2)` strikes a subject, for the two events that follow; without `lasting` a
chronic disorder stays to the end of life. `Treat(LowerRate())` treats it, and drugs are given by `Treat`, too. A severity
lies in [0, 1], and 0 is health, bit for bit. `lifespan show NAME` prints the whole description and the matched
control. Names are those of mechanisms; clinical names appear as analogies only. This page is written from the classes.

A picture is the score on one task over one short life (`docs/effects.py`), one individual, from nought to one: a
childhood, a task learned in 100 steps, two losses of synapses with a recovery after each. Grey
is health, red severity 0.75 from the end of childhood on; the dotted line is chance."""

METHODS = """# Methods

Ways of learning (`Learn(task, by=Masks())`), of choosing what dies (`Age(to=0.5, by=Magnitude())`) and of not forgetting
(`Learn(task, by=Weights(), against_forgetting=EWC())`). `Rewire` is for `Recover(steps=100, by=Rewire())` alone.
`lifespan show NAME` prints the whole description. This page is written from the classes.

A picture is the score on one task over one short life (`docs/effects.py`), one individual, from nought to one: a
childhood, a task learned in 100 steps, two losses of synapses with a recovery after each. Blue is the
method, learners at a rate of 0.001 and else with their defaults: one life ranks nothing. Grey is
fine-tuning of all weights for a learner, plain fine-tuning for a strategy (there the line is the first task's score,
also while a second is learned), and random deaths, up to 80%, for a pruner. The dotted line is chance."""


def _table(meanings: tuple[Meaning, ...]) -> str:
    head = "| metric | meaning | range | good values | better |\n|---|---|---|---|---|"
    rows = [
        f"| `{m.metric}` | {m.meaning}{f', in {m.unit}' if m.unit else ''} | {m.range} | {m.good or '-'} "
        f"| {m.better}{', an outcome' if m.outcome else ''} |"
        for m in meanings
    ]
    return "\n".join([head, *rows])


def _cell(text: str) -> str:
    """Text that does not end its cell."""
    return text.replace("|", "\\|")


def _text(text: str) -> str:
    """Plain text for a cell: Markdown takes what stands in angle brackets for HTML, and shows nothing."""
    return _cell(text).replace("<", "&lt;")


def _list(entries: list[catalog.Entry]) -> str:
    head = "| name | what it does | source |\n|---|---|---|"
    rows = sorted(entries, key=lambda entry: entry.name.lower())
    return "\n".join(
        [head, *(f"| {reference.linked(entry)} | {_cell(entry.summary)} | {entry.citation or '-'} |" for entry in rows)]
    )


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))

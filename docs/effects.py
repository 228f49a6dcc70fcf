"""What each disorder, method and measure does in one short life, as small pictures: `python docs/effects.py FOLDER`.

The lives are lived in FOLDER (some ten minutes on one core), and drawn from its record into `docs/pictures/effects`. Each
picture is one individual: seed 0 of the built-in subject, the same childhood for all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import panels

import lifespan as ls
from lifespan.cli import catalog
from lifespan.contracts import Contrast, Disorder, Learner, Measure, Pruner, Strategy
from lifespan.errors import UserError
from lifespan.report.figures.canvas import PALETTE

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/pictures/effects"
TASK, LATER = ls.MicroTask("acceptability"), ls.MicroTask("sentiment")
SEVERITY = 0.75
STEPS = 100
CHILDHOOD = ls.Develop(ls.MicroText(), steps=1_000, rate=4e-3, masking=0.3)
SCORE = ls.Probe(ls.Score(examples=256))
INSIDE = ls.Probe(ls.Score(examples=256), every=20)
WEIGHTS = ls.Weights(steps=STEPS, rate=1e-3)
GIVEN: dict[str, dict[str, Any]] = {
    **{"MatchedNoise": {"of": ls.SynapseLoss()}, "ScatteredLoss": {"of": ls.HeadLoss()}},
    **{"Replay": {"tasks": (TASK,)}, "EarlyPruning": {"by": ls.Magnitude()}, "SkillMask": {"task": TASK}},
    **{"FixedMask": {"by": ls.Magnitude(), "sparsity": 0.5}, "Distilled": {"by": WEIGHTS, "teacher": "development"}},
}
"""Arguments of classes that have some without default."""


def life(*events: Any) -> ls.Scenario:
    """A childhood, and what comes after."""
    return ls.Scenario(name="short", subject=ls.Micro(), events=(CHILDHOOD, *events))


def old_age() -> tuple[Any, ...]:
    """Two losses of synapses, each with a recovery."""
    recover = ls.Recover(steps=20, by=ls.Rewire(rate=3e-4))
    return tuple(event for to in (0.3, 0.5) for event in (ls.Age(to=to, by=ls.Magnitude()), SCORE, recover, SCORE))


def groups() -> dict[str, ls.Scenario]:
    """Every life, by the name of its group: the class, its family of SEVERITY where it is a disorder."""
    school = (ls.Learn(TASK, by=WEIGHTS), INSIDE)
    found = {"healthy": life(*school, *old_age())}
    for entry in (*catalog.entries("disorders"), *catalog.entries("drugs")):
        made = _made(entry.kind, severity=SEVERITY)
        event = ls.Treat if getattr(entry.kind, "aetiology", "") in ("treatment", "drug") else ls.Suffer
        if isinstance(made, Disorder):
            found[f"disorders {entry.name}"] = life(event(made), *school, *old_age())
    for entry in catalog.entries("learners"):
        made = _made(entry.kind, steps=STEPS, rate=1e-3) or _made(entry.kind, steps=STEPS) or _made(entry.kind)
        if isinstance(made, Learner) and entry.name not in ("Rewire", "AvalancheStrategy"):
            found[f"learners {entry.name}"] = life(ls.Learn(TASK, by=made), INSIDE, *old_age())
    found["strategies none"] = life(*school, ls.Learn(LATER, by=WEIGHTS), INSIDE)
    for entry in catalog.entries("strategies"):
        made = _made(entry.kind)
        if isinstance(made, Strategy):
            tasks = [ls.Learn(task, by=WEIGHTS, against_forgetting=made) for task in (TASK, LATER)]
            found[f"strategies {entry.name}"] = life(tasks[0], INSIDE, tasks[1], INSIDE)
    for entry in catalog.entries("pruners"):
        made = _made(entry.kind)
        if isinstance(made, Pruner):
            ages = [event for to in (0.2, 0.4, 0.5, 0.6, 0.7, 0.8) for event in (ls.Age(to=to, by=made), SCORE)]
            found[f"pruners {entry.name}"] = life(*school, *ages)
    found["measures"] = life(*(event for part in (*school, *old_age()) for event in _measured(part)))
    return {name: scenario for name, scenario in found.items() if _compiles(name, scenario)}


def _measured(event: Any) -> Iterator[Any]:
    if not isinstance(event, ls.Probe):
        yield event
    elif event.every is None or event is INSIDE:
        yield ls.Probe(ls.Score(examples=256), *measures())


def measures() -> list[Measure]:
    """Every built-in measure that needs no argument, small enough for a short life."""
    slow = {
        "Score",
        "LossPlane",
        "FreshTask",
        "LesionMap",
        "TargetedLesions",
        "Outputs",
        "LossSlice",
        "FisherTrace",
        "Sharpness",
    }
    made = [_made(entry.kind) for entry in catalog.entries("probes") if not issubclass(entry.kind, Contrast)]
    return [each for each in made if isinstance(each, Measure) and type(each).__name__ not in slow]


def _made(kind: Any, **given: Any) -> Any:
    """An object of a class, or None where it wants other arguments."""
    try:
        return kind(**{**GIVEN.get(kind.__name__, {}), **given})
    except (TypeError, UserError):
        return None


def _compiles(name: str, scenario: ls.Scenario) -> bool:
    from lifespan.study.plan import compile_study

    try:
        compile_study(ls.Study(name="effects", groups={name: scenario}, individuals=1), precision="fp32")
    except UserError as error:
        print(f"left out: {error}")
        return False
    return True


def draw(rows: pd.DataFrame, lines: dict[str, tuple[str, float, str]], chance: float | None) -> str:
    """A small picture: lines over the moments at which they were measured; `lines` are (colour, width, style) by group."""
    figure, (axes,) = panels.sheet(1.5, 0.55)
    for group, (color, width, dashes) in lines.items():
        own = rows[rows["group"] == group].reset_index(drop=True)
        axes.plot(own.index, own["value"], color=color, linewidth=width, linestyle=dashes)
    if chance is not None:
        axes.axhline(chance, color=panels.FAINT, linewidth=0.5, linestyle=":")
        axes.set_ylim(-0.3, 1.08)
    axes.axis("off")
    return panels.svg(figure)


def write(directory: Path) -> None:
    """Draw every picture from the record."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = ls.read(directory).measurements().dropna(subset=["value"])
    rows = rows.sort_values(["group", "age", "step"], kind="stable")
    score = rows[rows["probe"].isin(["Score", "Score/during"]) & (rows["metric"] == "matthews") & (rows["task"] == TASK.title)]
    names = list(dict.fromkeys(rows["group"]))
    people = ls.read(directory).participants()
    failed = set(people[people["status"] != "done"]["group"])
    beside = {"disorders": "healthy", "learners": "healthy", "strategies": "strategies none", "pruners": "pruners Random"}
    for group in names:
        family, _, name = group.partition(" ")
        own = score[score["group"] == group]
        if (
            family not in beside
            or name == "none"
            or own.empty
            or (group in failed and not own["stage"].str.startswith("age").any())
        ):
            continue
        color = PALETTE[3] if family == "disorders" else PALETTE[0]
        lines = {beside[family]: ("#c4cad0", 3.0, "-"), group: (color, 1.4, "-")}
        (FOLDER / f"{name}.svg").write_text(draw(score, lines, 0.0), encoding="utf-8")
    _write_measures(rows[rows["group"] == "measures"])


def _write_measures(rows: pd.DataFrame) -> None:
    for probe, own in rows[rows["probe"] != "Training"].groupby("probe"):
        first = own[(own["metric"] == own["metric"].iloc[0]) & (own["task"] == own["task"].iloc[0])]
        lines = {"measures": (PALETTE[0], 1.4, "-")}
        if len(first) > 2 and str(probe).isidentifier():
            (FOLDER / f"{probe}.svg").write_text(draw(first, lines, None), encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    ls.simulate(ls.Study(name="effects", groups=groups(), individuals=1, length=32), folder, threads=1)
    write(folder)

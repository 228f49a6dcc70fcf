"""What `lifespan export` does: find a life's state in a run directory, pack it, and say how large and how true it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.cli import display, record_display
from lifespan.contracts import Origin, Task
from lifespan.errors import RecordError, ScenarioError, UserError, did_you_mean
from lifespan.names import file_name
from lifespan.packs.pack import BASES, HEADS, SkillFacts, agreement, load_pack, save_pack
from lifespan.randomness import Streams, individual_seed
from lifespan.record import record
from lifespan.record.changes import changed_since
from lifespan.record.seals import altered
from lifespan.record.specs import rebuilt

if TYPE_CHECKING:
    from lifespan.model.subject import Subject

RESUME = "`lifespan simulate --resume` lives what is missing or damaged."
MOST_CHECKED = 2000
"""Examples of a split on which a pack is compared with the living subject."""


@dataclass(frozen=True)
class Moment:
    """A state of one life: which step of which individual. `after` counts the events lived, birth not counted."""

    directory: Path
    study: Mapping[str, Any]
    life: str
    after: int

    @property
    def digest(self) -> str:
        """The step that left this state."""
        return self.study["lives"][self.life]["steps"][self.after]

    @property
    def group(self) -> Mapping[str, Any]:
        """What the study says of the life's group."""
        return self.study["groups"][self.study["lives"][self.life]["group"]]

    @property
    def seed(self) -> int:
        """The individual's seed."""
        return individual_seed(self.study["seed"], int(self.life.rpartition("-")[2]))

    @property
    def where(self) -> str:
        """How an error names what the study says."""
        return str(self.directory / "study.json")


def export(
    directory: Path,
    *,
    life: str | None,
    base: str,
    heads: str,
    out: Path | None,
    after: int | None,
    check: bool | None,
    force: bool,
) -> int:
    """Write a pack of a life and show it. `check` None: compare with the living subject where data can be had."""
    for name, value, known in (("base", base, BASES), ("heads", heads, HEADS)):
        if value not in known:
            raise ScenarioError(f"--{name} {value}", "is not known here.", did_you_mean(value, known))
    moment = find(directory, life, after)
    folder = out if out is not None else directory / "packs" / _name(moment, base, after)
    subject = restored_subject(moment)
    facts, tasks, missing = _tasks(moment, list(subject.skills))
    asked = [] if check is False else _askable(moment, tasks, missing, strict=bool(check))
    report = save_pack(
        subject, folder, base=base, heads=heads, tasks=facts, title=moment.life, origin=_origin(moment), force=force
    )
    packed = load_pack(folder, heads=[type(skill.form) for skill in subject.skills.values()]).subject()
    record_display.show_pack(report, {task.title: agreement(subject, packed, task) for task in asked})
    for reason in missing if check is not False else []:
        display.notice(f"Not compared with the living subject: {reason}")
    display.say(f"Pack: {folder}")
    return 0


def find(directory: Path, life: str | None, after: int | None) -> Moment:
    """The state that is meant: of the only life or the one named, at its end or after so many events."""
    found = record.read(directory)
    for one in altered(found):
        if one.file == "study.json":
            display.notice(one.text)
    study = found.study
    lives = _lives(directory, study)
    if life is None and len(lives) > 1:
        raise RecordError(str(directory), f"holds {len(lives)} lives.", f"Choose one with --life. {did_you_mean('', lives)}")
    name = life if life is not None else next(iter(lives))
    if name not in lives:
        raise RecordError(f"--life {name}", f"{directory} holds no such life.", did_you_mean(name, lives))
    steps = lives[name]["steps"]
    last = len(steps) - 1
    if after is not None and not 0 <= after <= last:
        raise RecordError(f"--after {after}", f"the life {name!r} has {last} events.", f"Use 0 to {last}.")
    position = last if after is None else after
    lived = next((i for i, digest in enumerate(steps) if not record.is_lived(directory, digest)), len(steps)) - 1
    if position > lived:
        status_hint = f"`lifespan status {directory}` shows why."
        remedy = f"{status_hint} --after {lived} exports what is there." if lived > 0 else status_hint
        raise RecordError(f"{directory}, {name}", f"has lived {max(lived, 0)} of {last} events.", remedy)
    return Moment(directory, study, name, position)


def restored_subject(moment: Moment) -> Subject:
    """The subject as it was at this moment, from the run directory alone."""
    from lifespan.model.subject import Subject
    from lifespan.record.store import Corrupt, Store

    scenario = moment.group.get("scenario")
    recorded = scenario.get("subject") if isinstance(scenario, Mapping) else None
    origin = rebuilt(recorded, Origin, moment.where)  # type: ignore[type-abstract]
    store = Store(moment.directory / "store")
    try:
        facts, state = store.load_state(moment.digest)
    except Corrupt as error:
        raise RecordError(error.where, error.what, RESUME) from None
    except (KeyError, TypeError, AttributeError):
        raise RecordError(str(store.root / moment.digest / "node.json"), "is no record of a step.", RESUME) from None
    other = changed_since(moment.study, origin)
    if other:
        what = f"is not what {moment.directory} was made of: it was changed since."
        raise RecordError(other, what, "Restore the model, or simulate anew.")
    subject = Subject(origin.build(Streams(moment.seed, "birth")), precision=moment.study.get("precision", "fp32"))
    try:
        subject.load(facts, state)
    except (KeyError, RuntimeError, TypeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise RecordError(
            str(store.root / moment.digest),
            f"does not fit the subject {origin.describe()} ({first}).",
            "Was its model changed?",
        ) from None
    return subject


def _lives(directory: Path, study: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The lives of a study, as far as an export needs them whole."""
    lives, groups = study.get("lives"), study.get("groups")
    fine = isinstance(lives, dict) and len(lives) > 0 and isinstance(groups, dict) and isinstance(study.get("seed"), int)
    if fine and isinstance(lives, dict) and isinstance(groups, dict):
        for name, life in lives.items():
            known = isinstance(life, dict) and life.get("group") in groups and isinstance(groups[life["group"]], dict)
            steps = life.get("steps") if known else None
            texts = isinstance(steps, list) and len(steps) > 0 and all(isinstance(step, str) for step in steps)
            fine = fine and texts and name.rpartition("-")[2].isdigit()
        if fine:
            return lives
    raise RecordError(
        str(directory / "study.json"), "does not name its lives.", "`lifespan simulate --resume` writes it anew."
    )


def _tasks(moment: Moment, titles: list[str]) -> tuple[list[SkillFacts], list[Task], list[str]]:
    """(what the pack says of each task, tasks that can be asked again, why others cannot)."""
    facts: list[SkillFacts] = []
    tasks: list[Task] = []
    reasons = []
    recorded = moment.study.get("tasks")
    for title in titles:
        known = recorded.get(title) if isinstance(recorded, dict) else None
        known = known if isinstance(known, dict) else {}
        # The record's own labels: a task may have to read its data, which may be gone, to know them.
        labels = tuple(str(label) for label in known.get("labels") or ())
        bounds = (0.0, 1.0)
        try:
            task = rebuilt(known.get("spec"), Task, f"{moment.where}, task {title}")  # type: ignore[type-abstract]
            bounds = task.score_range
            tasks.append(task)
        except UserError as error:
            reasons.append(f"{title}: {error.what}")
        facts.append(SkillFacts(title, len(labels), "", False, labels, bounds))
    return facts, tasks, reasons


def _askable(moment: Moment, tasks: list[Task], missing: list[str], *, strict: bool) -> list[Task]:
    """The tasks whose data can be had, thinned; why others cannot is added to `missing`, or with `strict` raised."""
    if strict and missing:
        raise RecordError("--check", f"not every task can be asked again: {missing[0]}", "Leave out --check.")
    askable = []
    for task in tasks:
        thinned = replace(task, eval_examples=min(task.eval_examples or MOST_CHECKED, MOST_CHECKED))
        try:
            thinned.examples(thinned.splits[1])
            other = changed_since(moment.study, task)
            if other:
                what = "is not what the record was made of: it was changed since."
                raise RecordError(other, what, "Restore the data, or leave out --check.")
            askable.append(thinned)
        except UserError as error:
            if strict:
                raise
            missing.append(
                f"{task.title}: {error.where}: {error.what}"
                if isinstance(error, RecordError)
                else f"{task.title}: {error.what}"
            )
    return askable


def _name(moment: Moment, base: str, after: int | None) -> str:
    """A folder name for a pack: life, precision, moment."""
    return file_name(f"{moment.life}-{base}" + (f"-after-{moment.after}" if after is not None else ""))


def _origin(moment: Moment) -> dict[str, Any]:
    timeline = moment.group.get("timeline")
    stages = [entry.get("stage", "") for entry in timeline] if isinstance(timeline, list) else []
    return {
        "study": moment.study.get("name"),
        "study_digest": moment.study.get("digest"),
        "life": moment.life,
        "seed": moment.seed,
        "after": moment.after,
        "stage": stages[moment.after] if moment.after < len(stages) else "",
        "state": moment.digest,
        "about": str(moment.group.get("doc", "")),
    }

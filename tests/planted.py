"""Records of real studies whose final scores are planted: no model is trained, all else is as `simulate` writes it."""

from __future__ import annotations

import json

import numpy as np
from conftest import TASKS, TINY

from lifespan import Learn, Masks, Probe, Scenario, Score, Study
from lifespan.record import record
from lifespan.record.declarations import probes_and_tasks
from lifespan.record.manifest import describe_study
from lifespan.record.predeclared import declare
from lifespan.study.plan import compile_study

SENTIMENT, ENTAILMENT = (task.title for task in TASKS)


def life(number=1, tasks=TASKS):
    """A life in which each task is learned and scored; lives of other numbers are others."""
    return Scenario(
        name="life",
        subject=TINY,
        events=tuple((Learn(task, by=Masks(steps=number)), Probe(Score())) for task in tasks),
    )


def study(*groups, individuals=10, tasks=TASKS, **settings):
    """A study of these groups."""
    lives = {group: life(number, tasks) for number, group in enumerate(groups, 1)}
    return Study(name="planted", groups=lives, individuals=individuals, **settings)


def declared(study, directory, *, finished=0):
    """The run directory of a study at the moment when it is begun; with `finished` lives, when values are there already."""
    plan = compile_study(study, precision="fp32")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "study.json").write_text(json.dumps(describe_study(plan, ["lifespan"], 1, {})))
    (directory / "dictionary.json").write_text(json.dumps(record.dictionary() | probes_and_tasks(plan)))
    (directory / "environment.json").write_text("{}")
    declare(directory, plan, _Lived(finished))
    return directory


class _Lived:
    """A store in which so many values are measured."""

    def __init__(self, finished):
        self.finished = finished

    def complete(self, step):
        return bool(self.finished)

    def ended(self, digest):
        return None

    def evaluation(self, digest, evaluation):
        return [{}] if self.finished else None


def lived(study, directory, scores, *, status=None):
    """Write the rows of a study's individuals: `scores` is (group, task) -> one final score for each.

    `status` gives (group, individual) another end than "done"; their final rows are missing then.
    """
    status, rows, people = status or {}, [], []
    for group in study.groups:
        for number in range(study.individuals):
            seed, end = study.seed + number, status.get((group, number), "done")
            who = {"study": study.name, "group": group, "individual": number, "seed": seed}
            for place, task in enumerate(dict.fromkeys(task for known, task in scores if known == group), 1):
                if end == "done":
                    value = float(scores[group, task][number])
                    rows.append(
                        {
                            **who,
                            "step": 2,
                            "age": place,
                            "stage": f"learn {task}",
                            "probe": "Score",
                            "task": task,
                            "split": "dev",
                            "metric": "accuracy",
                            "value": value,
                            "n": 40,
                        }
                    )
            name = f"{group}-{number:03d}"
            people.append({"individual": name, "group": group, "seed": seed, "status": end, "steps": 2, "reason": ""})
    (directory / "measurements.jsonl").write_bytes(record.as_lines(rows))
    (directory / "steps.jsonl").write_bytes(b"")
    (directory / "participants.tsv").write_bytes(record.as_table(people, record.PARTICIPANT_COLUMNS))
    return record.read(directory)


def planted(study, directory, differences, *, sd=0.05, base=0.7, seed=0, **how):
    """A declared and lived record: in each group every task's score is `base` plus its difference, twins sharing a talent."""
    dice = np.random.default_rng(seed)
    most = study.individuals
    talent = dice.normal(0, 0.02, most)
    scores = {
        (group, task): base + talent + more + dice.normal(0, sd / np.sqrt(2), most)
        for group, more in differences.items()
        for task in {task.title: None for task in _tasks(study)}
    }
    declared(study, directory)
    return lived(study, directory, scores, **how)


def _tasks(study):
    return [event.task for event in next(iter(study.groups.values())).events if isinstance(event, Learn)]

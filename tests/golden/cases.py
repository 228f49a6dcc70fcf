"""Every built-in class, lived once at tiny scale: a body of two layers of width 16, a few optimizer steps, no download."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from golden.summaries import Outcome, of_masks, of_readings, of_states, of_tensors, of_text, of_values

import lifespan
from lifespan import (
    Age,
    Bulk,
    Contrast,
    Corpus,
    Develop,
    Disorder,
    Head,
    Items,
    Learn,
    Learner,
    Magnitude,
    Measure,
    MicroTask,
    MicroText,
    Objective,
    Origin,
    Probe,
    Pruner,
    Reading,
    Recover,
    Scenario,
    Score,
    Strategy,
    Suffer,
    Task,
    Treat,
    Typos,
    WeightNoise,
    Weights,
)
from lifespan.contracts.spec import Spec, as_data
from lifespan.randomness import Streams
from lifespan.study.events import Event
from lifespan.testing import lives
from lifespan.testing.lives import BY_MASKS, BY_WEIGHTS, DEVELOP, EVALUATION, FIRST, SECOND, Biography, Past, biography

THIRD = MicroTask("paraphrase", train_examples=32, eval_examples=16)
SHORTLY = Develop(MicroText(number=60), steps=2, batch_size=8)
UNDER_IT = (
    *(SHORTLY, Learn(SECOND, by=BY_MASKS), Learn(THIRD, by=BY_WEIGHTS)),
    *(Age(to=0.5, by=Magnitude()), Recover(steps=3), EVALUATION),
)
"""What is lived under a disorder."""
NOT_LIVED = {
    "Scenario": "a description, whose digests stand in digests.json",
    "Study": "a description, whose digests stand in digests.json",
    "Between": "says between whom a contrast is taken",
    "Hypothesis": "predicts, and changes no life",
    "Quantity": "part of a hypothesis",
    "Sequential": "when hypotheses are evaluated",
}
STRONGER = 1000
SPIKING = {"LossSpikes": 1.0}
"""Severities at which a disorder of rare strikes has one in a few steps."""
HAIR = 1e-5
"""Relative size of the perturbation that stands for another processor: far above what rounding does."""


def kinds() -> dict[str, type[Spec]]:
    """The built-in classes that a user can write into a life, by name."""
    exported = {name: getattr(lifespan, name) for name in lifespan.__all__}
    found = {name: kind for name, kind in exported.items() if isinstance(kind, type) and issubclass(kind, Spec)}
    bases = (Disorder, Learner, Pruner, Measure, Contrast, Corpus, Task, Head, Objective, Origin, Strategy)
    return {name: kind for name, kind in found.items() if kind not in bases and name not in NOT_LIVED}


def functions() -> tuple[str, ...]:
    """The functions that write events or sets of probes."""
    return tuple(sorted(_FUNCTIONS))


@dataclass
class Lived:
    """What was found, and the specs that took part."""

    outcome: Outcome
    specs: tuple[object, ...]

    def uses(self, name: str) -> list[str]:
        """Names of the built-in classes that took part beside this one."""
        known = kinds()
        return sorted({type(part).__name__ for part in parts(self.specs)} & known.keys() - {name})


def lived(name: str) -> Lived:
    """Live what has this name. Raises `KeyError` where nobody says how."""
    if name in _FUNCTIONS:
        return Lived({"events": of_text("\n".join(_written(_FUNCTIONS[name]())))}, ())
    kind = kinds()[name]
    how = next(how for base, how in _BY_FAMILY.items() if issubclass(kind, base))
    return how(kind)


def defaults(kind: type[Spec]) -> dict[str, Any]:
    """The default of every argument, as plain data: whoever changes one changes lives whose digests stay what they are."""
    found = {}
    for field in fields(kind) if is_dataclass(kind) else ():
        value = field.default if field.default is not MISSING else field.default_factory
        if value is not MISSING:
            found[field.name] = as_data(value() if value is field.default_factory else value, Spec.to_data)
    return json.loads(json.dumps(found))


def parts(value: object) -> Iterator[Spec]:
    """All specs inside a spec or a collection of them, itself included."""
    if isinstance(value, Spec):
        yield value
        for field in fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from parts(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from parts(part)


def example(kind: type[Spec]) -> Any:
    """An object of a class: that of the conformance tests."""
    return _conformance().example(kind)


def _conformance() -> Any:
    # Namespace packages of the folder of tests.
    return importlib.import_module("conformance.test_built_in")


def _settings(kind: type[Spec]) -> dict[str, Any]:
    return dict(_conformance().settings(kind))


# Childhoods are lived once.


@cache
def told(*events: Event) -> Biography:
    """The life of these events, kept."""
    return biography(events)


DEVELOPED = (DEVELOP,)
TAUGHT = (DEVELOP, Learn(FIRST, by=BY_WEIGHTS), Age(to=0.25, by=Magnitude()))
GROWN = (DEVELOP, Learn(FIRST, by=BY_WEIGHTS), Learn(SECOND, by=BY_MASKS), Age(to=0.3, by=Magnitude()))


def grown(events: Sequence[Event], position: int = -1) -> Any:
    """The subject after a life, with its past."""
    life = told(*events)
    subject = lives.reborn(life, position)
    subject.past = Past(life)
    return subject


def forget() -> None:
    """Live childhoods anew from now on."""
    told.cache_clear()


@contextmanager
def perturbed(number: int) -> Iterator[None]:
    """Inside, every life begins with weights that are a hair apart."""
    plain = lives.live

    def live(subject: Any, step: Any, *rest: Any) -> Any:
        born, result = plain(subject, step, *rest)
        if subject is None:
            generator = torch.Generator().manual_seed(number)
            for parameter in born.encoder.parameters():
                parameter.data.mul_(1 + HAIR * torch.randn(parameter.shape, generator=generator))
        return born, result

    forget()
    with patch.object(lives, "live", live):
        yield
    forget()


def _life(events: Sequence[Event], since: Sequence[Event]) -> Lived:
    """What events change in a life that began with others."""
    before = told(*since)
    after = biography(tuple(events), since=before)
    rows = [row for step in after.rows[len(before.rows) :] for row in step]
    outcome: Outcome = {"diverged": after.end.partition(" (")[0]} if after.end else {}
    outcome |= of_states(before.states[-1], after.states[-1])
    outcome |= of_readings([(f"{row.probe} {row.reading.metric}", row.reading.value) for row in rows])
    return Lived(outcome, (lives.ORIGIN, *since, *events))


def _learner(kind: type[Learner]) -> Lived:
    learner = example(kind)
    short = learner.lasting(steps=6, batch_size=8, rate=learner.rate)
    last = Recover(steps=6, by=short) if learner.moves_anatomy else Learn(SECOND, by=short)
    return _life((*_settings(kind).get("before", ()), last, EVALUATION), TAUGHT)


def _strategy(kind: type[Strategy]) -> Lived:
    strategy = example(kind)
    if hasattr(strategy, "strength"):
        # In four steps a penalty of the usual strength moves weights by less than rounding does.
        strategy = replace(strategy, strength=STRONGER * strategy.strength)
    first, second = (Learn(task, by=BY_WEIGHTS, against_forgetting=strategy) for task in (FIRST, SECOND))
    return _life((first, Age(to=0.25, by=Magnitude()), second, EVALUATION), DEVELOPED)


def _disorder(kind: type[Disorder]) -> Lived:
    disorder = example(kind)
    ill = disorder if disorder.severity > 0 else replace(disorder, severity=0.5)
    ill = replace(ill, severity=SPIKING.get(kind.__name__, ill.severity))
    own = _settings(kind).get("events")
    return _life((Suffer(ill), *((SHORTLY, *own[1:]) if own else UNDER_IT)), TAUGHT)


def _pruner(kind: type[Pruner]) -> Lived:
    pruner, settings = example(kind), _settings(kind)
    before = (*settings.get("before", GROWN[:-1]), Age(to=0.1, by=Magnitude()))
    outcome: Outcome = {}
    for position, who in ((-2, "whole"), (-1, "aged")):
        subject = grown(before, position)
        for sparsity in settings.get("sparsities", (0.2, 0.5)):
            masks = pruner.choose(subject, sparsity, Streams(0, "age#0"), tuple(told(*before).steps[-1].tasks))
            outcome[f"mask of the {who} at {sparsity:g}"] = of_masks(masks)
    return Lived(outcome, (lives.ORIGIN, *before, pruner))


def _measure(kind: type[Measure]) -> Lived:
    measure, events = example(kind), tuple(_settings(kind).get("before", GROWN))
    tasks = {task.title: task for task in told(*events).steps[-1].tasks}
    found = list(measure.read(grown(events), tasks, Streams(0, "look").child(kind.__name__)))
    return Lived(of_readings(_numbers(found)), (lives.ORIGIN, *events, measure))


def _contrast(kind: type[Contrast]) -> Lived:
    contrast, events = example(kind), tuple(_settings(kind).get("before", GROWN))
    tasks = {task.title: task for task in told(*events).steps[-1].tasks}
    one, other = grown(events, -3), grown(events)
    both = {title: task for title, task in tasks.items() if title in one.skills}
    found = list(contrast.compare(one, other, both, Streams(0, "look").child(kind.__name__)))
    return Lived(of_readings(_numbers(found)), (lives.ORIGIN, *events, contrast))


def _numbers(found: Sequence[Reading | Bulk]) -> list[tuple[str, float]]:
    numbers: list[tuple[str, float]] = []
    for reading in found:
        if isinstance(reading, Reading):
            numbers += [(reading.metric, reading.value), ("n", float(reading.n))]
            continue
        for name, values in reading.columns.items():
            if np.issubdtype(values.dtype, np.number):
                numbers += [(name, float(value)) for value in values]
    return numbers


def _event(kind: type[Event]) -> Lived:
    return _life(_EVENTS[kind.__name__], TAUGHT)


_EVENTS: Mapping[str, tuple[Event, ...]] = {
    "Develop": (Develop(MicroText(number=60), steps=4, batch_size=8, masking=0.3, length=16),),
    "Learn": (Learn(SECOND, by=Weights(epochs=1.0, batch_size=8, rate=1e-3), also=(THIRD,), length=16), EVALUATION),
    "Age": (Age(to=0.5, by=Magnitude()),),
    "Recover": (Recover(steps=4),),
    "Suffer": (Suffer(Typos(severity=0.5), lasting=1), Learn(SECOND, by=BY_WEIGHTS), Learn(THIRD, by=BY_WEIGHTS), EVALUATION),
    "Treat": (Treat(WeightNoise(severity=0.2)), EVALUATION),
    "Probe": (Learn(SECOND, by=BY_WEIGHTS), Probe(Score())),
}


def _task(kind: type[Task]) -> Lived:
    outcome: Outcome = {}
    with _folder() as folder:
        tasks = _TASKS[kind.__name__](folder)
        for task in tasks:
            outcome[f"{task.title}: head"] = json.dumps(task.head.to_data(), sort_keys=True)
            for split in task.splits:
                rows = task.examples(split)
                outcome[f"{task.title}: rows of {split}"] = f"{len(rows)}, {rows.fingerprint[:16]}"
                outcome |= {f"{task.title}: part {n}": int(np.sum(p)) for n, p in getattr(task, "strata", dict)().items()}
    return Lived(outcome, tuple(tasks) if kind is Items else ())


def _corpus(kind: type[Corpus]) -> Lived:
    with _folder() as folder:
        corpus = _CORPORA[kind.__name__](folder)
        passages = list(corpus.passages())
    return Lived({"passages": len(passages), "text": of_text(repr(passages))}, ())


def _folder() -> Any:
    return TemporaryDirectory(prefix="golden")


def _table(folder: str) -> Path:
    rows = [f"sentence {i},{'good' if i % 3 else 'bad'}" for i in range(20)]
    (Path(folder) / "table.csv").write_text("\n".join(["text,label", *rows, '"with, comma",good']) + "\n")
    return Path(folder) / "table.csv"


def _glue(folder: str) -> Path:
    (Path(folder) / "RTE").mkdir()
    rows = [f"{i}\tpremise {i}\thypothesis {i}\t{'not_' * (i % 2)}entailment" for i in range(6)]
    for split in ("train", "dev"):
        _file(folder, f"RTE/{split}.tsv", "\n".join(["index\tsentence1\tsentence2\tlabel", *rows]) + "\n")
    return Path(folder)


def _file(folder: str, name: str, text: str) -> Path:
    (Path(folder) / name).write_text(text)
    return Path(folder) / name


_HANS = (
    "gold_label\tsentence1\tsentence2\theuristic\nentailment\ta b\tb a\tlexical_overlap\nnon-entailment\tc d\td\tsubsequence\n"
)
_ADVERSARIAL = json.dumps({"rte": [{"sentence1": "a b", "sentence2": "b", "label": 0, "idx": 0}]})
_TASKS: Mapping[str, Callable[[str], Sequence[Task]]] = {
    "MicroTask": lambda folder: [MicroTask(name, train_examples=40, eval_examples=20) for name in _micro()],
    "Items": lambda folder: [Items(MicroTask("sentiment", train_examples=32))],
    "TableTask": lambda folder: [lifespan.TableTask(_table(folder), name="table", first="text")],
    "TokenTask": lambda folder: [
        lifespan.TokenTask(_file(folder, "tags.txt", "\n".join(f"Ann B-PER\nx-{i} O\n" for i in range(12))), name="tags")
    ],
    "Glue": lambda folder: [lifespan.Glue("rte", source=_glue(folder))],
    "Hans": lambda folder: [lifespan.Hans(source=_file(folder, "heuristics_evaluation_set.txt", _HANS))],
    "Paws": lambda folder: [lifespan.Paws(source=_file(folder, "p.tsv", "id\tsentence1\tsentence2\tlabel\n1\ta b\tb a\t0\n"))],
    "AdvGlue": lambda folder: [lifespan.AdvGlue("rte", source=_file(folder, "dev.json", _ADVERSARIAL))],
}


def _micro() -> tuple[str, ...]:
    from lifespan.tasks.micro import LABELS

    return tuple(LABELS)


def _parquet(folder: str) -> Path:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["one", "", "two words"]}), Path(folder) / "text.parquet")
    return Path(folder) / "text.parquet"


def _pair_file(folder: str) -> Path:
    rows = [
        {"sentence_good": f"the owl {verb} .", "sentence_bad": f"owl the {verb} .", "UID": "order"}
        for verb in ("naps", "sits")
    ]
    return _file(folder, "order.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))


_CORPORA: Mapping[str, Callable[[str], Corpus]] = {
    "MicroText": lambda folder: MicroText(number=60),
    "MicroPairs": lambda folder: lifespan.MicroPairs(number=30),
    "PairFile": lambda folder: lifespan.PairFile(_pair_file(folder)),
    "TaskText": lambda folder: lifespan.TaskText(FIRST, SECOND),
    "TextFiles": lambda folder: lifespan.TextFiles(
        _file(folder, "letters.txt", " = Head = \nDear\n\nreader\nYours \n"), by="paragraph", skip_headings=True
    ),
    "DatasetText": lambda folder: lifespan.DatasetText(_parquet(folder)),
}


def _origin(kind: type[Origin]) -> Lived:
    """A newborn, and what a few steps with its dropout make of it."""
    with _folder() as folder:
        origin = _ORIGINS[kind.__name__](Path(folder))
        forget()
        with patch.object(lives, "ORIGIN", origin):
            life = told(Learn(FIRST, by=Weights(steps=2, batch_size=4, rate=1e-3)), Age(to=0.2, by=Magnitude()))
            born, end = life.states[0], life.states[-1]
            outcome = {f"born {group}": of_tensors(born[group]) for group in ("encoder", "language")}
            outcome |= of_states(born, end)
        forget()
    return Lived(outcome, ())


def _pretrained(folder: Path) -> Origin:
    from architectures import saved

    return lifespan.Pretrained(str(saved("bert", folder)))


_ORIGINS: Mapping[str, Callable[[Path], Origin]] = {
    "Micro": lambda folder: lives.ORIGIN,
    "MiniLM": lambda folder: lifespan.MiniLM(),
    "Pretrained": _pretrained,
}


def _head(kind: type[Head]) -> Lived:
    head, labels = _HEADS[kind.__name__]
    with torch.random.fork_rng(devices=[]):
        module = head.module(16, 0.1).eval()
    head.initialise(module, None, Streams(0, "golden").torch("init"))
    generator = torch.Generator().manual_seed(1)
    states, real = torch.randn(4, 6, 16, generator=generator), torch.ones(4, 6, dtype=torch.long)
    answer = module(head.pick(states, real)) * 20
    starts = [np.arange(1, 1 + len(row)) for row in labels] if head.words else []
    batch = head.batch(head.targets(labels), np.arange(4), (4, 6), starts)
    loss = head.loss(answer, batch)
    loss.backward()
    logits = answer.detach().numpy()
    if head.words:
        rows = np.empty(4, dtype=object)
        rows[:] = [logits[i, own] for i, own in enumerate(starts)]
        logits = rows
    outcome: Outcome = {
        "loss": [float(loss.detach())],
        "layers": of_tensors({name: p.data for name, p in module.named_parameters()}),
        "gradient": of_tensors({name: p.grad for name, p in module.named_parameters()}),
        "distance": [float(head.distance(answer, answer.roll(1, 0), real, 2.0).detach())],
        "labelled": head.labelled(batch),
    }
    table = head.table(logits, head.answers(logits), labels)
    for name in ("label", "prediction", "right"):
        outcome |= {f"{name}: {part}": value for part, value in of_values(getattr(table, name)).items()}
    return Lived(outcome, ())


def _tags() -> np.ndarray:
    from lifespan.contracts import sequences

    return sequences([["A", "B", "A"], ["B", "C"], ["C", "A", "B"], ["A", "A"]])


_HEADS: Mapping[str, tuple[Head, np.ndarray]] = {
    "ClassHead": (lifespan.ClassHead(count=3), np.array([0, 1, 2, 1])),
    "ScoreHead": (lifespan.ScoreHead(low=0.0, high=5.0), np.array([0.0, 2.5, 5.0, 1.0])),
    "TagHead": (lifespan.TagHead(labels=("A", "B", "C")), _tags()),
}


def _objective(kind: type[Objective]) -> Lived:
    subject, objective = grown(DEVELOPED), kind()
    passages = MicroText(number=40).passages()
    source = objective.source(passages, subject.tokenizer, length=16, batch_size=16, streams=Streams(0, "golden"))
    batches = [source.batch(step) for step in range(2)]
    outcome: Outcome = {"words": of_text(json.dumps([batch["input_ids"].tolist() for batch in batches]))}
    outcome["asked"] = [float((batch["labels"] != -100).sum()) for batch in batches]
    with torch.inference_mode():
        outcome["loss"] = [float(objective.loss(subject, batch)) for batch in batches]
    found = [objective.predicted(subject, batch) for batch in batches]
    outcome["predicted"] = [float(part.loss) for part in found]
    life = _life((Develop(SHORTLY.corpus, steps=3, batch_size=8, objective=objective),), DEVELOPED)
    return Lived({**outcome, **life.outcome}, (*life.specs, MicroText()))


_BY_FAMILY: Mapping[type, Callable[[Any], Lived]] = {
    Learner: _learner,
    Strategy: _strategy,
    Disorder: _disorder,
    Pruner: _pruner,
    Measure: _measure,
    Contrast: _contrast,
    Event: _event,
    Task: _task,
    Corpus: _corpus,
    Origin: _origin,
    Head: _head,
    Objective: _objective,
}


# Functions that write events.


def _aged(sparsity: float) -> tuple[Event, ...]:
    return (Age(to=sparsity, by=Magnitude()),)


def _regrown(share: float) -> Event:
    return Treat(lifespan.Regrow(severity=share))


def _two_tasks() -> Scenario:
    by = Weights(steps=4)
    return Scenario(name="two", subject=lives.ORIGIN, events=(Learn(FIRST, by=by), Learn(SECOND, by=by)))


_FUNCTIONS: Mapping[str, Callable[[], Any]] = {
    "accelerating": lambda: lifespan.accelerating(to=0.8, in_steps=4, each=_aged),
    "at_once": lambda: lifespan.at_once(to=0.6, each=_aged),
    "gradually": lambda: lifespan.gradually(to=0.8, in_steps=4, each=_aged),
    "normative": lambda: lifespan.normative(each=_aged, by=Magnitude(), grow=_regrown),
    "slowly": lambda: lifespan.slowly(lifespan.SynapseLoss(severity=0.6), in_steps=3),
    "steadily": lambda: lifespan.steadily(to=0.6, in_steps=3, each=_aged),
    "stream": lambda: lifespan.stream(FIRST, SECOND, THIRD, by=Weights(steps=8), shuffled=3, times=2, thin=16, blur=0.25),
    "rehabilitate": lambda: lifespan.rehabilitate(Items(FIRST, share=0.25), by=Weights(steps=4)),
    "joint_twins": lambda: [s.events for s in lifespan.joint_twins(_two_tasks(), look=EVALUATION).values()],
    "robustness": lifespan.robustness,
    "usual": lifespan.usual,
}


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, Spec):
        yield json.dumps(_without_revisions(value.to_data()), sort_keys=True)
    else:
        for part in value:
            yield from _written(part)


def _without_revisions(data: Any) -> Any:
    """Data without revisions: a class's own is compared where the class is."""
    if isinstance(data, dict):
        return {name: _without_revisions(value) for name, value in data.items() if name != "revision"}
    return [_without_revisions(value) for value in data] if isinstance(data, list) else data

"""What the rows of a study say against it before anything is lived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lifespan.contracts import Corpus, Effort, Task
from lifespan.study.events import Develop, Learn, Recover
from lifespan.study.plan import Plan
from lifespan.tasks.checks import CUT, SHARED, facts_of, oddities, refuse_absurd, share_longer, shared_facts


def check_data(plan: Plan, warn: Callable[[str], None]) -> dict[str, Any]:
    """What `study.json` keeps under "data_checks".

    "learned": by task what `lifespan.tasks.checks.facts_of` counts, with `longer`, the share of texts with more words than an
    event reads tokens, by length; "texts": the same share by corpus; "evaluated": by probe, how many rows of other data are
    training rows of the skill that answers them. Raises `DataError` for what is absurd; what is odd is told to `warn`.
    """
    tasks = {task.title: task for step in plan.nodes.values() for task in step.tasks}
    learned = {title: facts_of(task) for title, task in tasks.items()}
    for title, task in tasks.items():
        refuse_absurd(task, learned[title])
        for text in oddities(title, learned[title]):
            warn(text)
    texts: dict[str, Any] = {}
    for source, length in _texts_read(plan):
        share = share_longer(source, length)
        facts = learned[source.title] if isinstance(source, Task) else texts.setdefault(source.title, {})
        facts.setdefault("longer", {})[str(length)] = round(share, 4)
        if share >= CUT:
            warn(f"{source.title}: at least {share:.0%} of the texts are longer than length={length} tokens, and cut there")
    evaluated = dict(_evaluated(plan, tasks, warn))
    _warn_of_twins(plan, warn)
    return {"learned": learned, "texts": texts, "evaluated": evaluated}


def _texts_read(plan: Plan) -> Iterator[tuple[Task | Corpus, int]]:
    """Every text that is learned from with the length at which an event cuts it, each once."""
    seen = set()
    for step in plan.nodes.values():
        event = step.event
        sources: tuple[Task | Corpus, ...] = ()
        if isinstance(event, Develop):
            sources = (event.corpus,)
        elif isinstance(event, Learn | Recover):
            sources = event.tasks if isinstance(event, Learn) else step.tasks
        for source in sources:
            assert isinstance(event, Develop | Learn | Recover)
            if (source.title, event.length) not in seen:
                seen.add((source.title, event.length))
                yield source, event.length


def _evaluated(plan: Plan, learned: dict[str, Task], warn: Callable[[str], None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(probe, facts) of data that no life learns, against the training rows of the skills that are asked."""
    for effort, title, skills in _looks(plan):
        data, split = effort.source, effort.split
        assert isinstance(data, Task) and split is not None
        rows = data.examples(split)
        facts: dict[str, Any] = {"data": data.title, "split": split, "rows": len(rows)}
        for skill in skills:
            task = learned.get(skill)
            if task is None:
                continue
            facts["training_rows"] = shared_facts(task.population(), rows)["shared_rows"]
            if facts["training_rows"] > SHARED * len(rows):
                share = f"{facts['training_rows']:,} of {len(rows):,}"
                warn(f"{title}: {share} rows are training rows of {skill!r}; they are no other domain")
        yield title, facts


def _looks(plan: Plan) -> Iterator[tuple[Effort, str, tuple[str, ...]]]:
    """Evaluations that read data of their own, each measure once."""
    seen = set()
    for step in plan.nodes.values():
        for evaluation in step.evaluations:
            measure = evaluation.measure
            if not measure.skills or measure.digest() in seen:
                continue
            seen.add(measure.digest())
            for effort in measure.effort(step.tasks):
                if isinstance(effort.source, Task) and effort.split is not None and effort.source not in step.tasks:
                    yield effort, measure.title, measure.skills


def _warn_of_twins(plan: Plan, warn: Callable[[str], None]) -> None:
    """Tell of two measures of one kind and title at one moment: their rows look the same."""
    told = set()
    for step in plan.nodes.values():
        first: dict[tuple[str, str], str] = {}
        for evaluation in step.evaluations:
            data = evaluation.measure.to_data()
            # Rows say which split they are of.
            bare = repr({name: value for name, value in sorted(data.items()) if name != "split"})
            key = (evaluation.title, str(data.get("split")))
            if first.setdefault(key, bare) != bare and key not in told:
                told.add(key)
                warn(f"{evaluation.title}: two probes of this name are read at one moment, and their rows look the same")

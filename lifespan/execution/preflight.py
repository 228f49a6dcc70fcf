"""What can be said of a study's bodies and texts before anything is lived: are the words known, are they read to the end?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from lifespan.contracts import Body, Corpus, Origin, Task, thinning
from lifespan.contracts.spec import Spec
from lifespan.culprits import unborn
from lifespan.errors import MachineError, ScenarioError
from lifespan.model.subject import find_synapses
from lifespan.randomness import Streams
from lifespan.study.events import Develop, Learn, Recover
from lifespan.study.identity import parts_of
from lifespan.study.plan import Plan, Step
from lifespan.subjects.bodies import check_words, limit_length

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROWS = 500
"""Rows of a source that are read at most."""
KNOWS_NOTHING, TELLING = 0.9, 0.05
"""Shares of unknown tokens at which a study is refused, and from which on the user is told."""

BYTES = 16
"""Bytes for each weight that learns: the weight, its gradient and the optimizer's two moments."""

Source = Task | Corpus


def check_inputs(plan: Plan, warn: Callable[[str], None]) -> dict[str, Any]:
    """What `study.json` keeps under "checks"; raises `ScenarioError` where a body could not read what it is given.

    By origin and source: `unknown`, the share of tokens that the tokenizer does not know in at most 500 rows, special tokens
    not counted, and `cut`, the share of those rows that the body reads no further than its positions, though the events ask
    for more. Each origin is built once.
    """
    found: dict[str, Any] = {}
    for origin, seed, sources, specs in _readings(plan):
        check_memory(origin)
        body = _built(origin, seed)
        shapes = {name: tuple(weight.shape) for name, weight in find_synapses(body.encoder)}
        for spec in specs.values():
            spec.check_matrices(shapes)
        limit_length(body.encoder, body.tokenizer)
        check_words(body, origin.describe())
        told = found.setdefault(origin.describe(), {})
        for source, length in sources.values():
            unknown, cut = _shares(body.tokenizer, source, length)
            told[source.title] = {"unknown": round(unknown, 4), "cut": round(cut, 4)}
            _judge(origin.describe(), source.title, unknown, cut, (length, body.tokenizer.model_max_length), warn)
    return found


def _built(origin: Origin, seed: int) -> Body:
    try:
        return origin.build(Streams(seed, "birth"))
    except Exception as error:
        raise unborn(origin.describe(), error) from error


def check_memory(origin: Origin) -> None:
    """Raise `MachineError` for a subject whose weights, gradients and moments do not fit into what this machine has at all."""
    size = BYTES * (origin.size() or {}).get("synapses", 0)
    memory = psutil.virtual_memory().total
    if size > memory:
        what = f"needs about {size / 2**30:,.0f} GiB to learn; this machine has {memory / 2**30:,.0f}."
        raise MachineError(origin.describe(), what, "Make it smaller, or use a machine with more.")


def _judge(who: str, title: str, unknown: float, cut: float, lengths: tuple[int, int], warn: Callable[[str], None]) -> None:
    if unknown >= KNOWS_NOTHING:
        what = f"its tokenizer knows {1 - unknown:.0%} of the tokens of {title!r}, so nothing can be learned from them."
        raise ScenarioError(who, what, "Give a body whose tokenizer is made for these texts, with its files.")
    if unknown >= TELLING:
        warn(f"{who}: {unknown:.0%} of the tokens of {title!r} are unknown to its tokenizer")
    if cut > 0:
        warn(f"{who}: reads {lengths[1]} tokens at most, so {cut:.0%} of the texts of {title!r} are cut short of {lengths[0]}")


Read = tuple[Origin, int, dict[str, tuple[Source, int]], dict[int, Spec]]


def _readings(plan: Plan) -> Iterator[Read]:
    """(origin, seed, the longest reading of each source, all specs of its lives) of every distinct origin."""
    found: dict[str, Read] = {}
    for life in plan.lives:
        if life.individual:
            continue
        origin = plan.study.groups[life.group].subject
        _, _, sources, specs = found.setdefault(origin.digest(), (origin, life.seed, {}, {}))
        for step in life.steps:
            specs.update((id(spec), spec) for spec in _specs(step))
            for source, length in _read_in(step):
                known = sources.get(source.digest(), (source, 0))[1]
                sources[source.digest()] = source, max(length, known)
    yield from found.values()


def _specs(step: Step) -> Iterator[Spec]:
    """What happens in a step and how it is looked at, with every part."""
    pending: list[Spec] = [step.event, *(look.measure for look in step.evaluations)]
    while pending:
        yield (spec := pending.pop())
        pending += parts_of(spec)


def _read_in(step: Step) -> Iterator[tuple[Source, int]]:
    event = step.event
    if isinstance(event, Develop):
        yield event.corpus, event.length
    elif isinstance(event, Learn):
        yield from ((task, event.length) for task in event.tasks)
    elif isinstance(event, Recover):
        yield from ((task, event.length) for task in step.tasks)
    for look in step.evaluations:
        yield from ((effort.source, effort.length) for effort in look.measure.effort(step.tasks))


def _shares(tokenizer: PreTrainedTokenizerBase, source: Source, length: int) -> tuple[float, float]:
    """(share of unknown tokens, share of rows that are cut although `length` would leave them whole)."""
    first, second = _sample(source)
    single = [i for i, text in enumerate(second) if text is None]
    double = [i for i, text in enumerate(second) if text is not None]
    rows = []
    for chosen, texts in ((single, (first,)), (double, (first, second))):
        if chosen:
            given = [[column[i] for i in chosen] for column in texts]
            rows += tokenizer(*given, truncation=True, max_length=length)["input_ids"]
    plain = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    tokens = np.array([token for row in rows for token in row if token not in plain])
    unknown = float((tokens == tokenizer.unk_token_id).mean()) if len(tokens) else 1.0
    return unknown, float(np.mean([len(row) > tokenizer.model_max_length for row in rows]))


def _sample(source: Source) -> tuple[list[str], list[str | None]]:
    """First and second texts of at most `ROWS` rows, the same at every call."""
    if isinstance(source, Corpus):
        passages = list(source.passages())
        chosen = [passages[i] for i in thinning(f"{source.title}/checks", len(passages), min(ROWS, len(passages)))]
        parts = [(passage, None) if isinstance(passage, str) else passage for passage in chosen]
        return [part[0] for part in parts], [part[1] for part in parts]
    rows = source.examples(source.splits[0])
    rows = rows.take(thinning(f"{source.title}/checks", len(rows), min(ROWS, len(rows))))
    second: list[str | None] = [None] * len(rows) if rows.second is None else list(rows.second)
    return list(rows.first), second

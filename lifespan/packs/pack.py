"""Packs: one shared base and, for every skill, a head and a coded mask, as data alone.

A pack is a folder of JSON, safetensors and range-coded bits (see `lifespan.packs.format`); it is written by `save_pack` and
read by `load_pack`, which need no network and run no code that comes with it. The language head is left out: a loaded
subject answers its tasks, and its language head is newborn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lifespan.contracts import ClassHead, Examples, Head, ScoreHead, Task
from lifespan.contracts.head import head_data, head_of
from lifespan.errors import RecordError, ScenarioError, UserError, did_you_mean
from lifespan.packs.format import (
    ATTENTIONS,
    BASES,
    HEADS,
    LARGEST_TEXT,
    MANIFEST,
    Manifest,
    Opened,
    SkillFacts,
    adapter_file,
    check_place,
    head_file,
    mask_file,
    open_pack,
    parsed,
    refusing,
    seal,
    write_folder,
)
from lifespan.tasks.tags import TagHead

if TYPE_CHECKING:
    import torch

    from lifespan.model.subject import Skill, Subject

HEADS_HERE: tuple[type[Head], ...] = (ClassHead, ScoreHead, TagHead)


class Answered(Protocol):
    """What a pack keeps of a task: any `Task` has it."""

    @property
    def title(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def score_range(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Part:
    """Bytes of one part of a pack; for masks also `floor`, the entropy of their flips in bytes (see `mask_coding`)."""

    name: str
    kind: str
    bytes: int
    floor: float | None = None


@dataclass(frozen=True)
class PackReport:
    """The sizes of a pack that was written. `full` are the bytes of a whole fp32 checkpoint, encoder and head, per skill."""

    folder: Path
    base: str
    parts: tuple[Part, ...]
    full: Mapping[str, int]

    @property
    def total(self) -> int:
        """Bytes of the pack on disk."""
        return sum(part.bytes for part in self.parts)

    @property
    def ratio(self) -> float:
        """How many times smaller the pack is than one full checkpoint per skill."""
        return sum(self.full.values()) / self.total

    @property
    def coded(self) -> int:
        """Bytes of all coded masks."""
        return sum(part.bytes for part in self.parts if part.floor is not None)

    @property
    def floor(self) -> float:
        """Entropy floor of all coded masks in bytes."""
        return sum(part.floor for part in self.parts if part.floor is not None)


@dataclass(frozen=True)
class Agreement:
    """How a loaded pack's answers compare with those of the subject that was packed, on one split.

    `same` is the share of equal answers (all tags of a sentence; scores: within 1% of the range), `largest` the largest
    difference of an output of the task's head.
    """

    task: str
    split: str
    n: int
    same: float
    largest: float


@dataclass(frozen=True)
class Pack:
    """A loaded pack. `tasks` has for every skill its labels (or score range) and how it was learned."""

    folder: Path
    manifest: Manifest
    tasks: Mapping[str, SkillFacts]
    loaded: Subject

    def subject(self) -> Subject:
        """The subject, as `lifespan.training.evaluation` takes it."""
        return self.loaded

    def skill(self, title: str) -> Skill:
        """One skill: head and mask. Raises `RecordError` for a title that is not in the pack."""
        return self.loaded.skills[self._facts(title).title]

    def answer(self, task: str, first: Sequence[str] | str, second: Sequence[str] | str | None = None) -> list[Any]:
        """Answers to sentences, or pairs of them, in order: names of classes, scores inside the task's range, lists of tags.

        Words that are tagged are those between single spaces of a sentence. Raises `RecordError` where outputs are not finite.
        """
        from lifespan.training.evaluation import predictions

        facts = self._facts(task)
        sentences = _Sentences(
            facts=facts,
            form=self.loaded.skills[facts.title].form,
            first=_several(first),
            second=None if second is None else _several(second),
        )
        if sentences.second is not None and len(sentences.second) != len(sentences.first):
            raise RecordError(
                f"answer({task!r})",
                f"got {len(sentences.first)} first and {len(sentences.second)} second sentences.",
                "Give pairs.",
            )
        if not sentences.first:
            return []
        if facts.pairs is not None and facts.pairs != (sentences.second is not None):
            kinds = ("single sentences", "pairs of sentences")
            what = f"got {kinds[not facts.pairs]}, but the skill answers {kinds[facts.pairs]}."
            remedy = f"Write answer({task!r}, first, second)." if facts.pairs else f"Write answer({task!r}, sentences)."
            raise RecordError(f"answer({task!r})", what, remedy)
        with refusing(self.folder, "cannot answer"):
            answers, _ = predictions(self.loaded, sentences, "asked", 128)
        if sentences.head.unanswered(answers).any():
            remedy = "Pack the subject at an earlier event."
            raise RecordError(f"answer({task!r})", "the outputs are not finite.", remedy)
        return sentences.head.readable(answers, facts.labels)

    def _facts(self, title: str) -> SkillFacts:
        if title not in self.tasks:
            raise RecordError(f"{self.folder}: {title!r}", "is no skill of this pack.", did_you_mean(title, self.tasks))
        return self.tasks[title]


@dataclass(frozen=True, kw_only=True)
class _Sentences(Task):
    """Given sentences as the one split of a task."""

    facts: SkillFacts
    form: Head
    first: tuple[str, ...]
    second: tuple[str, ...] | None = None

    @property
    def title(self) -> str:
        return self.facts.title

    @property
    def labels(self) -> tuple[str, ...]:
        return self.facts.labels

    @property
    def head(self) -> Head:
        return self.form

    @property
    def metrics(self) -> tuple[str, ...]:
        return ()

    @property
    def score_range(self) -> tuple[float, float]:
        return self.facts.score_range

    @property
    def splits(self) -> tuple[str, ...]:
        return ("asked",)

    def load(self, split: str) -> Examples:
        return Examples(self.first, self.second, np.zeros(len(self.first)))


def save_pack(
    subject: Subject,
    folder: str | Path,
    *,
    base: str = "fp32",
    heads: str = "fp32",
    tasks: Iterable[Answered] = (),
    title: str = "",
    origin: Mapping[str, Any] | None = None,
    force: bool = False,
) -> PackReport:
    """Write a subject's skills as a pack: the shared base once, then a head and a coded mask for each.

    `base` is the precision of the shared weights: "fp32" (answers stay the same bit for bit), "bf16", "int8" or "int4";
    `heads` that of the heads, "fp32" or "bf16". `tasks` give the classes their names; `title` and `origin` are facts of your
    own. An existing pack is replaced only with `force`, other files never.
    """
    for name, value, known in (("base", base, BASES), ("heads", heads, HEADS)):
        if value not in known:
            raise ScenarioError(f"save_pack({name}={value!r})", "is not known here.", did_you_mean(value, known))
    place = Path(folder)
    check_place(place, force=force)
    contents, manifest, floors = _contents(subject, place, base, heads, {task.title: task for task in tasks}, title, origin)
    everything = {**contents, MANIFEST: seal(manifest, contents, _versions())}
    write_folder(place, everything, force=force)
    return PackReport(place, base, _parts(manifest, everything, floors), _full(subject))


def load_pack(folder: str | Path, device: str = "cpu", *, heads: Sequence[type[Head]] = ()) -> Pack:
    """Read a pack. Raises `RecordError` for whatever is missing, damaged or not as a pack has it; runs no code of it.

    `heads` are the classes of heads that a pack may name beside this package's own; no other class is imported.
    """
    import torch

    with torch.random.fork_rng(devices=[]), refusing(folder, f"cannot be loaded onto {device!r}"):
        return _loaded(open_pack(folder), device, (*HEADS_HERE, *heads))


def _loaded(opened: Opened, device: str, known: Sequence[type[Head]]) -> Pack:
    from lifespan.model.subject import Subject
    from lifespan.packs.body import check_config, check_words, rebuild, rebuild_tokenizer, skeleton
    from lifespan.packs.tensors import Tensors, read_adapter, read_base, read_head, read_masks
    from lifespan.packs.tokenizer_checks import LARGEST

    manifest, place = opened.manifest, opened.folder
    config = parsed(opened.read("config.json", LARGEST_TEXT), place / "config.json")
    check_config(config, place / "config.json")
    shapes = skeleton(config, manifest.attention, place / "config.json")
    weights = read_base(opened, shapes)
    tokenizer = rebuild_tokenizer(opened.read("tokenizer.json", LARGEST), manifest.words, place / "tokenizer.json")
    body = rebuild(config, manifest.attention, tokenizer, place / "config.json")
    subject = Subject(body, device=device, precision=manifest.precision)
    check_words(tokenizer, subject.encoder, place / "tokenizer.json")
    state: dict[str, Tensors] = {"encoder": weights, "language": {}, **read_masks(opened, weights, subject)}
    skills = {skill.title: _skill_facts(skill) for skill in manifest.skills}
    for number, skill in enumerate(manifest.skills):
        head = head_of(skills[skill.title], f"{place / MANIFEST}, skill {skill.title!r}", known)
        state[f"head/{skill.title}"] = read_head(opened, head_file(number), subject.width, head)
        if skill.rank:
            state[f"addition/{skill.title}"] = read_adapter(opened, adapter_file(number), subject, skill.rank)
    subject.load({"age": manifest.age, "skills": skills}, state)
    return Pack(place, manifest, {skill.title: skill for skill in manifest.skills}, subject)


def agreement(original: Subject, packed: Subject, task: Task, split: str | None = None, length: int = 128) -> Agreement:
    """How the answers of two subjects compare on a split of a task (default: its second)."""
    from lifespan.training.evaluation import predictions, task_logits

    chosen = split or task.splits[1]
    (one, _), (two, _) = (task_logits(subject, task, chosen, length) for subject in (original, packed))
    (first, _), (second, _) = (predictions(subject, task, chosen, length) for subject in (original, packed))
    low, high = task.score_range
    near = isinstance(task.head, ScoreHead)
    same = np.abs(first - second) <= 0.01 * (high - low) if near else np.array(first == second, dtype=bool)
    difference = max(float(np.nanmax(np.abs(a - b), initial=0.0)) for a, b in zip(one, two, strict=True))
    return Agreement(task.title, chosen, len(same), float(same.mean()), difference)


def _packable(subject: Subject, where: str) -> dict[str, torch.Tensor]:
    """The encoder's parameters by name. Raises `RecordError` where a pack could not hold the subject."""
    import torch

    from lifespan.packs.body import learned_buffers

    if not subject.skills:
        raise RecordError(where, "the subject has no skill to pack.", "Export a life after it has learned a task.")
    learned = learned_buffers(subject.encoder)
    if learned:
        what = f"the encoder has buffers that training changes ({learned[0]}), and a pack holds parameters alone."
        raise RecordError(where, what, "Pack a body without them, such as one with LayerNorm in BatchNorm's place.")
    parameters = {name: value.data for name, value in subject.encoder.named_parameters()}
    if not all(bool(torch.isfinite(value).all()) for value in parameters.values()):
        raise RecordError(where, "the subject's weights are not all finite.", "Export an earlier state.")
    return parameters


def _contents(
    subject: Subject,
    place: Path,
    base: str,
    heads: str,
    tasks: Mapping[str, Answered],
    title: str,
    origin: Mapping[str, Any] | None,
) -> tuple[dict[str, bytes], Manifest, dict[str, float]]:
    """All files but the manifest, the manifest, and the entropy floor in bytes of every mask file."""
    import json

    import torch

    from lifespan.model.subject import flat
    from lifespan.packs.body import check_words, config_data, rebuild_tokenizer, skeleton, tokenizer_data
    from lifespan.packs.quantization import restored, stored
    from lifespan.packs.tensors import code_masks, tensor_bytes

    where = str(place)
    parameters = _packable(subject, where)
    implementation = subject.encoder.config._attn_implementation
    attention = implementation if implementation in ATTENTIONS else "sdpa"
    config = config_data(subject.encoder, where)
    if skeleton(config, attention, where) != {name: tuple(value.shape) for name, value in parameters.items()}:
        raise RecordError(where, "the subject's encoder is not the one that its configuration describes.")
    words, settings = tokenizer_data(subject.tokenizer, where)
    check_words(rebuild_tokenizer(words, settings, place), subject.encoder, place)
    kept = {k: v for name, value in parameters.items() for k, v in stored(name, value, base).items()}
    bare = {name: restored(name, kept, tuple(value.shape), base).numpy() for name, value in subject.synapses.items()}
    masks, floors = code_masks(subject, bare)
    contents = {
        "config.json": json.dumps(config, indent=1).encode(),
        "tokenizer.json": words,
        "base.safetensors": tensor_bytes(kept),
        **masks,
    }
    kind = torch.bfloat16 if heads == "bf16" else torch.float32
    for number, skill in enumerate(subject.skills.values()):
        head = {name: value.data.to(kind) for name, value in skill.head.named_parameters()}
        contents[head_file(number)] = tensor_bytes(head)
        if skill.addition is not None:
            contents[adapter_file(number)] = tensor_bytes({n: factor.to(kind) for n, factor in flat(skill.addition).items()})
    manifest = Manifest(
        title=title,
        base=base,
        heads=heads,
        precision=subject.precision,
        attention=attention,
        age=subject.age,
        skills=tuple(_facts(name, skill, tasks.get(name)) for name, skill in subject.skills.items()),
        language=subject.language_mask is not None,
        words=settings,
        origin=dict(origin or {}),
    )
    return {name: contents[name] for name in manifest.files}, manifest, floors


def _facts(title: str, skill: Skill, task: Answered | None) -> SkillFacts:
    known = getattr(skill.form, "labels", None) or tuple(str(number) for number in range(skill.outputs))
    labels = tuple(task.labels) if task is not None else known
    # A head of another kind says itself how its outputs become labels.
    other = head_data(skill.form).get("head") if not isinstance(skill.form, ScoreHead) else None
    if len(labels) != skill.outputs and other is None:
        raise RecordError(
            title, f"the skill has {skill.outputs} outputs, its task {len(labels)} labels.", "Give its own task."
        )
    low, high = task.score_range if task is not None else (0.0, 1.0)
    rank = next((down.shape[0] for _, down in (skill.addition or {}).values()), 0)
    bounds = (float(low), float(high))
    alive = skill.mask is not None
    return SkillFacts(title, skill.outputs, skill.plasticity, alive, labels, bounds, rank, other, _pairs(task))


def _pairs(task: Answered | None) -> bool | None:
    """Whether a task is one of pairs; None where its rows are not to be had."""
    if not isinstance(task, Task):
        return getattr(task, "pairs", None)
    try:
        return task.examples(task.splits[1]).second is not None
    except UserError:
        return None


def _skill_facts(skill: SkillFacts) -> dict[str, Any]:
    """What `Subject.load` takes of a skill."""
    low, high = skill.score_range
    score = ScoreHead(low=low, high=high).to_data() if not skill.outputs and skill.head is None else None
    head = skill.head if skill.head is not None else score
    return {"outputs": skill.outputs, "plasticity": skill.plasticity, **({} if head is None else {"head": head})}


def _parts(manifest: Manifest, everything: Mapping[str, bytes], floors: Mapping[str, float]) -> tuple[Part, ...]:
    sizes = {name: len(data) for name, data in everything.items()}
    parts = [
        Part("base", "base", sizes["base.safetensors"]),
        Part("anatomy", "mask", sizes["alive.mask"], floors["alive.mask"]),
    ]
    if manifest.language:
        parts.append(Part("language", "mask", sizes["language.mask"], floors["language.mask"]))
    for number, skill in enumerate(manifest.skills):
        parts.append(Part(skill.title, "head", sizes[head_file(number)]))
        if skill.masked:
            parts.append(Part(skill.title, "mask", sizes[mask_file(number)], floors[mask_file(number)]))
        if skill.rank:
            parts.append(Part(skill.title, "adapter", sizes[adapter_file(number)]))
    parts.append(Part("tokenizer", "tokenizer", sizes["tokenizer.json"]))
    parts.append(Part("description", "description", sizes["config.json"] + sizes[MANIFEST]))
    return tuple(parts)


def _full(subject: Subject) -> dict[str, int]:
    body = sum(value.numel() for value in subject.encoder.parameters())
    heads = {title: sum(value.numel() for value in skill.head.parameters()) for title, skill in subject.skills.items()}
    return {title: 4 * (body + head) for title, head in heads.items()}


def _versions() -> dict[str, str]:
    from importlib import metadata

    import lifespan

    others = {name: metadata.version(name) for name in ("torch", "transformers", "constriction")}
    return {"lifespan": lifespan.__version__, **others}


def _several(text: Sequence[str] | str) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)

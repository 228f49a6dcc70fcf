"""Matching of a skill's classes with those of other data: by name, or as the user maps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.errors import ScenarioError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

NOT_ENTAILED = ("neutral", "contradiction")


@dataclass(frozen=True)
class Matching:
    """Common classes in the order of the data's labels; for each label of skill and data the index of its class (int64)."""

    names: tuple[str, ...]
    answers: np.ndarray
    labels: np.ndarray


def matching(where: str, skill: Sequence[str], data: Sequence[str], meaning: Mapping[str, str]) -> Matching:
    """The common classes of a skill's labels and the data's.

    `meaning` renames labels of the skill, and labels of the data that the skill does not have, or that mean what the data do
    not have. Raises `ScenarioError` for a key that is no label, and unless both sides end up with the same classes.
    """
    import numpy as np

    skill_names, data_names = {plain(label) for label in skill}, {plain(label) for label in data}
    for key in meaning:
        if plain(key) not in skill_names | data_names:
            what = f"meaning= speaks of {key!r}, a label of neither the skill nor the data."
            raise ScenarioError(where, what, did_you_mean(key, dict.fromkeys((*skill, *data))))
    given = {plain(key): plain(value) for key, value in meaning.items()}
    merged = {key: value for key, value in given.items() if key not in skill_names or value not in data_names}
    labels = [merged.get(plain(label), plain(label)) for label in data]
    classes = list(dict.fromkeys(labels))
    answers = [_answer(plain(label), given, classes) for label in skill]
    _refuse_other_answers(where, skill, data, answers, classes, meaning)
    for label, name in zip(data, labels, strict=True):
        if name not in answers:
            what = f"the skill can never answer {label!r}, a label of the data."
            remedy = f"Say what it means to the skill: meaning={{{label!r}: ...}}. Its labels: {', '.join(skill)}."
            raise ScenarioError(where, what, remedy)
    index = {name: number for number, name in enumerate(classes)}
    names = tuple(data[labels.index(name)] if name not in merged.values() else name for name in classes)
    return Matching(names, np.array([index[name] for name in answers]), np.array([index[name] for name in labels]))


def _answer(label: str, given: Mapping[str, str], classes: Sequence[str]) -> str:
    name = given.get(label, label)
    return "notentailment" if name in NOT_ENTAILED and name not in classes and "notentailment" in classes else name


def _refuse_other_answers(
    where: str,
    skill: Sequence[str],
    data: Sequence[str],
    answers: Sequence[str],
    classes: Sequence[str],
    meaning: Mapping[str, str],
) -> None:
    said = {plain(key): value for key, value in meaning.items()}
    for label, name in zip(skill, answers, strict=True):
        if name in classes:
            continue
        value = said.get(plain(label))
        if value is not None:
            what = f"meaning= says that {label!r} means {value!r}, which is none of the data's labels."
            raise ScenarioError(where, what, did_you_mean(value, data))
        unmet = [other for other in data if plain(other) not in answers]
        pairs = ", ".join(f"{other!r}: {label!r}" for other in unmet)
        means = f"{{{pairs}}}" if len(data) > len(skill) and len(unmet) > 1 else f"{{{label!r}: ...}}"
        remedy = f"{did_you_mean(label, data)} Say what it means: meaning={means}."
        raise ScenarioError(where, f"the skill's label {label!r} is none of the data's.", remedy)


def plain(label: str) -> str:
    """Labels compare without case, dashes and underscores, and "non" is "not"."""
    return label.lower().replace("-", "").replace("_", "").replace(" ", "").replace("non", "not", 1)

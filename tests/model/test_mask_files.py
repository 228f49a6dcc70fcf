"""Masks from files: read for what they mean, refused with a sentence before anything is lived, and part of the identity."""

import re

import numpy as np
import pytest
from conftest import TASKS, TINY, tiny_study
from safetensors.numpy import save_file
from small_lives import lived

from lifespan import (
    Age,
    FixedMask,
    Learn,
    Magnitude,
    Masks,
    Probe,
    PublishedOverlap,
    Random,
    Scenario,
    Score,
    UserError,
    simulate,
)
from lifespan.errors import DataError, ScenarioError
from lifespan.model.mask_files import masks_for
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.study.plan import compile_study

TASK = TASKS[0]


def born():
    subject = Subject(TINY.build(Streams(0, "birth")))
    return subject, {name: tuple(weight.shape) for name, weight in subject.synapses.items()}


def drawn(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.random(shape) < 0.4 for name, shape in shapes.items()}


def written(folder, kind, masks):
    if kind == "folder":
        place = folder / "masks"
        place.mkdir()
        for name, mask in masks.items():
            np.save(place / f"{name}.npy", mask)
        return place
    place = folder / f"masks{kind}"
    np.savez_compressed(place, **masks) if kind == ".npz" else save_file(masks, place)
    return place


@pytest.mark.parametrize("kind", [".npz", ".safetensors", "folder"])
@pytest.mark.parametrize("one", [True, np.uint8(1), np.uint8(255), np.float32(1)])
def test_masks_of_every_kind_of_file_and_number_are_read(tmp_path, kind, one):
    _, shapes = born()
    masks = drawn(shapes)
    given = masks if one is True else {name: (mask * one).astype(type(one)) for name, mask in reversed(masks.items())}
    found = masks_for(written(tmp_path, kind, given), shapes)
    assert list(found) == list(shapes)
    assert all(found[name].dtype == bool and np.array_equal(found[name], masks[name]) for name in shapes)


class Pickled:
    def __reduce__(self):
        return (print, ("read a pickle",))


FIRST = "encoder.layer.0.attention.self.query.weight"
WRONG = [
    (
        "an unknown name",
        lambda m: {**m, FIRST.replace("query", "querry"): m[FIRST]},
        "no synapse matrix. Did you mean .*query",
    ),
    ("a missing matrix", lambda m: {n: v for n, v in m.items() if n != FIRST}, f"holds no mask of '{FIRST}'. Give ones for a"),
    ("no matrix", lambda m: {}, f"holds no mask of '{FIRST}' nor of 5 more"),
    ("another shape", lambda m: {**m, FIRST: m[FIRST][:3]}, r"has shape \(3, 16\), its matrix \(16, 16\). Give masks of this"),
    (
        "scores",
        lambda m: {**m, FIRST: m[FIRST] * 0.5},
        "holds 0.5, which is no mask. Give booleans, .* scores first",
    ),
    ("objects", lambda m: {**m, FIRST: np.array([Pickled()])}, "not readable as masks .*allow_pickle=False"),
    ("texts", lambda m: {**m, FIRST: np.array(["a"])}, "entries of type <U1 are no mask"),
]


@pytest.mark.parametrize(("masks", "text"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_no_mask_of_this_body_is_refused(tmp_path, masks, text, capsys):
    _, shapes = born()
    place = tmp_path / "masks.npz"
    np.savez(place, **masks(drawn(shapes)))
    with pytest.raises(DataError, match=text) as caught:
        masks_for(place, shapes)
    assert str(caught.value).startswith(str(place)) and not capsys.readouterr().out


def test_a_turned_matrix_is_told_to_be_transposed(tmp_path):
    _, shapes = born()
    masks = {name: mask.T for name, mask in drawn(shapes).items()}
    with pytest.raises(DataError, match=r"shape \(16, 32\), its matrix \(32, 16\). Transpose it: rows are outputs"):
        masks_for(written(tmp_path, ".npz", masks), shapes)


@pytest.mark.parametrize("name", ["masks.npz", "masks.safetensors"])
def test_files_that_are_none_are_refused(tmp_path, name):
    _, shapes = born()
    with pytest.raises(DataError, match="does not exist"):
        masks_for(tmp_path / name, shapes)
    (tmp_path / name).write_bytes(b"no archive at all")
    with pytest.raises(DataError, match="is not readable as masks"):
        masks_for(tmp_path / name, shapes)
    np.save(tmp_path / "one.npy", np.ones(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(DataError, match="it is one array and no archive"):
        masks_for(tmp_path / "one.npz", shapes)


def test_arguments_are_checked_where_they_are_typed():
    for wrong, text in (("masks.pt", "is no file of masks. Give a .npz"), ("", "must be a path"), (3, "must be a path")):
        with pytest.raises(ScenarioError, match=re.escape(text)):
            FixedMask(masks=wrong)
        with pytest.raises(ScenarioError, match=re.escape(text)):
            PublishedOverlap(wrong)
    for other in ({"by": Magnitude()}, {"sparsity": 0.3}):
        with pytest.raises(ScenarioError, match=r"is the whole choice. Leave out by= and sparsity="):
            FixedMask(masks="a.npz", **other)
    assert FixedMask(by=Random()).digest() == "cbb8aa7371ad2d437ed66f216c50b836327fb9e1edb4cda6a5115e802153a540"


def study(*events):
    return tiny_study(life=Scenario(name="life", subject=TINY, events=events))


def lesson(place, weights=False):
    return Learn(TASK, by=FixedMask(masks=place, weights=weights, steps=4, rate=1e-3))


@pytest.mark.parametrize("event", [lambda p: lesson(p), lambda p: Probe(PublishedOverlap(p))], ids=["learner", "measure"])
def test_masks_of_another_body_are_refused_before_anything_is_lived(tmp_path, event):
    place = written(tmp_path, ".npz", {"encoder.layer.7.x.weight": np.ones((2, 2))})
    with pytest.raises(UserError, match=r"masks.npz: holds a mask of 'encoder.layer.7.x.weight', which is no synapse matrix"):
        simulate(study(Learn(TASK, by=Masks(steps=2)), event(place), Probe(Score())), tmp_path / "run")
    assert not list((tmp_path / "run").rglob("node.json"))


@pytest.mark.parametrize("weights", [False, True])
def test_a_published_mask_becomes_the_tasks_own_and_the_dead_stay_dead(tmp_path, weights):
    _, shapes = born()
    masks = drawn(shapes)
    place = written(tmp_path, ".safetensors", masks)
    subject, found = lived(Age(to=0.3, by=Random()), lesson(place, weights), Probe(PublishedOverlap(place)))
    kept = subject.skills[TASK.title].mask
    alive = {name: value.numpy() for name, value in subject.alive.items()}
    assert all(np.array_equal(kept[name], masks[name] & alive[name]) for name in masks)
    values = {(task, metric): value for _, task, metric, value in found}
    both = sum((alive[n] & masks[n]).sum() for n in masks)
    assert values["", "jaccard"] == pytest.approx(both / sum((alive[n] | masks[n]).sum() for n in masks))
    assert values[TASK.title, "jaccard"] == pytest.approx(both / sum(m.sum() for m in masks.values()))


def test_the_content_of_the_file_is_part_of_the_identity(tmp_path):
    _, shapes = born()
    place = written(tmp_path, ".npz", drawn(shapes))
    events = (Learn(TASKS[1], by=Masks(steps=2)), lesson(place), Probe(PublishedOverlap(place), Score()))

    def digests():
        steps = compile_study(study(*events), precision="fp32").lives[0].steps
        return [step.digest for step in steps], {look.title: look.digest for look in steps[-1].evaluations}

    steps, looks = digests()
    np.savez(place, **drawn(shapes, seed=1))
    then, looks_then = digests()
    assert [a == b for a, b in zip(steps, then, strict=True)] == [True, True, False]
    assert all(looks[title] != looks_then[title] for title in looks)

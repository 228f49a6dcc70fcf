"""Portraits against what was planted: known weights, masks and attention; and nothing of it disturbs the subject."""

import numpy as np
import pandas as pd
import pytest
import torch
from architectures import KINDS
from architectures import born as built
from conftest import TASKS
from small_lives import born, content, same

from lifespan import Masks, Micro, MicroTask, Portrait, Probe, Scenario, Study, Weights, read, simulate
from lifespan.contracts import Bulk
from lifespan.errors import ScenarioError
from lifespan.model.anatomy import anatomy_of
from lifespan.randomness import Streams
from lifespan.study.events import Learn

BODY = Micro(layers=2, width=16, heads=2, feed_forward=32)
TASK = TASKS[0]
NAME = {TASK.title: TASK}


def portrait(subject, tasks=NAME, **how):
    """(rows of the table, {(task, metric): value})."""
    found = list(Portrait(**how).read(subject, tasks, Streams(0, "look")))
    rows = pd.concat([pd.DataFrame(dict(part.columns)) for part in found if isinstance(part, Bulk)], ignore_index=True)
    return rows, {(part.task, part.metric): part.value for part in found if not isinstance(part, Bulk)}


@pytest.fixture
def subject():
    return born(TASK, origin=BODY)


def test_known_weights_give_the_known_histogram(subject):
    layer = anatomy_of(subject.encoder)[1]
    name = layer.neurons.output
    planted = torch.full_like(subject.synapses[name].data, 0.05)
    planted[0, :7], planted[1, :3], planted[2, :2], planted[3, :5] = -0.15, 9.0, -9.0, 0.3
    subject.synapses[name].data.copy_(planted)
    subject.alive[name][4] = False
    rows, _ = portrait(subject, bins=4, reach=0.2)
    mine = rows[(rows["part"] == "weights") & (rows["layer"] == 1) & (rows["name"] == "feed-forward out")]
    assert list(mine["edge"]) == pytest.approx([-np.inf, -0.2, -0.1, 0.0, 0.1, 0.2]) and list(mine["unit"]) == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]
    rest = planted.numel() - planted.shape[1] - 7 - 3 - 2 - 5
    assert list(mine["value"]) == [2, 7, 0, rest, 0, 8], "below, four bins and above, of living weights alone"
    counts = rows[rows["part"] == "weights"]["value"].sum()
    assert counts == subject.living


def test_sparsity_of_units_is_the_masks(subject):
    layer = anatomy_of(subject.encoder)[0]
    for matrix, rows_of_each in layer.heads.inputs:
        assert rows_of_each == 1
        subject.alive[matrix][: layer.heads.size] = False
    subject.alive[layer.heads.output][:, : layer.heads.size] = False
    subject.alive[layer.neurons.output][:, 3] = False
    rows, _ = portrait(subject)
    heads = rows[(rows["part"] == "heads") & (rows["layer"] == 0)]
    neurons = rows[(rows["part"] == "neurons") & (rows["layer"] == 0)].set_index("unit")["value"]
    assert list(heads["value"]) == [1.0, 0.0]
    assert neurons[3] == pytest.approx(0.5) and neurons.drop(3).eq(0).all(), "its output is dead, its input lives"
    assert rows[(rows["layer"] == 1) & rows["part"].isin(["heads", "neurons"])]["value"].eq(0).all()


def test_a_tasks_mask_is_shown_beside_the_anatomy(subject):
    mask = {name: torch.ones_like(alive) for name, alive in subject.alive.items()}
    layer = anatomy_of(subject.encoder)[1]
    mask[layer.neurons.output][:, 5] = False
    subject.skills[TASK.title].mask = mask
    rows, _ = portrait(subject)
    own = rows[rows["task"] == TASK.title]
    assert own[own["part"] == "weights"]["value"].sum() == sum(int(m.sum()) for m in mask.values())
    neurons = own[(own["part"] == "neurons") & (own["layer"] == 1)].set_index("unit")["value"]
    assert neurons[5] == pytest.approx(0.5) and neurons.drop(5).eq(0).all()
    assert rows[(rows["task"] == "") & (rows["part"] == "neurons")]["value"].eq(0).all()


def test_attention_is_a_distribution_and_that_of_the_weights(subject):
    layer = anatomy_of(subject.encoder)[0]
    for matrix, _ in layer.heads.inputs[:2]:
        subject.synapses[matrix].data.zero_()
    rows, norms = portrait(subject, shown=2)
    maps = rows[rows["part"] == "attention"]
    sums = maps.groupby(["name", "layer", "unit", "row"])["value"].sum()
    assert np.allclose(sums, 1, atol=1e-3) and len(set(maps["name"])) == 2
    words = rows[(rows["part"] == "tokens") & (rows["unit"] == 0)]
    first = maps[maps["name"] == "0"]
    assert len(first) == 2 * 2 * len(words) ** 2 and list(words["row"]) == list(range(len(words)))
    assert words["name"].iloc[0] == subject.tokenizer.cls_token
    # Queries and keys of zero: a layer that attends to all tokens alike.
    assert np.allclose(first[first["layer"] == 0]["value"], 1 / len(words), atol=1e-4)
    assert not np.allclose(first[first["layer"] == 1]["value"], 1 / len(words), atol=1e-4)
    assert {(TASK.title, f"norm/{k}") for k in range(3)} == set(norms)
    assert norms[TASK.title, "norm/2"] == pytest.approx(BODY.width**0.5, rel=0.01), "the last layer is normalised"


def test_sentences_can_be_chosen_and_need_no_task(subject):
    rows, norms = portrait(subject, {}, texts=("the cat sleeps",))
    words = rows[rows["part"] == "tokens"]
    assert set(words["task"]) == {""} and set(rows[rows["part"] == "attention"]["task"]) == {""}
    assert ("", "norm/0") in norms
    newborn, _ = portrait(subject, {})
    assert set(newborn["part"]) == {"weights", "heads", "neurons"}


def test_looking_leaves_everything_as_it_was(subject):
    before, config = content(subject), subject.encoder.config._attn_implementation
    portrait(subject, shown=1)
    assert same(before, subject) and subject.encoder.config._attn_implementation == config
    assert all(parameter.grad is None for parameter in subject.encoder.parameters())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_architecture_has_a_portrait(kind):
    subject = built(kind)
    task = MicroTask("sentiment", train_examples=8, eval_examples=8)
    subject.skill_for(task, "weights", Streams(0, "learn"))
    rows, norms = portrait(subject, {task.title: task}, examples=4)
    maps = rows[rows["part"] == "attention"]
    assert len(maps) and np.allclose(maps.groupby(["layer", "unit", "row"])["value"].sum(), 1, atol=1e-3)
    assert np.isfinite(list(norms.values())).all()


def test_a_life_keeps_its_portraits_and_lives_as_without_them(tmp_path):
    def events(*measures):
        learn = (Learn(TASK, by=by(steps=3)) for by in (Weights, Masks))
        return tuple(event for one in learn for event in (one, *([Probe(*measures)] if measures else ())))

    groups = {"one": Scenario(name="s", subject=BODY, events=events(Portrait()))}
    run = simulate(Study(name="portraits", groups=groups), tmp_path / "with", threads=1).directory
    groups = {"one": Scenario(name="s", subject=BODY, events=events())}
    bare = simulate(Study(name="portraits", groups=groups), tmp_path / "without", threads=1).directory
    rows = read(run).examples("Portrait")
    assert set(rows["step"]) == {1, 2} and {"group", "individual", "age", "part", "value"} <= set(rows)
    assert set(rows[rows["step"] == 2]["task"]) == {"", TASK.title}
    training = read(bare).measurements()
    both = read(run).measurements().query("probe == 'Training'").reset_index(drop=True)
    assert both.equals(training.query("probe == 'Training'").reset_index(drop=True))


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ({"texts": "a text"}, "tuple of texts"),
        ({"texts": ("",)}, "tuple of texts"),
        ({"bins": 1}, "bins"),
        ({"reach": 0.0}, "reach"),
    ],
)
def test_what_a_portrait_cannot_be_of(field, what):
    with pytest.raises(ScenarioError, match=what):
        Portrait(**field)

"""Curvature, slices and barriers: planted landscapes, closed forms, and the subject's own losses."""

import math

import numpy as np
import pytest
import torch
from architectures import KINDS, born
from conftest import TASKS, weights
from small_lives import content, lived, same

from lifespan import Age, Barrier, Bend, Develop, Learn, LossPlane, LossSlice, Magnitude, Masks, Micro, MicroText, Sharpness
from lifespan.model.forward import batch_loss
from lifespan.probes.landscape._bend import bezier, learned_bend
from lifespan.probes.landscape._curvature import hessian_of, top_eigenvalue, trace, twice_differentiable
from lifespan.probes.landscape._losses import barrier, batches_of, between, filter_normalised, loss_at, moved, point_of
from lifespan.randomness import Streams

BODY = Micro(layers=1, width=16, heads=2, feed_forward=32)
SENTIMENT = TASKS[0]
STREAMS = Streams(0, "look/test")
LIFE = (Develop(MicroText(number=100), steps=4, batch_size=8), Learn(SENTIMENT, by=weights(10)))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pupil():
    torch.set_num_threads(1)
    return lived(*LIFE, origin=BODY)[0]


def quadratic(matrix):
    """Parameters in two pieces and the loss x'Ax / 2 of their concatenation."""
    parts = [torch.randn(size, generator=generator(size), requires_grad=True) for size in (3, 4)]

    def loss():
        x = torch.cat(parts)
        return x @ matrix @ x / 2

    return parts, hessian_of(loss, parts)


def symmetric(seed=0):
    drawn = torch.randn(7, 7, generator=generator(seed))
    return drawn + drawn.T


def test_the_trace_of_a_known_hessian_is_recovered():
    matrix = symmetric()
    parts, product = quadratic(matrix)
    like = [torch.ones_like(part) for part in parts]
    value, error = trace(product, like, 4000, generator())
    assert value == pytest.approx(float(matrix.trace()), abs=4 * error) and 0 < error < 0.4
    exact, error = trace(quadratic(torch.diag(torch.arange(1.0, 8.0)))[1], like, 2, generator())
    assert exact == pytest.approx(28.0) and error == pytest.approx(0, abs=1e-5)


def test_the_top_eigenvalue_of_a_known_hessian_is_recovered_with_its_sign():
    for seed in range(3):
        matrix = symmetric(seed)
        parts, product = quadratic(matrix)
        values = torch.linalg.eigvalsh(matrix)
        top = float(values[values.abs().argmax()])
        found, taken = top_eigenvalue(product, [torch.ones_like(part) for part in parts], 2000, generator(), tolerance=1e-9)
        assert found == pytest.approx(top, rel=1e-3) and taken <= 2000


@pytest.mark.parametrize("rivals", [(-9.5,), (9.5, 9.0), (-9.9, 9.8, -9.7)])
def test_the_top_eigenvalue_is_told_from_its_near_rivals_of_either_sign(rivals):
    values = torch.tensor([10.0, *rivals, *np.linspace(-1, 1, 500).tolist()])
    for seed in range(5):
        found, taken = top_eigenvalue(lambda v: [values * v[0]], [torch.ones_like(values)], 40, generator(seed))
        assert found == pytest.approx(10.0, rel=2e-3) and taken < 40


def test_a_loss_without_curvature_and_one_that_overflows_have_their_eigenvalues():
    like = [torch.ones(5)]
    assert top_eigenvalue(lambda v: [0 * v[0]], like, 10, generator()) == (0.0, 1)
    assert math.isnan(top_eigenvalue(lambda v: [v[0] * float("inf")], like, 10, generator())[0])


def test_the_hessian_is_taken_of_the_split_that_its_effort_names(pupil):
    tasks = {SENTIMENT.title: SENTIMENT}
    for split in (None, "dev"):
        probe = Sharpness(draws=1, iterations=2, examples=4, split=split)
        (effort,) = probe.effort([SENTIMENT])
        assert {reading.split for reading in probe.read(pupil, tasks, STREAMS)} == {effort.split}


def test_held_entries_are_no_part_of_the_hessian():
    matrix = torch.diag(torch.tensor([9.0, 1, 1, 1, 1, 1, 50.0]))
    parts, product = quadratic(matrix)
    like = [torch.ones_like(part) for part in parts]
    like[1][-1] = 0
    assert trace(product, like, 2, generator())[0] == pytest.approx(14.0)
    assert top_eigenvalue(product, like, 500, generator(), tolerance=1e-9)[0] == pytest.approx(9.0, rel=1e-3)


def test_the_subjects_hessian_agrees_with_finite_differences(pupil):
    batch = batches_of(pupil, SENTIMENT, "train", 32, 8)[0]
    names = list(pupil.synapses)
    direction = [torch.randn(pupil.synapses[n].shape, generator=generator(i)) for i, n in enumerate(names)]
    parameters = list(pupil.synapses.values())

    def gradient():
        with twice_differentiable(pupil):
            return torch.autograd.grad(batch_loss(pupil, SENTIMENT.title, batch), parameters)

    with twice_differentiable(pupil):
        product = hessian_of(lambda: batch_loss(pupil, SENTIMENT.title, batch), parameters)(direction)
    step, found = 1e-3, []
    for sign in (1, -1):
        for weight, part in zip(parameters, direction, strict=True):
            weight.data.add_(part, alpha=sign * step)
        found.append(gradient())
        for weight, part in zip(parameters, direction, strict=True):
            weight.data.sub_(part, alpha=sign * step)
    slow = torch.cat([((a - b) / (2 * step)).flatten() for a, b in zip(*found, strict=True)])
    fast = torch.cat([part.flatten() for part in product])
    assert float((slow - fast).norm() / fast.norm()) < 0.02


@pytest.mark.parametrize("kind", ["albert", "bert", "deberta-v2", "distilbert", "electra", "modernbert", "roberta"])
def test_every_architecture_can_be_differentiated_twice(kind):
    assert kind in KINDS or kind in ("bert", "electra")
    subject = born(kind)
    subject.skill_for(SENTIMENT, "weights", Streams(0, "learn"))
    before = content(subject)
    found = list(Sharpness(draws=1, iterations=2, examples=4, length=16).read(subject, {SENTIMENT.title: SENTIMENT}, STREAMS))
    assert all(math.isfinite(r.value) or r.metric.endswith("/se") for r in found) and len(found) == 3
    assert same(before, content(subject)) and all(p.requires_grad for p in subject.encoder.parameters())


def test_a_known_barrier_is_found_between_two_minima():
    # The double well (x^2 - 1)^2 + y^2, its minima at -1 and 1 and its pass at 0. A tilt adds only a slope to the path.
    ends = [{"x": torch.tensor([side, 0.0], dtype=torch.double)} for side in (-1.0, 1.0)]
    for tilt in (0.0, 0.3):
        well = {}
        for t in np.linspace(0, 1, 11).tolist():
            x, y = between(*ends, t)["x"].tolist()
            well[t] = (x * x - 1) ** 2 + y * y + tilt * x
        assert barrier(well) == pytest.approx(1.0)
    slope = {t: 2.0 + t for t in (0.0, 0.25, 0.5, 1.0)}
    assert barrier(slope) == pytest.approx(0.0)
    assert barrier({0.0: 1.0, 0.5: 0.2, 1.0: 1.0}) == 0.0
    for place in (0.0, 0.25, 0.5, 1.0):
        assert math.isnan(barrier({0.0: 1.0, 0.25: 3.0, 0.5: 1.0, 1.0: 1.0} | {place: math.nan}))


def test_the_ends_of_a_path_are_the_subjects_own_losses(pupil):
    other, _ = lived(*LIFE, origin=BODY, seed=1)
    tasks = {SENTIMENT.title: SENTIMENT}
    found = {r.metric: r.value for r in Barrier(points=5, examples=None).compare(pupil, other, tasks, STREAMS)}
    batches = batches_of(pupil, SENTIMENT, "train", 128, None)
    for subject, t in ((pupil, "0"), (other, "1")):
        with torch.no_grad(), subject.wearing(SENTIMENT.title):
            sizes = [len(batch["labels"]) for batch in batches]
            own = np.average([float(batch_loss(subject, SENTIMENT.title, batch)) for batch in batches], weights=sizes)
        assert found[f"loss@{t}"] == pytest.approx(own, rel=1e-5)
    middle = between(point_of(pupil, SENTIMENT.title), point_of(other, SENTIMENT.title), 0.5)
    assert found["loss@0.5"] == pytest.approx(loss_at(pupil, SENTIMENT.title, batches)(middle), rel=1e-5)
    losses = {t: found[f"loss@{t:g}"] for t in (0.0, 0.25, 0.5, 0.75, 1.0)}
    assert found["barrier"] == pytest.approx(barrier(losses)) and found["distance"] > 0


def test_no_barrier_lies_between_a_subject_and_itself(pupil):
    found = {r.metric: r.value for r in Barrier(points=3).compare(pupil, pupil, {SENTIMENT.title: SENTIMENT}, STREAMS)}
    assert found["barrier"] == 0 and found["distance"] == 0 and found["loss@0"] == found["loss@1"]


def test_effective_weights_are_compared_not_hidden_ones():
    life = (Learn(SENTIMENT, by=Masks(steps=4, rate=1e-2)), Age(to=0.5, by=Magnitude()))
    young, aged = (lived(*life[:n], origin=BODY)[0] for n in (1, 2))
    found = {r.metric: r.value for r in Barrier(points=3).compare(young, aged, {SENTIMENT.title: SENTIMENT}, STREAMS)}
    lost = 0.0
    for name, weight in aged.synapses.items():
        mask = young.skills[SENTIMENT.title].mask[name]
        lost += float((weight.data * (mask & ~aged.alive[name])).double().square().sum())
    assert found["distance"] == pytest.approx(lost**0.5, rel=1e-6)


def test_a_bend_goes_round_a_wall():
    # Two ends on a ring of low loss; the straight line crosses its dark middle.
    start, end = {"w": torch.tensor([[1.0, 0.0]])}, {"w": torch.tensor([[-1.0, 0.0]])}
    middle = {"w": torch.tensor([[0.0, 2.0]])}

    def loss(point):
        return float((point["w"].norm() - 1) ** 2)

    steps = np.linspace(0, 1, 21).tolist()
    straight = barrier({t: loss(between(start, end, t)) for t in steps})
    bent = barrier({t: loss(bezier(start, middle, end, t)) for t in steps})
    assert straight == pytest.approx(1.0) and bent < 0.05
    assert torch.equal(bezier(start, middle, end, 0.0)["w"], start["w"])
    assert torch.equal(bezier(start, middle, end, 1.0)["w"], end["w"])


def test_a_learned_bend_is_lower_than_the_straight_line(pupil):
    other, _ = lived(Learn(SENTIMENT, by=weights(10)), origin=BODY, seed=5)
    before = content(pupil), content(other)
    batches = batches_of(pupil, SENTIMENT, "train", 128, None)
    start, end = point_of(pupil, SENTIMENT.title), point_of(other, SENTIMENT.title)
    loss = loss_at(pupil, SENTIMENT.title, batches)
    middle = learned_bend(pupil, SENTIMENT.title, start, end, batches, 80, 1e-2, STREAMS)
    steps = (0.25, 0.5, 0.75)
    curve = np.mean([loss(bezier(start, middle, end, t)) for t in steps])
    line = np.mean([loss(bezier(start, between(start, end, 0.5), end, t)) for t in steps])
    assert curve < line - 0.01
    assert same(before[0], content(pupil)) and same(before[1], content(other))
    tasks = {SENTIMENT.title: SENTIMENT}
    found = {r.metric: r.value for r in Bend(steps_learned=5, points=3).compare(pupil, other, tasks, STREAMS)}
    assert found["gain"] >= -1e-6 or found["barrier"] > 0


def test_directions_are_as_long_as_the_rows_that_they_move(pupil):
    here = point_of(pupil, SENTIMENT.title)
    direction = filter_normalised(here, generator())
    name = f"encoder/{next(iter(pupil.synapses))}"
    assert direction[name].norm(dim=-1).numpy() == pytest.approx(here[name].norm(dim=-1).numpy(), rel=1e-5)
    assert all(not bool(value.any()) for value in direction.values() if value.dim() < 2)
    step = moved(here, (0.5, direction))
    assert torch.allclose(step[name], here[name] + 0.5 * direction[name])


def test_dead_synapses_stay_dead_in_slices_and_on_bends(monkeypatch):
    from lifespan.probes.landscape import _losses as landscape

    # Two ages of one life with nested masks: what the young one lacks is dead at both ends.
    life = (Age(to=0.6, by=Magnitude()), Learn(SENTIMENT, by=weights(4)), Age(to=0.8, by=Magnitude()))
    young, aged = (lived(*life[:n], origin=BODY)[0] for n in (2, 3))
    batches = batches_of(aged, SENTIMENT, "train", 32, 16)
    ends = [point_of(subject, SENTIMENT.title) for subject in (young, aged)]
    bend = learned_bend(aged, SENTIMENT.title, *ends, batches, 5, 1e-2, STREAMS)
    assert any(not torch.equal(bend[name], value) for name, value in between(*ends, 0.5).items())
    assert not any(bool(bend[f"encoder/{name}"][~mask].any()) for name, mask in young.alive.items())

    seen, parameters_at = [], landscape.parameters_at
    monkeypatch.setattr(landscape, "parameters_at", lambda s, task, point: seen.append(point) or parameters_at(s, task, point))
    list(LossSlice(points=3, dimensions=2, examples=8).read(aged, {SENTIMENT.title: SENTIMENT}, STREAMS))
    assert len(seen) == 9
    for name, mask in aged.alive.items():
        key = f"encoder/{name}"
        assert not any(bool(point[key][~mask].any()) for point in seen)
        shift = seen[7][key] - ends[1][key]  # the place (1, 0)
        assert shift.norm(dim=1).numpy() == pytest.approx(ends[1][key].norm(dim=1).numpy(), rel=1e-4)


def test_a_slice_passes_through_the_subject(pupil):
    tasks = {SENTIMENT.title: SENTIMENT}
    found = {r.metric: r.value for r in LossSlice(points=5, directions=2).read(pupil, tasks, STREAMS)}
    assert set(found) == {"loss@-1", "loss@-0.5", "loss@0", "loss@0.5", "loss@1"}
    loss = loss_at(pupil, SENTIMENT.title, batches_of(pupil, SENTIMENT, "dev", 128, 128))
    assert found["loss@0"] == pytest.approx(loss(point_of(pupil, SENTIMENT.title)), rel=1e-6)
    square = {r.metric: r.value for r in LossSlice(points=3, dimensions=2).read(pupil, tasks, STREAMS)}
    assert len(square) == 9 and square["loss@0,0"] == pytest.approx(found["loss@0"], rel=1e-6)


def test_a_plane_has_its_three_selves_at_its_corners():
    from lifespan import Probe
    from lifespan.testing.lives import BY_WEIGHTS, DEVELOP, FIRST, biography, reborn

    plane = LossPlane("birth", "development", low=0.0, high=1.0, points=2)
    told = biography((DEVELOP, Learn(FIRST, by=BY_WEIGHTS), Probe(plane)))
    found = {row.reading.metric: row.reading.value for row in told.rows[-1] if row.probe == "LossPlane"}
    assert set(found) == {"loss@0,0", "loss@1,0", "loss@0,1", "loss@1,1"}
    now, born = reborn(told, -1), reborn(told, 0)
    batches = batches_of(now, FIRST, "dev", 128, 128)
    loss = loss_at(now, FIRST.title, batches)
    here = point_of(now, FIRST.title)
    assert found["loss@0,0"] == pytest.approx(loss(here), rel=1e-5)
    there = {**here, **{f"encoder/{name}": p.detach() for name, p in born.encoder.named_parameters()}}
    assert found["loss@1,0"] == pytest.approx(loss(there), rel=1e-4)

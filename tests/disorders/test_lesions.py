"""Disorders of initialisation and degeneration: health at severity 0, doses, slow versions, rivals, and slow courses."""

import itertools
import math
from dataclasses import replace

import pytest
import small_lives
import torch
from architectures import born as born_as
from architectures import states
from conftest import TASKS, TINY, weights

import lifespan
from lifespan import (
    Age,
    DuplicatedUnits,
    HeadLoss,
    InitialScale,
    LayerLoss,
    Learn,
    Magnitude,
    Masks,
    MatchedNoise,
    MisLayering,
    MissingHeads,
    NeuronLoss,
    NofM,
    PartialReinitialization,
    Probe,
    Random,
    RankCollapse,
    Recover,
    ScatteredLoss,
    Scenario,
    SparseWiring,
    Sparsity,
    Study,
    Suffer,
    SynapseLoss,
    WeightNoise,
    read,
    simulate,
    slowly,
)
from lifespan.contracts import Disorder
from lifespan.disorders._exchange import exchange_layers
from lifespan.errors import ScenarioError
from lifespan.execution.step import checked_ageing
from lifespan.model.anatomy import anatomy_of
from lifespan.model.subject import Skill, Subject, layer_of
from lifespan.randomness import Streams
from lifespan.record.specs import rebuilt
from lifespan.report.references import REFERENCES
from lifespan.study.plan import compile_study

STREAMS = Streams(5, "suffer/test#0")
BODY = replace(TINY, layers=4, heads=4)
UNIT_LOSSES = [kind(by=by) for kind in (HeadLoss, NeuronLoss, LayerLoss) for by in ("random", "weakest", "importance")]
LOSSES = [
    SparseWiring(),
    SparseWiring(max_loss=1.0, layers=(0, -1), kinds=("key",)),
    MissingHeads(),
    *(SynapseLoss(by=by) for by in ("random", "weakest", "importance")),
    SynapseLoss(kinds=("feed-forward in", "attention output")),
    *UNIT_LOSSES,
    HeadLoss(layers=(1, 2)),
    LayerLoss(layers=(-2, -1)),
    ScatteredLoss(like=MissingHeads()),
]
REWRITINGS = [
    InitialScale(),
    InitialScale(factor=1 / 8, kinds=("query", "key")),
    RankCollapse(),
    RankCollapse(layers=(0,)),
    DuplicatedUnits(),
    DuplicatedUnits(layers=(-1,)),
    PartialReinitialization(),
    PartialReinitialization(of="rows", layers=(1,)),
    MatchedNoise(like=RankCollapse(kinds=("value",))),
]
EVERY = [*LOSSES, *REWRITINGS, MisLayering(), RankCollapse(rescaled=True)]


def born(sparsity=0.3, body=BODY):
    subject = Subject(body.build(Streams(0, "birth")))
    subject.alive = Random().choose(subject, sparsity, STREAMS, ())
    with torch.no_grad():
        for parameter in subject.encoder.parameters():
            parameter.add_(
                torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())), alpha=0.02
            )
    return subject


def everything(subject):
    return {(group, name): value.clone() for group, part in subject.state().items() for name, value in part.items()}


def struck(disorder, severity, sparsity=0.3, streams=STREAMS):
    """(state before, state after, the subject, injuries) at this severity."""
    subject = born(sparsity)
    before = everything(subject)
    injuries = replace(disorder, severity=severity).strike(subject, streams)
    return before, everything(subject), subject, injuries


def living(subject):
    return sum(int(mask.sum()) for mask in subject.alive.values())


def synapses(state, group, subject):
    return {name: state[group, name] for name in subject.synapses}


@pytest.mark.parametrize("disorder", EVERY, ids=Disorder.describe)
def test_severity_zero_is_health_bit_for_bit(disorder):
    before, after, _, injuries = struck(disorder.healthy(), 0.0)
    assert before.keys() == after.keys() and all(torch.equal(value, after[key]) for key, value in before.items())
    assert injuries["entries"] == injuries["norm"] == injuries["relative"] == injuries.get("units", 0) == 0


@pytest.mark.parametrize("disorder", EVERY, ids=Disorder.describe)
def test_every_disorder_declares_itself_and_comes_back_from_data(disorder):
    assert type(disorder).aetiology in {
        "structural initialisation",
        "weight initialisation",
        "degeneration",
        "noise and neuromodulation",
    }
    assert type(disorder).citation in REFERENCES and not type(disorder).regrows
    assert type(disorder) is getattr(lifespan, type(disorder).__name__)
    assert rebuilt(disorder.to_data(), Disorder, "here") == disorder


@pytest.mark.parametrize("disorder", LOSSES, ids=Disorder.describe)
def test_a_loss_clears_the_alive_mask_alone_and_larger_severities_contain_smaller_ones(disorder):
    masks, counts = [], []
    for severity in (0.0, 0.2, 0.45, 0.8, 1.0):
        before, after, subject, injuries = struck(disorder, severity)
        assert all(torch.equal(value, after[key]) for key, value in before.items() if key[0] != "alive")
        was, now = synapses(before, "alive", subject), synapses(after, "alive", subject)
        assert all(bool((now[name] <= was[name]).all()) for name in was)
        dying = {name: was[name] & ~now[name] for name in was}
        region = disorder.region(subject) if hasattr(disorder, "region") else disorder.like.region(subject)
        assert not any(bool(mask.any()) for name, mask in dying.items() if name not in region)
        lost = [v for name, mask in dying.items() for v in subject.synapses[name].data[mask].tolist()]
        whole = [v for name, mask in was.items() for v in subject.synapses[name].data[mask].tolist()]
        assert injuries["entries"] == len(lost)
        assert injuries["norm"] == pytest.approx(math.sqrt(math.fsum(v * v for v in lost)), abs=1e-12)
        assert injuries["relative"] == pytest.approx(injuries["norm"] / math.sqrt(math.fsum(v * v for v in whole)), abs=1e-12)
        masks.append(dying)
        counts.append(len(lost))
    assert counts == sorted(counts) and counts[0] == 0 < counts[2] < counts[-1]
    if not isinstance(disorder, ScatteredLoss):
        for smaller, larger in itertools.pairwise(masks):
            assert all(bool((smaller[name] <= larger[name]).all()) for name in smaller)


@pytest.mark.parametrize("disorder", REWRITINGS, ids=Disorder.describe)
def test_a_rewriting_changes_weights_in_its_region_alone_and_more_with_more_severity(disorder):
    sizes = []
    for severity in (0.0, 0.2, 0.45, 0.8, 1.0):
        before, after, subject, injuries = struck(disorder, severity)
        changed = {key for key, value in before.items() if not torch.equal(value, after[key])}
        inner = disorder.like if isinstance(disorder, MatchedNoise) else disorder
        allowed = {("encoder", name) for name in inner.region(subject)}
        if isinstance(disorder, DuplicatedUnits):
            inputs = [name for units in disorder.units(subject) for name, _ in units.inputs]
            allowed |= {("encoder", name.removesuffix("weight") + "bias") for name in inputs}
        assert changed == (allowed if severity > 0 else set())
        old, new = (torch.cat([part["encoder", n].flatten().double() for n in subject.synapses]) for part in (before, after))
        assert injuries["entries"] == int((old != new).sum())
        assert injuries["norm"] == pytest.approx(float((new - old).norm()), rel=1e-9)
        sizes.append(injuries["norm"])
    assert sizes[0] == 0 and all(a < b for a, b in itertools.pairwise(sizes))


@pytest.mark.parametrize("disorder", EVERY, ids=Disorder.describe)
def test_draws_come_from_the_streams_alone(disorder):
    torch.manual_seed(1)
    one = struck(disorder, 0.5)[1]
    torch.manual_seed(2)
    same = struck(disorder, 0.5)[1]
    assert all(torch.equal(value, same[key]) for key, value in one.items())
    others = [struck(disorder, 0.5, streams=Streams(seed, STREAMS.key))[1] for seed in (6, 7, 8)]
    drawn = not (isinstance(disorder, InitialScale | RankCollapse) or getattr(disorder, "by", "random") != "random")
    assert drawn == any(not torch.equal(value, other[key]) for other in others for key, value in one.items())


# Losses


@pytest.mark.parametrize("by", ["random", "weakest", "importance"])
def test_synapse_loss_equals_the_textbook(by):
    before, after, _, injuries = struck(SynapseLoss(by=by, kinds=("query", "feed-forward out")), 0.37)
    names = [f"encoder.layer.{i}.{part}.weight" for i in range(4) for part in ("attention.self.query", "output.dense")]
    generator, ranked = STREAMS.torch("disorder"), []
    for position, name in enumerate(names):
        draw = torch.rand(before["alive", name].shape, generator=generator).flatten().tolist()
        size = before["encoder", name].abs().flatten().tolist()
        alive = before["alive", name].flatten().tolist()
        value = {"random": draw, "weakest": size, "importance": [-v for v in size]}[by]
        ranked += [(value[i], position, i) for i, lives in enumerate(alive) if lives]
    dying = sorted(ranked)[: round(0.37 * len(ranked))]
    assert injuries["entries"] == len(dying)
    for position, name in enumerate(names):
        expected = before["alive", name].flatten().clone()
        expected[[i for _, where, i in dying if where == position]] = False
        assert torch.equal(after["alive", name].flatten(), expected)


@pytest.mark.parametrize(("kind", "part"), [(HeadLoss, "heads"), (MissingHeads, "heads"), (NeuronLoss, "neurons")])
def test_units_go_whole_in_the_exact_share_and_one_of_each_layer_stays(kind, part):
    for severity in (0.1, 0.3, 0.5, 0.9, 1.0):
        before, _, subject, injuries = struck(kind(), severity)
        units = [getattr(layer, part) for layer in anatomy_of(subject.encoder)]
        heard = [each.heard(subject.alive) for each in units]
        gone = sum(each.number for each in units) - sum(int(h.sum()) for h in heard)
        everyone = sum(each.number for each in units)
        assert injuries["units"] == gone == min(round(severity * everyone), everyone - len(units))
        assert all(int(h.sum()) >= 1 for h in heard)
        for each, lives in zip(units, heard, strict=True):
            for name, mask in each.synapse_masks(lives, subject.alive).items():
                assert torch.equal(subject.alive[name], before["alive", name] & mask)


@pytest.mark.parametrize(("by", "sign"), [("weakest", 1), ("importance", -1)])
def test_chosen_heads_are_those_of_the_extreme_norms(by, sign):
    subject = born()
    norms = {}
    for number, layer in enumerate(anatomy_of(subject.encoder)):
        for head in range(4):
            rows = slice(4 * head, 4 * head + 4)
            kept = [(subject.synapses[n].data * subject.alive[n])[rows] for n, _ in layer.heads.inputs]
            kept.append((subject.synapses[layer.heads.output].data * subject.alive[layer.heads.output])[:, rows])
            norms[number, head] = sign * math.sqrt(sum(float(part.double().square().sum()) for part in kept))
    expected, left = set(), [4] * 4
    for unit in sorted(norms, key=lambda unit: norms[unit]):
        if len(expected) < 8 and left[unit[0]] > 1:
            expected.add(unit)
            left[unit[0]] -= 1
    assert HeadLoss(severity=0.5, by=by).strike(subject, STREAMS)["units"] == 8
    heard = [layer.heads.heard(subject.alive).tolist() for layer in anatomy_of(subject.encoder)]
    assert {(i, j) for i, own in enumerate(heard) for j, lives in enumerate(own) if not lives} == expected


@pytest.mark.parametrize("by", ["random", "weakest", "importance"])
def test_layer_loss_takes_whole_layers_and_leaves_one(by):
    order = []
    for severity, number in ((0.25, 1), (0.5, 2), (0.75, 3), (1.0, 3)):
        before, after, subject, injuries = struck(LayerLoss(by=by), severity)
        dead = [i for i in range(4) if not any(bool(after["alive", n].any()) for n in subject.synapses if f"layer.{i}." in n)]
        assert injuries["units"] == len(dead) == number and set(order) <= set(dead)
        order += [i for i in dead if i not in order]
        alive = {n: mask for n, mask in synapses(before, "alive", subject).items() if int(n.split(".")[2]) not in dead}
        assert all(torch.equal(mask, after["alive", name]) for name, mask in alive.items())
    norms = [0.0] * 4
    for name in subject.synapses:
        norms[int(name.split(".")[2])] += float((before["encoder", name] * before["alive", name]).double().square().sum())
    ranked = sorted(range(4), key=lambda i: norms[i])
    assert by == "random" or order == (ranked if by == "weakest" else ranked[::-1])[:3]


def test_layers_that_are_dead_are_not_lost_again_and_the_last_stays_whatever_is_targeted():
    subject = born(0.0)
    assert LayerLoss(severity=1.0, layers=(0, 1)).strike(subject, STREAMS)["units"] == 2
    assert LayerLoss(severity=1.0, layers=(0, 1)).strike(subject, STREAMS)["units"] == 0
    assert LayerLoss(severity=1.0, layers=(2, 3)).strike(subject, STREAMS)["units"] == 1
    assert LayerLoss(severity=1.0).strike(subject, STREAMS) == {"entries": 0, "norm": 0, "relative": 0, "units": 0}
    assert living(subject) == subject.count / 4


def test_sparse_wiring_misses_an_exact_share():
    for severity, most in ((0.5, 0.9), (1.0, 0.9), (0.3, 0.4), (1.0, 1.0)):
        _, _, subject, injuries = struck(SparseWiring(max_loss=most), severity, sparsity=0.0)
        assert injuries["entries"] == round(severity * most * subject.count) == subject.count - living(subject)


# Rivals


@pytest.mark.parametrize("loss", [MissingHeads(severity=0.4), *(k(severity=0.4) for k in (HeadLoss, NeuronLoss, LayerLoss))])
def test_the_rival_of_a_unit_loss_is_as_large_in_the_same_matrices_but_scattered(loss):
    control = loss.control()
    assert control == ScatteredLoss(like=loss, severity=0.4)
    one, other = born(0.0), born(0.0)
    lost, scattered = loss.strike(one, STREAMS), control.strike(other, Streams(5, "suffer/ScatteredLoss#0"))
    assert lost["entries"] == scattered["entries"] > 0
    assert all(bool(other.alive[name].all()) for name in other.synapses if name not in loss.region(other))
    assert all(bool(mask.any()) for mask in other.alive.values())
    assert control.healthy().strike(other, STREAMS)["entries"] == 0
    for name, weight in one.synapses.items():
        assert torch.equal(weight.data, other.synapses[name].data)


def test_the_rival_of_a_stranger_is_found_by_trying():
    subject = born(0.2)
    before = everything(subject)
    assert ScatteredLoss(like=WeightNoise(), severity=0.5).strike(subject, STREAMS)["entries"] == 0
    assert all(torch.equal(value, before[key]) for key, value in everything(subject).items())


def test_controls_of_chosen_losses_are_random_of_equal_size():
    for loss in [*UNIT_LOSSES, *(SynapseLoss(by=by) for by in ("weakest", "importance"))]:
        if loss.by != "random":
            control = loss.control()
            assert control == replace(loss, by="random")
            sizes = [each.strike(born(0.0), STREAMS)["entries"] for each in (loss, control)]
            assert sizes[0] == sizes[1] > 0
    assert SynapseLoss().control() is None and SparseWiring().control() is None and MisLayering().control() is None
    rows = PartialReinitialization(of="rows", severity=0.25)
    assert rows.control() == PartialReinitialization(severity=0.25)
    assert rows.strike(born(), STREAMS)["entries"] == rows.control().strike(born(), STREAMS)["entries"]


@pytest.mark.parametrize(
    "like", [InitialScale(), RankCollapse(), DuplicatedUnits(), PartialReinitialization()], ids=Disorder.describe
)
def test_matched_noise_is_as_large_in_every_matrix_and_no_multiple_of_the_change(like):
    noise = replace(like, severity=0.6).control()
    assert noise == MatchedNoise(like=replace(like, severity=0.6), severity=0.6)
    before, changed, _, injuries = struck(like, 0.6)
    other = born()
    assert noise.strike(other, STREAMS)["norm"] == pytest.approx(injuries["norm"], rel=1e-5)
    noisy = everything(other)
    for key, old in before.items():
        if key[0] != "encoder" or key[1] not in other.synapses:
            assert torch.equal(noisy[key], old)
            continue
        change, added = (changed[key] - old).double().flatten(), (noisy[key] - old).double().flatten()
        assert float(added.norm()) == pytest.approx(float(change.norm()), rel=1e-5)
        assert float(change.norm()) == 0 or abs(float(change @ added)) < 0.3 * float(change.norm()) ** 2


def test_a_rehearsed_rival_leaves_skills_and_masks_as_they_were():
    subject = born()
    mask = {
        name: torch.rand(m.shape, generator=STREAMS.torch("mask", i)) < 0.5
        for i, (name, m) in enumerate(subject.alive.items())
    }
    subject.skills["old"] = Skill(subject.new_head(2, STREAMS), 2, "structure", mask)
    before = everything(subject)
    MatchedNoise(like=MisLayering(), severity=1.0).strike(subject, STREAMS)
    after = everything(subject)
    assert {key for key, value in before.items() if not torch.equal(value, after[key])} == {
        ("encoder", name) for name in subject.synapses
    }


def test_a_rival_does_not_repeat_the_draws_of_what_it_rivals():
    one, other = born(0.0), born(0.0)
    SynapseLoss(severity=0.3).strike(one, STREAMS)
    ScatteredLoss(like=SynapseLoss(), severity=0.3).strike(other, STREAMS)
    both = sum(int((~one.alive[name] & ~other.alive[name]).sum()) for name in one.alive)
    assert both / one.count == pytest.approx(0.09, abs=0.02)
    one, other, before = born(), born(), born()
    WeightNoise().strike(one, STREAMS)
    MatchedNoise(like=WeightNoise()).strike(other, STREAMS)
    change, added = (
        torch.cat([(subject.synapses[n].data - before.synapses[n].data).flatten() for n in before.synapses])
        for subject in (one, other)
    )
    assert abs(float(change @ added)) < 0.1 * float(change.norm()) * float(added.norm())


# Structure and weights at birth


def test_layers_change_places_with_all_that_is_their_own():
    subject = born()
    subject.language_mask = {name: mask ^ True for name, mask in subject.alive.items()}
    subject.skills["old"] = Skill(subject.new_head(2, STREAMS), 2, "structure", dict(subject.alive))
    before = everything(subject)
    injuries = MisLayering(severity=0.75).strike(subject, STREAMS)
    after = everything(subject)
    order = torch.randperm(4, generator=STREAMS.torch("disorder")).tolist()[:3]
    source = {place: order[i - 1] for i, place in enumerate(order)}
    assert injuries["units"] == 3
    for (group, name), value in after.items():
        words = name.split(".")
        if words[:2] == ["encoder", "layer"]:
            words[2] = str(source.get(int(words[2]), int(words[2])))
        assert torch.equal(value, before[group, ".".join(words)]), name
    moved = [before["encoder", n] != after["encoder", n] for n in subject.synapses]
    assert injuries["entries"] == sum(int(m.sum()) for m in moved)


def test_two_layers_at_least_are_displaced_and_larger_shares_displace_the_same_and_more():
    places = []
    for severity, number in ((0.01, 2), (0.5, 2), (0.75, 3), (1.0, 4)):
        before, after, _, injuries = struck(MisLayering(), severity)
        name = "encoder.layer.{}.attention.self.query.weight"
        places.append(
            {i for i in range(4) if not torch.equal(before["encoder", name.format(i)], after["encoder", name.format(i)])}
        )
        assert injuries["units"] == len(places[-1]) == number
    assert all(a <= b for a, b in itertools.pairwise(places))


def test_exchanging_two_layers_twice_is_health():
    subject = born()
    before = everything(subject)
    for _ in range(2):
        MisLayering(severity=0.5).strike(subject, STREAMS)
    assert all(torch.equal(value, before[key]) for key, value in everything(subject).items())


def test_the_scale_by_hand():
    before, after, subject, injuries = struck(InitialScale(factor=4.0, layers=(0,)), 0.5)
    for name in subject.synapses:
        factor = 2.0 if ".layer.0." in name else 1.0
        assert torch.equal(after["encoder", name], before["encoder", name] * factor)
    assert injuries["factor"] == 2.0


@pytest.mark.parametrize("rescaled", [False, True])
def test_the_rank_is_what_is_left_and_the_loss_is_the_tail_of_singular_values(rescaled):
    for severity, rank in ((0.01, 16), (0.25, 12), (0.7, 5), (1.0, 1)):
        before, after, subject, injuries = struck(RankCollapse(rescaled=rescaled), severity)
        assert injuries["rank"] == rank
        for name in subject.synapses:
            old, new = before["encoder", name].double(), after["encoder", name].double()
            sizes = torch.linalg.svdvals(old)
            assert int((torch.linalg.svdvals(new) > 1e-5 * sizes[0]).sum()) == rank
            if rescaled:
                assert float(new.norm()) == pytest.approx(float(old.norm()), rel=1e-5)
            else:
                assert float((new - old).norm()) == pytest.approx(float(sizes[rank:].norm()), rel=1e-4, abs=1e-9)
            assert rank < 16 or torch.equal(old, new)


def test_a_matrix_of_zeros_survives_the_collapse():
    subject = born()
    next(iter(subject.synapses.values())).data.zero_()
    RankCollapse(severity=0.5, rescaled=True).strike(subject, STREAMS)
    assert not bool(next(iter(subject.synapses.values())).any())


def test_copies_are_whole_neurons_and_originals_are_copied_equally_often():
    dup = []
    for severity, number in ((0.3, 10), (0.6, 19), (1.0, 31)):
        before, after, _, injuries = struck(DuplicatedUnits(), severity)
        assert injuries["units"] == 4 * number
        name = "encoder.layer.2.{}"
        parts = ("intermediate.dense.weight", "intermediate.dense.bias", "output.dense.weight")
        old, new = (
            torch.cat(
                [s["encoder", name.format(p)].view(32, -1) if "int" in p else s["encoder", name.format(p)].T for p in parts], 1
            )
            for s in (before, after)
        )
        source = [next(j for j in range(32) if torch.equal(new[i], old[j])) for i in range(32)]
        originals = {i for i in range(32) if source[i] == i}
        assert len(originals) == 32 - number and set(source) == originals
        uses = [source.count(i) for i in originals]
        assert max(uses) - min(uses) <= 1
        dup.append(set(range(32)) - originals)
    assert dup[0] < dup[1] < dup[2]


def test_copies_stay_copies_through_learning_by_weights(tmp_path):
    events = (Suffer(DuplicatedUnits(severity=1.0)), Learn(TASKS[0], by=weights(4)))
    subject = lived(tmp_path, *events)
    for layer in anatomy_of(subject.encoder):
        ((name, _),) = layer.neurons.inputs
        rows = subject.synapses[name].data
        torch.testing.assert_close(rows, rows[:1].expand_as(rows), rtol=0.0, atol=1e-5)
        assert float((rows[0] - born(body=TINY).synapses[name].data[0]).abs().max()) > 1e-4


@pytest.mark.parametrize("of", ["entries", "rows"])
def test_partial_reinitialisation_equals_the_textbook(of):
    before, after, subject, injuries = struck(PartialReinitialization(of=of), 0.4)
    generator, redrawn = STREAMS.torch("disorder"), 0
    for name in subject.synapses:
        old, alive = before["encoder", name], before["alive", name]
        draw = torch.randn(old.shape, generator=generator)
        own = old[alive].tolist()
        mean = math.fsum(own) / len(own)
        sigma = math.sqrt(math.fsum((v - mean) ** 2 for v in own) / len(own))
        rows, columns = old.shape
        count = rows if of == "rows" else rows * columns
        chosen = set(torch.randperm(count, generator=generator).tolist()[: round(0.4 * count)])
        expected = old.clone()
        for i, j in itertools.product(range(rows), range(columns)):
            if (i if of == "rows" else i * columns + j) in chosen:
                expected[i, j] = sigma * draw[i, j].item()
                redrawn += 1
        torch.testing.assert_close(after["encoder", name], expected, rtol=1e-6, atol=0.0)
    assert injuries["entries"] == redrawn


# Targets


@pytest.mark.parametrize("kind", ["bert", "distilbert", "deberta-v2", "albert", "modernbert", "electra"])
def test_layers_and_kinds_name_every_matrix_once(kind):
    subject = born_as(kind)
    joined = ("query", "key", "value")
    kinds = [joined, *((k,) for k in ("attention output", "feed-forward in", "feed-forward out"))]
    parts = [SynapseLoss(kinds=k).region(subject) for k in kinds]
    assert sorted(itertools.chain(*parts)) == sorted(subject.synapses)
    if kind != "modernbert":
        singles = [SynapseLoss(kinds=(k,)).region(subject) for k in joined]
        assert sorted(itertools.chain(*singles)) == sorted(parts[0]) and all(singles)
    layers = len(anatomy_of(subject.encoder))
    by_layer = [SynapseLoss(layers=(number,)).region(subject) for number in range(layers)]
    assert sorted(itertools.chain(*by_layer)) == sorted(subject.synapses)
    assert SynapseLoss(layers=(-1, layers - 1)).region(subject) == by_layer[-1]


@pytest.mark.parametrize("kind", ["modernbert", "deberta-v2", "distilbert"])
def test_other_architectures_can_be_struck(kind):
    for disorder in (HeadLoss(), NeuronLoss(), LayerLoss(), MisLayering(), DuplicatedUnits(severity=1.0)):
        subject = born_as(kind)
        whole = states(subject.encoder)
        assert disorder.strike(subject, STREAMS)["units"] > 0
        with subject.wearing(None):
            hurt = states(subject.encoder)
        assert bool(torch.isfinite(hurt).all()) and not torch.allclose(hurt, whole, atol=1e-4)


def test_a_joined_matrix_is_not_struck_by_halves():
    subject = born_as("modernbert")
    with pytest.raises(ScenarioError, match=r"Wqkv.weight holds query, key, value in one. Name all of them, or none"):
        SynapseLoss(kinds=("query",)).strike(subject, STREAMS)


# Lives


def lived(tmp_path, *events, body=TINY):
    """The subject at the end of a life of these events."""
    from lifespan.record.store import Store

    study = Study(name="lesions", groups={"all": Scenario(name="all", subject=body, events=events)})
    simulate(study, tmp_path, threads=1)
    last = compile_study(study, precision="fp32").lives[0].steps[-1]
    subject = Subject(body.build(Streams(0, "birth")))
    subject.load(*Store(tmp_path / "store").load_state(last.digest))
    return subject


@pytest.mark.parametrize(
    "disorder",
    [SparseWiring(), HeadLoss(), NeuronLoss(), SynapseLoss(), SynapseLoss(severity=1.0), RankCollapse(), InitialScale()],
    ids=Disorder.describe,
)
def test_a_life_goes_on_after_a_lesion_and_its_healthy_twin_is_a_life_without(tmp_path, disorder):
    masks = Masks(steps=2, rate=5e-3)

    def life(*lesion):
        return (
            Learn(TASKS[0], by=masks),
            *lesion,
            Learn(TASKS[1], by=weights(2)),
            Age(to=0.6, by=Magnitude()),
            Recover(steps=2),
        )

    assert lived(tmp_path / "ill", *life(Suffer(disorder))).sparsity >= 0.6 - 1e-3
    healthy = everything(lived(tmp_path / "healthy", *life(Suffer(disorder.healthy()))))
    without = everything(lived(tmp_path / "without", *life()))
    assert all(torch.equal(value, healthy[key]) for key, value in without.items())


@pytest.mark.parametrize("lesion", [SynapseLoss(severity=0.7), LayerLoss(severity=0.5, layers=(0, 1)), HeadLoss(severity=1.0)])
@pytest.mark.parametrize("pruner", [Magnitude(scope=s) for s in ("global", "layer", "row")] + [NofM(), lifespan.Layers()])
def test_ageing_takes_the_already_dead_as_given(lesion, pruner):
    subject = born(0.0)
    lesion.strike(subject, STREAMS)
    dead = subject.count - living(subject)
    for to in (0.5,) if isinstance(pruner, NofM) else (0.05, 0.5, 0.75):
        masks = pruner.choose(subject, to, STREAMS, ())
        subject.alive = checked_ageing(subject, masks, to, exact=type(pruner).exact)
        if type(pruner).exact:
            assert subject.count - living(subject) == max(dead, round(to * subject.count))


# Slow and acute


def test_slow_strikes_take_in_all_what_one_acute_strike_takes():
    for loss in (SynapseLoss(severity=0.6), SynapseLoss(severity=0.6, by="importance"), NeuronLoss(severity=0.5)):
        events = slowly(loss, in_steps=4)
        steps = (
            compile_study(Study(name="s", groups={"a": Scenario(name="a", subject=TINY, events=events)}), precision="fp32")
            .lives[0]
            .steps[1:]
        )
        assert len(events) == len(steps) == len({step.key for step in steps}) == 4
        slow, acute = born(0.0), born(0.0)
        for step in steps:
            step.event.disorder.strike(slow, Streams(step.seed, step.key))
        injuries = loss.strike(acute, STREAMS)
        unit = injuries["entries"] / injuries.get("units", injuries["entries"])
        assert abs(living(slow) - living(acute)) <= 2 * unit
        if getattr(loss, "by", "") == "importance":
            assert all(torch.equal(mask, slow.alive[name]) for name, mask in acute.alive.items()) or unit > 1


def test_successive_strikes_draw_anew():
    events = slowly(SynapseLoss(severity=0.5), in_steps=2)
    life = Scenario(name="a", subject=TINY, events=events)
    steps = compile_study(Study(name="s", groups={"a": life}), precision="fp32").lives[0].steps[1:]
    assert [step.key for step in steps] == ["suffer/SynapseLoss#0", "suffer/SynapseLoss#1"]
    dead = []
    for step in steps:
        subject = born(0.0)
        step.event.disorder.strike(subject, Streams(step.seed, step.key))
        dead.append(torch.cat([~mask.flatten() for mask in subject.alive.values()]))
    share = 1 - math.sqrt(0.5)
    assert float((dead[0] & dead[1]).float().mean()) == pytest.approx(share**2, abs=0.02)


def test_what_stands_between_the_strikes():
    seen = []

    def between(lost):
        seen.append(lost)
        return (Learn(TASKS[0], by=weights(2)), Probe(Sparsity()))

    events = slowly(HeadLoss(severity=0.875), in_steps=3, each=between)
    assert [type(event).__name__ for event in events] == ["Suffer", "Learn", "Probe", "Suffer", "Learn", "Probe", "Suffer"]
    assert seen == pytest.approx([0.5, 0.75])
    assert {event.disorder for event in events[::3]} == {HeadLoss(severity=0.5)}
    assert slowly(SynapseLoss(severity=0.3), in_steps=1) == (Suffer(SynapseLoss(severity=0.3)),)
    assert slowly(SynapseLoss(severity=0.0), in_steps=2) == (Suffer(SynapseLoss(severity=0.0)),) * 2


def test_a_slow_life_reports_every_strike(tmp_path):
    loss = SynapseLoss(severity=0.5)
    lived(tmp_path, Learn(TASKS[0], by=weights(2)), *slowly(loss, in_steps=3, each=lambda lost: Recover(steps=2)))
    rows = read(tmp_path).measurements()
    entries = rows[(rows["probe"] == "Injury/SynapseLoss") & (rows["metric"] == "entries")]["value"].tolist()
    count, expected = TINY.size()["synapses"], []
    for _ in range(3):
        expected.append(round((1 - 0.5 ** (1 / 3)) * (count - sum(expected))))
    assert entries == expected and abs(sum(entries) - count / 2) <= 2


def test_the_rival_of_a_slow_course_is_about_as_large():
    loss = HeadLoss(severity=0.5)
    slow = born(0.0)
    for number, event in enumerate(slowly(loss.control(), in_steps=2)):
        event.disorder.strike(slow, Streams(0, f"suffer/ScatteredLoss#{number}"))
    acute = born(0.0)
    loss.strike(acute, STREAMS)
    assert living(slow) == pytest.approx(living(acute), rel=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: SynapseLoss(severity=2), r"SynapseLoss\(severity=2\): must be a number in \[0, 1\]"),
        (lambda: SynapseLoss(by="weak"), r"SynapseLoss\(by='weak'\): is not known here. Did you mean 'weakest'\?"),
        (lambda: HeadLoss(by="norm"), r"HeadLoss\(by='norm'\): is not known here. Known: random, weakest, importance"),
        (lambda: NeuronLoss(by=None), r"NeuronLoss\(by=None\): is not known here"),
        (lambda: LayerLoss(by="top"), r"LayerLoss\(by='top'\): is not known here"),
        (lambda: HeadLoss(kinds=("key",)), r"there is no such argument"),
        (
            lambda: HeadLoss(layers=[0]),
            r"HeadLoss\(layers=\[0\]\): must be a tuple of whole numbers, at least one. For example",
        ),
        (lambda: HeadLoss(layers=()), r"must be a tuple of whole numbers, at least one"),
        (lambda: HeadLoss(layers=(True,)), r"must be a tuple of whole numbers"),
        (
            lambda: HeadLoss(layers=(4,)).strike(born(), STREAMS),
            r"there is no layer 4: the subject has 4. Use 0 to 3, or -4 to -1",
        ),
        (lambda: HeadLoss(layers=(-5,)).strike(born(), STREAMS), r"there is no layer -5"),
        (lambda: SynapseLoss(kinds="key"), r"SynapseLoss\(kinds='key'\): must be a tuple of kinds, at least one"),
        (lambda: SynapseLoss(kinds=("keys",)), r"'keys' is not known here. Did you mean 'key'\?"),
        (lambda: SparseWiring(max_loss=0), r"SparseWiring\(max_loss=0\): must be above 0"),
        (lambda: SparseWiring(max_loss=1.5), r"SparseWiring\(max_loss=1.5\): must be a number in \[0, 1\]"),
        (lambda: InitialScale(factor=0), r"InitialScale\(factor=0\): must be a number above 0"),
        (lambda: InitialScale(factor=1), r"InitialScale\(factor=1\): changes nothing. Write a factor above or below 1"),
        (lambda: RankCollapse(rescaled="no"), r"RankCollapse\(rescaled='no'\): is not known here"),
        (lambda: PartialReinitialization(of="neurons"), r"is not known here. Known: entries, rows"),
        (lambda: ScatteredLoss(like=HeadLoss), r"is a class, not an object. Write HeadLoss\(...\)"),
        (lambda: ScatteredLoss(like=0.5), r"ScatteredLoss\(like=0.5\): must be a Disorder. For example: HeadLoss\(\)"),
        (lambda: MatchedNoise(like=None), r"MatchedNoise\(like=None\): must be a Disorder"),
        (lambda: MisLayering().strike(born(body=TINY), STREAMS), r"only one is targeted. Target two or more"),
        (
            lambda: MisLayering(layers=(2,)).strike(born(), STREAMS),
            r"MisLayering\(layers=\(2\)\): displaces layers, but only one",
        ),
        (lambda: LayerLoss().strike(born(body=TINY), STREAMS), r"the subject has one layer, which must stay"),
        (lambda: slowly(0.5), r"slowly\(0.5\): must be a Disorder"),
        (lambda: slowly(WeightNoise()), r"slowly\(WeightNoise\(\)\): does not take a share of what lives"),
        (lambda: slowly(ScatteredLoss(like=SparseWiring())), r"does not take a share of what lives"),
        (lambda: slowly(HeadLoss(severity=1)), r"shares of what is left never take all of it. Use a severity below 1"),
        (lambda: slowly(HeadLoss(), in_steps=0), r"slowly\(in_steps=0\): must be a whole number, at least 1"),
    ],
)
def test_messages(wrong, message):
    with pytest.raises(ScenarioError, match=message):
        wrong()


def test_what_strategies_remember_of_a_layer_moves_with_it():
    subject = small_lives.born(origin=lifespan.Micro(layers=2, width=16, heads=2, feed_forward=32))
    first, second = dict.fromkeys(layer_of(name) for name in subject.synapses)
    names = [name for name in subject.synapses if layer_of(name) == first]
    subject.remembered = {f"EWC/anchor/{n}": torch.full((1,), float(i)) for i, n in enumerate(names)}
    subject.remembered |= {f"EWC/anchor/{n.replace(first, second)}": -torch.ones(1) for n in names}
    subject.remembered["EWC/seen"] = torch.ones(1)
    exchange_layers(subject, [first, second])
    for i, name in enumerate(names):
        assert subject.remembered[f"EWC/anchor/{name.replace(first, second)}"].item() == i
        assert subject.remembered[f"EWC/anchor/{name}"].item() == -1
    assert len(subject.remembered) == 2 * len(names) + 1

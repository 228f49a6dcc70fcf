"""Drugs and regrowth: health at severity 0, doses, and slow versions of every change."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from conftest import TASKS, TINY, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from lifespan import (
    Age,
    Disorder,
    Learn,
    Magnitude,
    Masks,
    Probe,
    Quantize,
    Random,
    RandomMixing,
    Regrow,
    Scenario,
    SignOnly,
    Sparsity,
    Suffer,
    Treat,
    WeightShuffling,
    read,
    simulate,
)
from lifespan.disorders.drugs.grids import quantised
from lifespan.errors import LifespanError, ScenarioError
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.record.store import Store
from lifespan.study.plan import compile_study
from lifespan.study.scenario import Study

STREAMS = Streams(5, "suffer/test#0")
DRUGS: list[Disorder] = [
    Quantize(),
    Quantize(group=5),
    Quantize(grid="sigma"),
    Quantize(grid="sigma", group=7, width=2.5),
    SignOnly(),
    SignOnly(constant="shared"),
    WeightShuffling(),
    RandomMixing(),
    RandomMixing(values="signed-constant"),
    RandomMixing(values="init"),
]
OTHERS = [drug for drug in DRUGS if not isinstance(drug, Quantize)]


def born(sparsity=0.3):
    subject = Subject(TINY.build(Streams(0, "birth")))
    subject.alive = Random().choose(subject, sparsity, STREAMS, ())
    return subject


def matrices(subject):
    return {name: weight.data.clone() for name, weight in subject.synapses.items()}


def struck(drug, severity, sparsity=0.3, streams=STREAMS):
    """(W before, W after, alive, injuries) at this severity."""
    subject = born(sparsity)
    before = matrices(subject)
    injuries = replace(drug, severity=severity).strike(subject, streams)
    return before, matrices(subject), subject.alive, injuries


@pytest.mark.parametrize("disorder", [*DRUGS, Regrow(), Regrow(by="magnitude", weights="zero")], ids=Disorder.describe)
def test_severity_zero_is_health_bit_for_bit(disorder):
    subject = born()
    before = {(group, name): t.clone() for group, part in subject.state().items() for name, t in part.items()}
    injuries = disorder.healthy().strike(subject, STREAMS)
    after = {(group, name): t for group, part in subject.state().items() for name, t in part.items()}
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert injuries["entries"] == 0 and injuries.get("norm", 0.0) == 0 and injuries.get("relative", 0.0) == 0


@pytest.mark.parametrize("drug", DRUGS, ids=Disorder.describe)
def test_a_drug_changes_synapses_alone_and_tells_how_much(drug):
    subject = born()
    others = {n: p.data.clone() for n, p in subject.encoder.named_parameters() if n not in subject.synapses}
    masks = {name: mask.clone() for name, mask in subject.alive.items()}
    before = matrices(subject)
    injuries = replace(drug, severity=0.75).strike(subject, STREAMS)
    after = matrices(subject)
    assert all(torch.equal(value, subject.encoder.get_parameter(name).data) for name, value in others.items())
    assert all(torch.equal(mask, subject.alive[name]) for name, mask in masks.items())
    old = [value for w in before.values() for value in w.flatten().tolist()]
    new = [value for w in after.values() for value in w.flatten().tolist()]
    change = math.sqrt(sum((a - b) ** 2 for a, b in zip(old, new, strict=True)))
    assert injuries["entries"] == sum(a != b for a, b in zip(old, new, strict=True)) > 0
    assert injuries["norm"] == pytest.approx(change, rel=1e-9)
    assert injuries["relative"] == pytest.approx(change / math.sqrt(sum(a * a for a in old)), rel=1e-9)
    assert all(w.dtype == torch.float32 for w in after.values())


@pytest.mark.parametrize("drug", DRUGS, ids=Disorder.describe)
def test_more_severity_is_more_change(drug):
    top = 7 if isinstance(drug, Quantize) and drug.grid == "absmax" else 8
    dose = [struck(drug, eighth / 8)[3]["relative"] for eighth in range(top + 1)]
    assert dose == sorted(dose) and dose[0] == 0 < dose[1]


def test_one_bit_of_absmax_moves_less_than_two_as_documented():
    one, two = (struck(Quantize(), bits)[3]["relative"] for bits in (1.0, 7 / 8))
    assert one < two


@pytest.mark.parametrize("drug", OTHERS, ids=Disorder.describe)
def test_the_share_is_exact_and_larger_shares_contain_smaller_ones(drug):
    changed = []
    for severity in (0.3, 0.6, 1.0):
        before, after, alive, injuries = struck(drug, severity)
        kinds = [[mask, ~mask] for mask in alive.values()] if isinstance(drug, WeightShuffling) else []
        sizes = [int(k.sum()) for pair in kinds for k in pair] or [w.numel() for w in before.values()]
        assert injuries["entries"] == sum(round(severity * size) for size in sizes)
        changed.append({name: before[name] != after[name] for name in before})
    for smaller, larger in itertools.pairwise(changed):
        assert all(bool((smaller[name] <= larger[name]).all()) for name in smaller)


@pytest.mark.parametrize("drug", OTHERS, ids=Disorder.describe)
def test_draws_come_from_the_streams_alone(drug):
    torch.manual_seed(1)
    one = struck(drug, 0.5)[1]
    torch.manual_seed(2)
    same, other = struck(drug, 0.5)[1], struck(drug, 0.5, streams=Streams(6, STREAMS.key))[1]
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def textbook_value(value, living, bits, grid, width):
    """One weight on the grid of its group's living weights, by the definition: (value, distance to the next boundary)."""
    if grid == "absmax" and bits == 1:
        size = math.fsum(abs(v) for v in living) / len(living)
        return (-size if value < 0 else size), 1.0
    if grid == "absmax":
        top, largest = 2 ** (bits - 1) - 1, max(abs(v) for v in living)
        if largest == 0:
            return 0.0, 1.0
        step = max(-top, min(top, round(value / (largest / top))))
        return step * largest / top, 1.0
    step = 2 * width * math.sqrt(math.fsum(v * v for v in living) / len(living)) / 2**bits
    if step == 0:
        return 0.0, 1.0
    cell = max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, math.floor(value / step)))
    return (cell + 0.5) * step, abs(value / step - round(value / step))


def groups_of(rows, columns, group):
    """Positions (row, column) of every group that shares a scale."""
    if group is None:
        return [[(i, j) for i in range(rows) for j in range(columns)]]
    starts = range(0, columns, group)
    return [[(i, j) for j in range(start, min(start + group, columns))] for i in range(rows) for start in starts]


def check_quantised(weight, alive, bits, grid, width, group):
    new = quantised(weight, alive, bits=bits, grid=grid, width=width, group=group)
    for positions in groups_of(*weight.shape, group):
        own = [weight[p].item() for p in positions if alive[p]] or [weight[p].item() for p in positions]
        for p in positions:
            value, distance = textbook_value(weight[p].item(), own, bits, grid, width)
            # A sum in another order may round to the other side of a boundary.
            if distance > 1e-9:
                assert new[p].item() == pytest.approx(value, rel=1e-12, abs=1e-300)
        assert len({new[p].item() for p in positions}) <= 2**bits
    return new


@pytest.mark.parametrize("grid", ["absmax", "sigma"])
@pytest.mark.parametrize("group", [None, 1, 6, 16, 99])
def test_quantisation_equals_the_textbook_on_real_matrices(grid, group):
    drug = Quantize.to_bits(3, grid=grid, group=group)
    before, after, alive, injuries = struck(drug, drug.severity)
    assert injuries["bits"] == 3
    for name in list(before)[-2:]:
        new = check_quantised(before[name], alive[name], 3, grid, 3.0, group)
        assert torch.equal(after[name], new.float())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_quantisation_equals_the_textbook_whatever_the_shape_group_and_dead(data):
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    group = data.draw(st.none() | st.integers(1, 10))
    bits, grid = data.draw(st.integers(1, 8)), data.draw(st.sampled_from(["absmax", "sigma"]))
    entries = st.floats(-100, 100, width=32, allow_subnormal=False)
    size = rows * columns
    weight = torch.tensor(data.draw(st.lists(entries, min_size=size, max_size=size))).view(rows, columns)
    alive = torch.tensor(data.draw(st.lists(st.booleans(), min_size=size, max_size=size))).view(rows, columns)
    new = check_quantised(weight, alive, bits, grid, data.draw(st.sampled_from([0.7, 3.0])), group).float()
    if grid == "absmax":
        again = quantised(new, alive, bits=bits, grid=grid, width=3.0, group=group).float()
        assert torch.equal(new, again)


@pytest.mark.parametrize("group", [None, 5])
@pytest.mark.parametrize("bits", range(1, 9))
def test_a_second_dose_of_absmax_changes_nothing(bits, group):
    subject, drug = born(), Quantize.to_bits(bits, group=group)
    drug.strike(subject, STREAMS)
    once = matrices(subject)
    assert drug.strike(subject, STREAMS)["entries"] == 0
    assert all(torch.equal(once[name], w.data) for name, w in subject.synapses.items())


def test_scales_are_of_the_living_and_the_dead_are_rounded_too():
    weight = torch.tensor([[1.0, -0.4, 50.0, -9.0]])
    alive = torch.tensor([[True, True, False, False]])
    new = quantised(weight, alive, bits=2, grid="absmax", width=3.0, group=None)
    assert new.tolist() == [[1.0, -0.0, 1.0, -1.0]]
    assert quantised(weight, alive, bits=1, grid="absmax", width=3.0, group=None).tolist()[0] == pytest.approx([0.7, -0.7] * 2)
    alone = quantised(weight, alive, bits=2, grid="absmax", width=3.0, group=2)[0, 2:].tolist()
    assert alone == [50.0, 0.0], "where none lives, the scale is of all"


def test_severities_between_two_eighths_are_the_stronger_dose():
    assert [Quantize(severity=s).bits for s in (0.0, 1e-12, 1 / 8, 0.13, 0.25, 0.26, 0.99, 1.0)] == [None, 8, 8, 7, 7, 6, 1, 1]
    assert [Quantize.to_bits(b).bits for b in range(1, 9)] == list(range(1, 9))
    assert Quantize(severity=0.1 + 0.2 + 0.075).bits == 6
    assert struck(Quantize(), 0.0)[3]["bits"] == 32


def test_sign_only_equals_the_textbook_and_all_of_it_is_one_bit():
    for constant in ("matrix", "shared"):
        drug = SignOnly(constant=constant)
        before, after, alive, _ = struck(drug, 0.4)
        generator = STREAMS.torch("disorder")
        everyone = [abs(v) for name, w in before.items() for v in w[alive[name]].tolist()]
        for name, weight in before.items():
            own = everyone if constant == "shared" else [abs(v) for v in weight[alive[name]].tolist()]
            expected = weight.flatten().tolist()
            for position in torch.randperm(weight.numel(), generator=generator).tolist()[: round(0.4 * weight.numel())]:
                expected[position] = math.copysign(math.fsum(own) / len(own), expected[position])
            torch.testing.assert_close(after[name].flatten(), torch.tensor(expected), rtol=1e-6, atol=0.0)
    whole, one_bit = struck(SignOnly(), 1.0)[1], struck(Quantize(), 1.0)[1]
    assert all(torch.equal(whole[name], one_bit[name]) for name in whole)


def test_shuffling_keeps_both_distributions_and_equals_the_textbook_cycle():
    before, after, alive, _ = struck(WeightShuffling(), 0.5)
    generator = STREAMS.torch("disorder")
    for name, weight in before.items():
        expected = weight.flatten().tolist()
        for kind in (alive[name], ~alive[name]):
            assert torch.equal(weight[kind].sort().values, after[name][kind].sort().values)
            among = [i for i, member in enumerate(kind.flatten().tolist()) if member]
            order = torch.randperm(len(among), generator=generator).tolist()[: round(0.5 * len(among))]
            for place, source in zip(order, [order[-1], *order[:-1]], strict=True):
                expected[among[place]] = weight.flatten()[among[source]].item()
        assert after[name].flatten().tolist() == expected


@pytest.mark.parametrize("values", ["matched", "signed-constant", "init"])
def test_random_mixing_equals_the_textbook(values):
    before, after, alive, _ = struck(RandomMixing(values=values), 0.4)
    generator = STREAMS.torch("disorder")
    for name, weight in before.items():
        drawn = torch.randn(weight.shape, generator=generator).flatten().tolist()
        own = weight[alive[name]].tolist()
        mean = math.fsum(own) / len(own)
        spread = math.sqrt(math.fsum((v - mean) ** 2 for v in own) / len(own))
        expected = weight.flatten().tolist()
        for p in torch.randperm(weight.numel(), generator=generator).tolist()[: round(0.4 * weight.numel())]:
            constant = math.sqrt(2 / weight.shape[1])
            signed = -constant if drawn[p] < 0 else constant
            expected[p] = {"matched": mean + spread * drawn[p], "signed-constant": signed, "init": 0.02 * drawn[p]}[values]
        torch.testing.assert_close(after[name].flatten(), torch.tensor(expected), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("by", ["random", "magnitude"])
@pytest.mark.parametrize("kept", ["kept", "zero"])
@pytest.mark.parametrize("severity", [0.01, 0.37, 1.0])
def test_regrowth_revives_an_exact_share_of_the_dead(by, kept, severity):
    subject = born(0.6)
    alive, before = subject.alive, matrices(subject)
    copies = {name: mask.clone() for name, mask in alive.items()}
    dead = sum(int((~mask).sum()) for mask in alive.values())
    injuries = Regrow(severity=severity, by=by, weights=kept).strike(subject, STREAMS)
    revived = {name: subject.alive[name] & ~mask for name, mask in copies.items()}
    assert all(torch.equal(mask, copies[name]) for name, mask in alive.items()), "the masks of before are not overwritten"
    assert all(bool((mask <= subject.alive[name]).all()) for name, mask in copies.items())
    assert injuries == {"entries": round(severity * dead)} == {"entries": sum(int(m.sum()) for m in revived.values())}
    for name, weight in subject.synapses.items():
        expected = before[name] * ~revived[name] if kept == "zero" else before[name]
        assert torch.equal(weight.data, expected)
    if by == "magnitude" and severity < 1:
        strength = sorted((v for name, w in before.items() for v in w[~copies[name]].abs().tolist()), reverse=True)
        grown = sorted((v for name, w in before.items() for v in w[revived[name]].abs().tolist()), reverse=True)
        assert grown == strength[: len(grown)]


def test_regrowth_of_the_living_does_nothing():
    subject = born(0.0)
    assert Regrow(severity=1.0).strike(subject, STREAMS) == {"entries": 0.0}
    assert Regrow.regrows and not any(type(drug).regrows for drug in DRUGS)


def test_a_life_with_a_drug_before_structural_learning_and_regrowth_before_a_milder_age(tmp_path):
    events = (
        Suffer(Quantize.to_bits(4)),
        Learn(TASKS[0], by=Masks(steps=3, rate=5e-3)),
        Age(to=0.5, by=Magnitude()),
        Treat(Regrow(severity=0.5)),
        Probe(Sparsity()),
        Age(to=0.3, by=Magnitude()),
        Learn(TASKS[1], by=weights(2)),
        Suffer(WeightShuffling(severity=0.25)),
    )
    study = Study(name="drugged", groups={"all": Scenario(name="drugged", subject=TINY, events=events)})
    simulate(study, tmp_path, threads=1)
    steps = compile_study(study, precision="fp32").lives[0].steps
    encoder = [Store(tmp_path / "store").load_state(step.digest)[1]["encoder"] for step in steps]
    changed = [sorted(n for n in encoder[0] if not torch.equal(a[n], b[n])) for a, b in itertools.pairwise(encoder)]
    subject = born()
    assert changed[0] == sorted(subject.synapses) and changed[1:5] == [[], [], [], []]
    rows = read(tmp_path).measurements()
    injuries = rows[rows["probe"] == "Injury/Quantize"].set_index("metric")["value"]
    assert injuries["bits"] == 4 and 0 < injuries["relative"] < 1 and injuries["entries"] <= subject.count
    regrown = rows[rows["probe"] == "Injury/Regrow"].set_index("metric")["value"]
    assert regrown["entries"] == round(0.5 * round(0.5 * subject.count))
    assert rows[(rows["metric"] == "sparsity") & (rows["task"] == "")]["value"].iloc[0] == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Quantize(severity=2), r"Quantize\(severity=2\): must be a number in \[0, 1\]"),
        (lambda: Quantize(grid="abs-max"), r"Quantize\(grid='abs-max'\): is not known here. Did you mean 'absmax'\?"),
        (lambda: Quantize(width=0), r"Quantize\(width=0\): must be a number above 0"),
        (lambda: Quantize(group=0), r"Quantize\(group=0\): must be a whole number, at least 1"),
        (lambda: Quantize.to_bits(9), r"Quantize.to_bits\(9\): must be a whole number from 1 to 8. For untouched weights"),
        (lambda: Quantize.to_bits(2.5), r"Quantize.to_bits\(2.5\): must be a whole number"),
        (lambda: Quantize.to_bits(4, gird="sigma"), r"there is no such argument. Did you mean 'grid'\?"),
        (lambda: SignOnly(constant="global"), r"SignOnly\(constant='global'\): is not known here. Known: matrix, shared"),
        (
            lambda: RandomMixing(values="signed_constant"),
            r"RandomMixing\(values='signed_constant'\): .* Did you mean 'signed-constant'\?",
        ),
        (lambda: Regrow(by="size"), r"Regrow\(by='size'\): is not known here. Known: random, magnitude"),
        (lambda: Regrow(weights="old"), r"Regrow\(weights='old'\): is not known here. Known: kept, zero"),
    ],
)
def test_messages(wrong, message):
    with pytest.raises(ScenarioError, match=message):
        wrong()
    assert issubclass(ScenarioError, LifespanError)

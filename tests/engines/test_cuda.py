"""The same lives on a GPU, where there is one: every kind of learning runs, and ends near what the CPU says."""

import pytest
import torch
from conftest import TASKS, TINY, tiny_study

from lifespan import (
    SET,
    Age,
    BernoulliMasks,
    Both,
    Develop,
    Distilled,
    Fisher,
    FixedMask,
    Footprint,
    GradientSaliency,
    HeadOnly,
    L0Close,
    Learn,
    Lottery,
    Magnitude,
    Masks,
    MicroText,
    Movement,
    MovementMasks,
    NofM,
    Probe,
    Quantize,
    RandomMixing,
    Recover,
    RigL,
    Scenario,
    Score,
    SoftMovementMasks,
    Sparsity,
    Study,
    Suffer,
    TopKMasks,
    Wanda,
    WeightAgnostic,
    Weights,
    read,
    simulate,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

STEPS = 5
LEARNERS = {
    "weights": Weights(steps=STEPS),
    "head": HeadOnly(steps=STEPS),
    "masks": Masks(steps=STEPS, rate=5e-3, target=0.3, refresh=2),
    "both": Both(steps=STEPS),
    "bernoulli": BernoulliMasks(steps=STEPS),
    "topk": TopKMasks(steps=STEPS, refresh=1),
    "movement": MovementMasks(steps=STEPS, refresh=2),
    "smp": MovementMasks(steps=STEPS, weights=False, refresh=2),
    "soft": SoftMovementMasks(steps=STEPS),
    "fixed": FixedMask(steps=STEPS, weights=True),
    "snip": FixedMask(steps=STEPS, by=GradientSaliency()),
    "lottery": Lottery(steps=STEPS, rewind="birth"),
    "l0": L0Close(steps=STEPS),
    "rigl": RigL(steps=STEPS, weights=True, every=2),
    "set": SET(steps=STEPS, every=2),
}
PRUNERS = (Magnitude(), Magnitude(scope="row"), GradientSaliency(), Fisher(examples=8), Movement(steps=3), Wanda())
EVALUATION = Probe(Score(), Sparsity(), Footprint())


def study():
    childhood = Develop(MicroText(number=300), steps=6, batch_size=16)
    lives = {name: (childhood, Learn(TASKS[0], by=by), EVALUATION) for name, by in LEARNERS.items()}
    for pruner in PRUNERS:
        lives[pruner.describe()] = (
            childhood,
            Learn(TASKS[0], by=Masks(steps=STEPS)),
            Age(to=0.4, by=pruner),
            Recover(steps=4, by=RigL(anatomy=True, every=2)),
            Learn(TASKS[0], by=Distilled(by=Weights(steps=3), teacher=2)),
            EVALUATION,
        )
    lives["drugs"] = (
        childhood,
        Suffer(Quantize.to_bits(4)),
        Suffer(RandomMixing(severity=0.1)),
        Learn(TASKS[0], by=Masks(steps=STEPS)),
        Age(to=0.5, by=NofM()),
        Recover(steps=4),
        EVALUATION,
        Probe(WeightAgnostic()),
    )
    return Study(name="cuda", groups={n: Scenario(name="life", subject=TINY, events=e) for n, e in lives.items()})


def test_everything_lives_on_a_gpu_as_on_a_cpu(tmp_path):
    rows = {}
    for device in ("cuda", "cpu"):
        outcome = simulate(study(), tmp_path / device, device=device)
        people = read(tmp_path / device).participants()
        assert outcome.done == len(study().groups), people[people["status"] != "done"][["group", "reason"]].to_string()
        rows[device] = read(tmp_path / device).measurements()
    gpu, cpu = (rows[device][rows[device]["metric"] == "loss"]["value"].to_numpy() for device in ("cuda", "cpu"))
    assert abs(gpu - cpu).max() < 0.1
    sparsity = [rows[device][rows[device]["metric"] == "alive"]["value"].tolist() for device in ("cuda", "cpu")]
    assert sparsity[0] == sparsity[1]


def test_bfloat16_lives_on_a_gpu(tmp_path):
    import dataclasses

    outcome = simulate(dataclasses.replace(tiny_study(), precision="bf16"), tmp_path, device="cuda")
    assert outcome.done == 1

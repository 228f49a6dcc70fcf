"""Four ways to give each task a place of its own, young and with half of the synapses gone.

Sources: Mallya et al. (2018, Piggyback), Mallya & Lazebnik (2018, PackNet), Serra et al. (2018, HAT), Hu et al. (2022,
LoRA); the essay, for which structure learned over frozen weights keeps what was learned. Claims and predictions: (1)
all four forget nothing; (2) masks learn as well as low-rank adapters, at fewer bytes a task; (3) what shares out
weights (PackNet, HAT) learns the later tasks worse than the first, as places run out, and the more so when half of the
synapses are gone before school. Refuted where one forgets; where an adapter's ACC is above the masks' (interval of the
twins' difference); where the later tasks do not suffer, or suffer no more when aged. Control: `plain` fine-tuning, and
twins of equal age.

Six tasks of the built-in world in one order, a head each. Rates and shares are those of the best mean score on one
other seed (see reports/LOG.md). Scores on the dev split.

Needs `pip install 'lifespan[peft]'`.
"""

from lifespan import (
    HAT,
    Age,
    Develop,
    Footprint,
    LoRA,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    PackNet,
    Probe,
    Scenario,
    Score,
    Study,
    Weights,
    stream,
)

INDIVIDUALS = 10
SEED = 0
CHILDHOOD_STEPS = 4_000
EPOCHS = 5.0
TASKS = ("acceptability", "sentiment", "paraphrase", "similarity", "inference", "entailment")

SCHOOL = tuple(MicroTask(name) for name in TASKS)
RECIPE = {"epochs": EPOCHS, "head_rate": 1e-3}
LEARNERS = {
    "plain": Weights(rate=1e-3, **RECIPE),
    "masks": Masks(rate=1e-3, sparsity=0.05, **RECIPE),
    "PackNet": PackNet(rate=1e-3, share=0.5, **RECIPE),
    "HAT": HAT(rate=1e-3, open=0.9, **RECIPE),
    "LoRA": LoRA(rate=1e-2, **RECIPE),
}

childhood = Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=32)
evaluation = Probe(Score(length=32), Footprint())


def life(by):
    return Scenario(
        name="life",
        subject=Micro(),
        events=(childhood, *stream(*SCHOOL, by=by, length=32, each=lambda task: evaluation)),
    )


young = {name: life(by) for name, by in LEARNERS.items()}
old = {f"{name}, aged": each.with_events(after=1, add=Age(to=0.5, by=Magnitude())) for name, each in young.items()}

study = Study(name="places-of-their-own", individuals=INDIVIDUALS, seed=SEED, groups={**young, **old})

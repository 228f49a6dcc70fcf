"""Five strategies against forgetting, ours and Avalanche's, on one stream: do they say the same?

Sources: Carta et al. (2023, Avalanche) and the papers of the strategies. Claim and prediction: each of EWC, synaptic
intelligence, learning without forgetting, rehearsal and A-GEM, written anew here, gives ACC and forgetting within the
individuals' 95% interval of Avalanche 0.6's, and moves them to the same side of plain fine-tuning. Refuted where an
interval of the twins' difference excludes 0. Controls: `plain` beside Avalanche's `Naive`, which are the same algorithm
over different batches (length-sorted here, shuffled there) and show what that alone does.

Five tasks with classes of the built-in world, one order. Settings are as equal as the definitions let them be: EWC's
Fisher squares batch means over all rows and is weighed by half of the strength there; 200 rows are kept in all; LwF at
temperature 2 sums over earlier tasks there and takes the mean of T^2 times the divergence here, so that its weight is
that of the second task; synaptic intelligence clips its importances at .001 there and not here, so that each has the
best of a few strengths on another seed (see reports/LOG.md). There, old heads learn on; here they stay.

Needs `pip install 'lifespan[avalanche]'`.
"""

from lifespan import (
    EWC,
    AvalancheStrategy,
    AveragedGEM,
    Develop,
    LearningWithoutForgetting,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Rehearsal,
    Scenario,
    Score,
    Study,
    SynapticIntelligence,
    Weights,
    stream,
)

INDIVIDUALS = 10
SEED = 0
CHILDHOOD_STEPS = 4_000
EPOCHS = 5.0
BUFFER = 200
EWC_STRENGTH = 1_000.0
SI_STRENGTH = 1.0
SI_STRENGTH_THERE = 1_000.0
LWF_STRENGTH = 0.3
TASKS = ("acceptability", "sentiment", "paraphrase", "inference", "entailment")

SCHOOL = tuple(MicroTask(name) for name in TASKS)
RECIPE = {"epochs": EPOCHS, "rate": 1e-3, "head_rate": 1e-3}
BY = Weights(**RECIPE)
childhood = Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=32)
evaluation = Probe(Score(length=32))


def ours(strategy=None):
    return stream(*SCHOOL, by=BY, against_forgetting=strategy, length=32, each=lambda task: evaluation)


def theirs(name, **settings):
    by = AvalancheStrategy(name, settings=settings, **RECIPE)
    return stream(*SCHOOL, by=by, length=32, each=lambda task: evaluation)


schools = {
    "plain": ours(),
    "Naive, Avalanche": theirs("Naive"),
    "EWC": ours(EWC(strength=EWC_STRENGTH, fisher="batch", examples=512)),
    "EWC, Avalanche": theirs("EWC", ewc_lambda=EWC_STRENGTH / 2),
    "SI": ours(SynapticIntelligence(strength=SI_STRENGTH)),
    "SI, Avalanche": theirs("SynapticIntelligence", si_lambda=SI_STRENGTH_THERE),
    "LwF": ours(LearningWithoutForgetting(strength=LWF_STRENGTH)),
    "LwF, Avalanche": theirs("LwF", alpha=4 * LWF_STRENGTH, temperature=2.0),
    "rehearsal": ours(Rehearsal(size=BUFFER)),
    "rehearsal, Avalanche": theirs("Replay", mem_size=BUFFER),
    "A-GEM": ours(AveragedGEM(size=BUFFER)),
    "A-GEM, Avalanche": theirs("AGEM", patterns_per_exp=BUFFER // len(TASKS), sample_size=32),
}

study = Study(
    name="beside-avalanche",
    individuals=INDIVIDUALS,
    seed=SEED,
    groups={name: Scenario(name="life", subject=Micro(), events=(childhood, *events)) for name, events in schools.items()},
)

"""A whole life: development, six tasks, ageing to 80% with recovery, and two disorders against control twins.

Claim (essay "The Curious Case of Developmental BERTology"): development, learning by structure, graceful ageing and disorder
fit one picture: function survives a changing structure, and is lost where optimisation or tissue fails. Predictions: masks
forget nothing at school; of six functions most survive to 80% sparsity with recovery, and few without; `noisy`, whose
synapses are perturbed in mid-life, and `unstable`, whose recoveries are taught by an unstable optimiser, lose functions
earlier than their healthy twins. Refuted where the survival of functions is alike. Control: `healthy`; `no recovery` is the
positive control. A function is lost when its score falls below half of what it had above chance.
"""

from _essay import world

from lifespan import Age, Magnitude, Probe, Sparsity, Study, Suffer, UnstableOptimizer, WeightNoise, gradually, usual

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
AGES = 8
FINAL_SPARSITY = 0.8
RECOVERY_STEPS = 60
SEVERITY = 0.5

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
school = here.school(here.six, here.masks())
evaluation = Probe(*usual(length=here.length))


def life(*struck, recovering=True):
    """A life that is struck, if at all, when school is over; evaluated in full after school and at the end."""

    def each(sparsity):
        recovery = (here.recover(RECOVERY_STEPS),) if recovering else ()
        return (Age(to=sparsity, by=Magnitude()), *recovery, here.score(), Probe(Sparsity()))

    ageing = gradually(to=FINAL_SPARSITY, in_steps=AGES, each=each)
    return here.life(*school, evaluation, *struck, *ageing, evaluation)


study = Study(
    name=f"a-whole-life-{WORLD}",
    individuals=INDIVIDUALS,
    control="healthy",
    groups={
        "healthy": life(),
        "noisy": life(Suffer(WeightNoise(severity=SEVERITY))),
        "unstable": life(Suffer(UnstableOptimizer(severity=SEVERITY))),
        "no recovery": life(recovering=False),
    },
)

"""Lesions: which heads and layers carry which task, in the young and in the aged?

Claim (essay "The Curious Case of Developmental BERTology"; Michel et al. 2019): function is spread over structure, a few
units matter much and most do not, and an aged network has less to spare. Prediction: silencing the heads that matter most
harms more than silencing as many random ones; silencing the least important harms hardly at all; the same share harms the
aged more than the young. Refuted where targeted is no worse than random, or the aged lose no more. Controls: random lesions
of equal size, and `young`, the twin that lost nothing; recovery finds nothing to mend in it.
"""

from _essay import world

from lifespan import Age, LesionMap, Magnitude, Probe, Study, TargetedLesions, gradually

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
FINAL_SPARSITY = 0.6
AGES = 3
RECOVERY_STEPS = 40

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
seen = {"split": here.split, "length": here.length, "examples": 200}
lesions = Probe(
    LesionMap(kind="heads", **seen),
    LesionMap(kind="layers", **seen),
    TargetedLesions(shares=(0.125, 0.25, 0.5), **seen),
)
school = here.school(here.three, here.masks())


def aged(sparsity):
    return (Age(to=sparsity, by=Magnitude()), here.recover(RECOVERY_STEPS))


def life(*later):
    return here.life(*school, *later, here.score(), lesions)


study = Study(
    name=f"lesions-{WORLD}",
    individuals=INDIVIDUALS,
    control="young",
    groups={
        "young": life(*(here.recover(RECOVERY_STEPS) for _ in range(AGES))),
        "aged": life(*gradually(to=FINAL_SPARSITY, in_steps=AGES, each=aged)),
    },
)

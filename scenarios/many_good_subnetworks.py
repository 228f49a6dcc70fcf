"""Many good subnetworks: how sparse may a mask be, and are two good masks of one network alike?

Claim (essay "The Curious Case of Developmental BERTology", figure 5 left; Ramanujan et al. 2020): a pre-trained network
holds many good subnetworks, from a few percent to most of its synapses removed. Prediction: the score stays within 3 points
of the 10% mask up to 50%, and two masks of one network, learned from different random starts, score alike while they overlap
little more than chance does. Refuted if the score falls before 50%, or if the two masks are the same. Controls: `random`, a
random mask of equal sparsity, and `magnitude`, the largest weights, with only the head learning. Positive control: a mask of
90% must lose something.

Each life learns the task twice, from another random start each time, with the same weights; `MaskOverlap` since the first
compares the two. Between individuals it does so too, where all are born with the same weights (`WORLD=glue`).
"""

from _essay import world

from lifespan import (
    Between,
    FixedMask,
    Magnitude,
    MaskOverlap,
    Probe,
    Random,
    Since,
    Sparsity,
    Study,
    TopKMasks,
)

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
SPARSITIES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)


def life(*ways):
    learned = [event for by in ways for event in (here.learn(here.easy, by), here.score())]
    evaluations = [Sparsity()] if len(ways) == 1 else [Sparsity(), Since(len(here.childhood) + 1, MaskOverlap())]
    return here.life(*learned, Probe(*evaluations))


def masks(sparsity):
    return here.masks(kind=TopKMasks, sparsity=sparsity)


def fixed(by, sparsity):
    return here.weights(kind=FixedMask, by=by, sparsity=sparsity)


study = Study(
    name=f"many-good-subnetworks-{WORLD}",
    individuals=INDIVIDUALS,
    groups={
        **{f"masks {s:.0%}": life(masks(s), masks(s)) for s in SPARSITIES},
        **{f"random {s:.0%}": life(fixed(Random(), s)) for s in SPARSITIES},
        **{f"magnitude {s:.0%}": life(fixed(Magnitude(), s)) for s in SPARSITIES},
    },
    between=() if here.small else (Between(MaskOverlap(), pairs="individuals"),),
)

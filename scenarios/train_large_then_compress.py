"""Train large, then compress: does it pay to grow more synapses than are kept?

Claim (Li et al. 2020, Train Large, Then Compress; essay "The Curious Case of Developmental BERTology"): at an equal number
of synapses in the end, a large network that was pruned does better than one that was small from the beginning; brains
over-produce synapses and prune. Predictions: `large, compressed` scores above `small`, which has as many living synapses;
pruning while pre-training (`pruned in childhood`, on the cubic schedule) costs little against pruning after it, and
over-production beats constant sparsity from birth (`sparse from birth`). Refuted where the small twin, or the one of
constant sparsity, does as well. Controls: those twins; `large, whole` is the ceiling. All live equally many steps; recovery
is dense, by weights.
"""

from dataclasses import replace

from _essay import wide, world

from lifespan import Age, Magnitude, Probe, Random, Scenario, Sparsity, Study, gradually

INDIVIDUALS = 20
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
PARTS = 6
LARGE = 128
SMALL = 64

small = world("micro", CHILDHOOD_STEPS, EPOCHS, wide(SMALL))
large = world("micro", CHILDHOOD_STEPS, EPOCHS, wide(LARGE))
kept = small.subject.size()["synapses"] / large.subject.size()["synapses"]
loss = Age(to=1 - kept, by=Magnitude())


def part(here):
    """A part of childhood, at the rate of its world."""
    return replace(here.childhood[0], steps=CHILDHOOD_STEPS // PARTS)


def life(here, childhood, *later):
    """A childhood in equal parts, a school of three tasks, each by weights and evaluated after it, and what comes between."""
    school = here.school(here.three, here.weights())
    return Scenario(name="life", subject=here.subject, events=(*childhood, *later, *school, Probe(Sparsity())))


whole = (part(large),) * PARTS

study = Study(
    name="train-large-then-compress",
    individuals=INDIVIDUALS,
    control="small",
    groups={
        "small": life(small, (part(small),) * PARTS),
        "large, whole": life(large, whole),
        "large, compressed": life(large, whole, loss),
        "pruned in childhood": life(
            large, gradually(to=1 - kept, in_steps=PARTS, each=lambda s: (part(large), Age(to=s, by=Magnitude())))
        ),
        "sparse from birth": life(large, (Age(to=1 - kept, by=Random()), *whole)),
    },
)

"""Weights or structure: is a mask over frozen pre-trained weights as good as fine-tuning, on each task?

Claim (essay "The Curious Case of Developmental BERTology", figures 2 and 3; Radiya-Dixit & Wang 2020; Zhao et al. 2020): a
binary mask over frozen weights learns a task about as well as fine-tuning does. Prediction: on each task masks come within 3
points of weights, and 5 or more above the head alone. Refuted on a task where the interval of masks - weights lies below
-.03, or that of masks - head includes 0. Controls: `head`, the same head on the frozen body; `random`, a random mask of about
the sparsity that masks come to, in which only the head learns; and `weights, as long`, which learn for as many steps as masks
do. Each task is learned by a subject of its own, fresh from its childhood. Positive control: weights must beat the head.
"""

from _essay import world

from lifespan import FixedMask, Probe, Random, Sparsity, Study

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
WAYS = {
    "weights": here.weights(),
    **({"weights, as long": here.weights(2 * here.epochs)} if here.small else {}),
    "masks": here.masks(),
    "head": here.head(),
    "random": here.weights(kind=FixedMask, by=Random(), sparsity=0.3),
}


def life(task, by):
    return here.life(here.learn(task, by), here.score(), Probe(Sparsity()))


study = Study(
    name=f"masks-or-weights-{WORLD}",
    individuals=INDIVIDUALS,
    groups={f"{way} {task}": life(task, by) for task in here.six for way, by in WAYS.items()},
)

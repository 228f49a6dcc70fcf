"""Weight-agnostic: how much of a learned function is structure alone?

Claim (essay "The Curious Case of Developmental BERTology"; Gaier & Ha 2019): what is learned sits in the structure, whatever
the strength of its synapses. Prediction: with all surviving weights set to sign x one constant, skills learned by masks keep
more of their score than skills learned by weights. Refuted if masks keep no more, or if both fall to chance. Controls:
`weights`; `head`, which learns neither; and `shuffled` signs are what `WeightShuffling` leaves: masks whose weights were
permuted within each matrix before evaluation. Positive control: the constant that suits best must beat chance where the head
does.
"""

from _essay import world

from lifespan import Probe, SignOnly, Study, Treat, WeightAgnostic, WeightShuffling

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
SPARSITY = 0.5

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
agnostic = Probe(WeightAgnostic(split=here.split, length=here.length))


def life(by, *drugs):
    """School, then an evaluation with one strength for all synapses, the signs kept; a drug is taken before the evaluation."""
    return here.life(*here.school(here.three, by), *map(Treat, drugs), here.score(), agnostic)


study = Study(
    name=f"structure-alone-{WORLD}",
    individuals=INDIVIDUALS,
    groups={
        "masks": life(here.masks(target=SPARSITY)),
        "weights": life(here.weights()),
        "head": life(here.head()),
        "masks, signs only": life(here.masks(target=SPARSITY), SignOnly(severity=1.0)),
        "masks, shuffled": life(here.masks(target=SPARSITY), WeightShuffling(severity=1.0)),
    },
)

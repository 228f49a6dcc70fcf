"""Is pre-training needed? Masks over random weights as the network grows wider.

Claim (essay "The Curious Case of Developmental BERTology", open question; Ramanujan et al. 2020): a random network that is
wide enough holds a subnetwork as good as a trained one. Prediction: the score of masks over random weights rises with width
towards that of masks over developed weights of the same width, and above the head alone. Refuted if the gap to the developed
does not shrink from the narrowest to the widest. Controls at each width: `developed`, masks after a childhood; `head`, the
head alone on random weights; and `weights`, fine-tuning of the random ones. Positive control: masks after a childhood, and
fine-tuning, must beat the head. The task is a simple one, which newborns learn.
"""

from _essay import wide, world

from lifespan import Scenario, Study, TopKMasks

INDIVIDUALS = 20
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
WIDTHS = (32, 64, 128, 256)


def lives(width):
    """The four lives of one width, by name."""
    here = world("micro", CHILDHOOD_STEPS, EPOCHS, wide(width))
    learn = here.learn(here.simple, here.masks(kind=TopKMasks, sparsity=0.5))
    courses = {
        "random": (learn,),
        "developed": (*here.childhood, learn),
        "head": (here.learn(here.simple, here.head(2 * here.epochs)),),
        "weights": (here.learn(here.simple, here.weights(2 * here.epochs)),),
    }
    return {
        f"{name} {width}": Scenario(name="life", subject=here.subject, events=(*events, here.score()))
        for name, events in courses.items()
    }


study = Study(
    name="is-pretraining-needed",
    individuals=INDIVIDUALS,
    groups={name: life for width in WIDTHS for name, life in lives(width).items()},
)

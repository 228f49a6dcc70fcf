"""Two lotteries: structure that makes weights learnable, and weights that make structure learnable.

Claim (essay "The Curious Case of Developmental BERTology"): a ticket of Frankle & Carbin (2019) is a structure that makes
random weights learnable, and depends on which weights it was found with; pre-training draws weights that make structure
learnable, and what then matters is where the structure starts. Predictions: (1) in the newborn, `ticket` learns better than
a random structure of equal sparsity with the same weights, and than the same structure with other weights; (2) in the
developed, masks that start by magnitude beat masks that start at random, and both beat masks over weights that were
shuffled within each matrix; (3) a mask found on another task serves a task better than a random mask does. Refuted for (1)
or (2) where the twin without the winning draw does as well. Positive controls: in both, dense weights must beat the head
alone, and in the newborn a random structure too, or no structure could win anything.

The newborn all learn for equally many steps at the end; of the developed, masks take twice as long as the rest in the micro
world. What a lottery taught embeddings and head stays when its synapses get other weights: `ticket with other weights` is
to be read against `random structure after a lottery`, which keeps as much. The newborn learn a simple task, the only kind
they can learn, at 95% sparsity; the developed an easy one whose answer is more than its words, at 70%. With `WORLD=glue`
the newborn is MiniLM's configuration with random weights.
"""

from _essay import world

from lifespan import (
    FixedMask,
    Lottery,
    PartialReinitialization,
    Random,
    Scenario,
    SkillMask,
    Study,
    Suffer,
    TopKMasks,
    WeightShuffling,
)

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
SPARSITY = 0.7
NEWBORN_SPARSITY = 0.95
ROUNDS = 3

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
another = next(name for name in here.three if name not in (here.simple, here.easy))
simple, task, other = here.task(here.simple), here.task(here.easy), here.task(another)
lottery = here.weights(kind=Lottery, sparsity=NEWBORN_SPARSITY, rounds=ROUNDS)


def fixed(by):
    """Weights learn inside a mask that was chosen before: in the newborn."""
    return here.weights(kind=FixedMask, by=by, sparsity=NEWBORN_SPARSITY, weights=True)


def head_over(by):
    """The head learns over a mask that was chosen before: in the developed."""
    return here.weights(kind=FixedMask, by=by, sparsity=SPARSITY)


redrawn = Suffer(PartialReinitialization(severity=1.0))


def young(*events):
    return Scenario(name="life", subject=here.newborn, events=(*events, here.score()))


def grown(*events):
    return here.life(*events, here.score())


def masks(start):
    return here.learn(task, here.masks(kind=TopKMasks, sparsity=SPARSITY, start=start))


study = Study(
    name=f"two-lotteries-{WORLD}",
    individuals=INDIVIDUALS,
    groups={
        "newborn, ticket": young(here.learn(simple, lottery)),
        "newborn, ticket with other weights": young(
            here.learn(simple, lottery), redrawn, here.learn(simple, fixed(SkillMask(simple)))
        ),
        "newborn, random structure after a lottery": young(
            here.learn(simple, lottery), redrawn, here.learn(simple, fixed(Random()))
        ),
        "newborn, random structure": young(here.learn(simple, fixed(Random()))),
        "newborn, ticket of another task": young(here.learn(other, lottery), here.learn(simple, fixed(SkillMask(other)))),
        "newborn, dense": young(here.learn(simple, here.weights())),
        "newborn, head": young(here.learn(simple, here.head())),
        "developed, start by magnitude": grown(masks("magnitude")),
        "developed, start at random": grown(masks("random")),
        "developed, shuffled weights": grown(Suffer(WeightShuffling(severity=1.0)), masks("magnitude")),
        "developed, mask of another task": grown(
            here.learn(other, here.masks(kind=TopKMasks, sparsity=SPARSITY, start="magnitude")),
            here.learn(task, head_over(SkillMask(other))),
        ),
        "developed, random mask": grown(here.learn(task, head_over(Random()))),
        "developed, dense": grown(here.learn(task, here.weights())),
        "developed, head": grown(here.learn(task, here.head())),
    },
)

"""Development flattens: are optima closer and flatter after pre-training, and do lower layers move least?

Claim (Hao et al. 2019; essay "The Curious Case of Developmental BERTology"): fine-tuning after pre-training ends in wider
and flatter optima, close to where it began, and lower layers change least. Predictions: `developed` has a lower distance to
the start of learning, a lower trace of the Hessian and a smaller rise along random directions than `newborn`, its twin
without a childhood; in `developed` the representation of the first layer stays nearer (CKA) to what it was than that of the
last. Refuted for each measure that shows no difference or the opposite. `newborn, longer` learns as many steps more as a
childhood has, so that not the number of steps makes the difference. Control: `newborn`. Positive control: both must learn
the task, by weights better than by the head.

The task is a simple one, which a newborn learns too, and what was learned is compared with the moment after one epoch of the
head alone: before it there is no answer to compare. Flatness is that of the loss which learning went down, on training
rows: elsewhere the place where learning ended is no optimum. With `WORLD=glue` the newborn is MiniLM's configuration with
random weights, and looking takes longer than living: `--set EXAMPLES=128` evaluates fewer rows.
"""

from _essay import world

from lifespan import (
    Barrier,
    LossSlice,
    Probe,
    RepresentationSimilarity,
    Scenario,
    Sharpness,
    Since,
    Study,
)

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
EXAMPLES = 512

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
learned = {"split": "train", "length": here.length}


def life(subject, childhood, epochs):
    start = len(childhood) + 1
    evaluations = Probe(
        Since(start, Barrier(points=5, examples=64, split=here.split, length=here.length)),
        Since(start, RepresentationSimilarity(examples=100, length=here.length)),
        Sharpness(draws=16, examples=EXAMPLES, **learned),
        LossSlice(reach=0.5, points=5, directions=10, examples=EXAMPLES, **learned),
    )
    school = (here.learn(here.simple, here.head(1)), here.score(), here.learn(here.simple, here.weights(epochs)), here.score())
    events = (*childhood, *school, evaluations)
    return Scenario(name="life", subject=subject, events=events)


study = Study(
    name=f"development-flattens-{WORLD}",
    individuals=INDIVIDUALS,
    control="newborn",
    groups={
        "newborn": life(here.newborn, (), here.epochs),
        "newborn, longer": life(here.newborn, (), 10 * here.epochs),
        "developed": life(here.subject, here.childhood, here.epochs),
    },
)

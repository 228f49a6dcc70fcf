"""Optimisational diseases: bad initialisation and an unstable optimiser as developmental disorders.

Claim (essay "The Curious Case of Developmental BERTology"): learning fails where optimisation goes wrong, by bad
initialisation or by an unstable optimiser, and that is how developmental disorders appear: their age of onset decides their
course. Predictions: (1) an unstable optimiser, and a blow after childhood, leave lower scores at school than the healthy
twin has; (2) an unstable optimiser in the first third of childhood harms less than the same in the last, for what comes
after it repairs it; (3) bad weights at birth are made up for by childhood, the same blow after childhood is not. Refuted
where the interval of a difference holds 0. The perplexity after each third shows what an episode did at once. Control:
`healthy`, twins with the same batches; for recovery, `... , later` against `... , early`. Positive control: an unstable
optimiser throughout childhood must harm.
"""

from _essay import world

from lifespan import (
    Develop,
    InitialScale,
    MicroText,
    Perplexity,
    Probe,
    Scenario,
    SparseWiring,
    Study,
    Suffer,
    TaskText,
    UnstableOptimizer,
)

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
SEVERITY = 0.5

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
text = MicroText() if here.small else TaskText("mrpc", "rte")
pace = {"rate": 3e-3, "masking": 0.3} if here.small else {"rate": 5e-4}
third = Develop(text, steps=CHILDHOOD_STEPS // 3, length=here.length, **pace)
fluency = Probe(Perplexity(text, length=here.length, examples=500 if here.small else 200))
school = here.school(here.three, here.masks())


def life(at=None, disorder=None, lasting=None):
    """Three thirds of childhood and a school; the disorder begins before the third, or the school (3), of number `at`."""
    events = [event for _ in range(3) for event in (third, fluency)]
    if disorder is not None:
        events.insert(2 * at, Suffer(disorder, lasting=lasting))
    return Scenario(name="life", subject=here.subject, events=(*events, *school))


unstable = UnstableOptimizer(severity=SEVERITY)

study = Study(
    name=f"optimisational-diseases-{WORLD}",
    individuals=INDIVIDUALS,
    groups={
        "healthy": life(),
        "unstable, early": life(0, unstable, lasting=1),
        "unstable, later": life(2, unstable, lasting=1),
        "unstable throughout": life(0, unstable, lasting=3),
        "unstable at school": life(3, unstable, lasting=len(here.three)),
        "scale, at birth": life(0, InitialScale(severity=SEVERITY)),
        "scale, after childhood": life(3, InitialScale(severity=SEVERITY)),
        "wiring, at birth": life(0, SparseWiring(severity=SEVERITY)),
        "wiring, after childhood": life(3, SparseWiring(severity=SEVERITY)),
    },
)

"""Graceful ageing: does quick structural re-fine-tuning keep function while four in five synapses die?

Claim (essay "The Curious Case of Developmental BERTology", figure 5 right): function survives continual, gradual
sparsification when each loss is followed by a quick structural re-fine-tuning, along a manifold of low loss. Prediction: at
80% sparsity `structural` keeps more of three skills than `none` and than `one-shot`, which loses as much at once and
recovers as many steps in all, and about as much as `dense`, re-fine-tuning by weights; no barrier lies between neighbouring
ages. Refuted if `structural` is no better than `none` or than `one-shot`, or if barriers grow along the way. Controls: those
three twins; `head`, recovery of the heads alone; `one-shot, briefly`, which recovers for no longer than `structural` does at
the last age; and `one-shot, practised`, which does so too, and before its loss learns on for as many steps as `structural`
did, so that the two differ in the loss alone. Positive control: `none` must lose function.
"""

from _essay import world

from lifespan import Age, Barrier, Magnitude, Probe, Recover, Since, Sparsity, Study, Turnover, gradually

INDIVIDUALS = 20
WORLD = "micro"
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
AGES = 8
FINAL_SPARSITY = 0.8
RECOVERY_STEPS = 40

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS)
school = here.school(here.three, here.masks())
start = len(here.childhood) + len(here.three)


def evaluation(since):
    """Scores, sparsity, and the way from an earlier age: its barrier, its length and the synapses that moved."""
    way = (Barrier(points=5, examples=64, split=here.split, length=here.length), Turnover())
    return (here.score(), Probe(Sparsity()), Probe(*(Since(since, contrast) for contrast in way)))


def life(recover, ages=AGES, steps=RECOVERY_STEPS, practice=0):
    """Ageing in so many steps; `recover` gives what follows each, and `practice` times precedes all, from its steps."""
    after = recover(steps)
    events, place = [*school, *after * practice], start + len(after) * practice
    for age in gradually(to=FINAL_SPARSITY, in_steps=ages, each=lambda s: (Age(to=s, by=Magnitude()),)):
        events += [age, here.score(), *after, *evaluation(place)]
        place += 1 + len(after)
    return here.life(*events)


def by(learner):
    return lambda steps: (Recover(steps=steps, by=learner, length=here.length),)


study = Study(
    name=f"graceful-ageing-{WORLD}",
    individuals=INDIVIDUALS,
    control="none",
    groups={
        "none": life(lambda steps: ()),
        "structural": life(lambda steps: (here.recover(steps),)),
        "dense": life(by(here.weights())),
        "head": life(by(here.head())),
        "one-shot": life(lambda steps: (here.recover(steps),), ages=1, steps=AGES * RECOVERY_STEPS),
        "one-shot, briefly": life(lambda steps: (here.recover(steps),), ages=1),
        "one-shot, practised": life(lambda steps: (here.recover(steps),), ages=1, practice=AGES - 1),
    },
)

"""Lived until decided: a study declares what it predicts, looks at fixed numbers of individuals, and stops when it can tell.

A small newborn subject learns sentiment in three ways: by weights, by masks over its weights as they are, or by the head
alone. Two predictions are declared before anyone lives: weights end above the head; and masks are no worse than weights, on a
task on which weights can be told from the head at all. Looks are fixed at 10 and 16 individuals with O'Brien and Fleming's
bounds, so that both looks and both predictions together are wrong with a probability of at most .05. Needs no download.

    lifespan plan until_decided
    lifespan simulate until_decided --until-decided
    lifespan simulate until_decided --until-decided --set STEPS=40 --out runs/until-the-last-look
"""

from lifespan import (
    HeadOnly,
    Learn,
    Masks,
    Micro,
    MicroTask,
    Probe,
    Scenario,
    Score,
    Sequential,
    Study,
    Weights,
    non_inferior,
    superior,
)

STEPS = 120
LOOKS = (10, 16)

task = MicroTask("sentiment", train_examples=1024, eval_examples=512)
subject = Micro(layers=1, width=32, heads=2, feed_forward=64)


def life(by):
    return Scenario(name="life", subject=subject, events=(Learn(task, by=by), Probe(Score())))


above_head = superior("weights", over="head", margin=0.05)

study = Study(
    name="until-decided",
    groups={
        "weights": life(Weights(steps=STEPS, rate=3e-3)),
        "masks": life(Masks(steps=STEPS, rate=3e-3, head_rate=3e-3)),
        "head": life(HeadOnly(steps=STEPS, rate=3e-3)),
    },
    individuals=LOOKS[-1],
    length=24,
    hypotheses=(above_head, non_inferior("masks", to="weights", margin=0.05, assay=above_head)),
    design=Sequential(looks=LOOKS),
)

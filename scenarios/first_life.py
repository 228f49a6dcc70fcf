"""A first life: childhood, school and old age of a small transformer, lived by two groups of twins.

Every subject develops by predicting hidden words, learns grammar at school, then loses synapses until half are gone, re-tuning
its anatomy after each loss; and in old age it learns who does what to whom. The groups differ in one thing: `masks` learns by
choosing synapses over frozen weights, so that nothing learned before can be touched; `weights` fine-tunes the same weights
again. Compare what each remembers of its grammar. Needs no download and takes about a minute on two cores.

    lifespan simulate first_life
    lifespan simulate first_life --individuals 10 --set FINAL_SPARSITY=0.7

Learning by masks is Piggyback (Mallya et al. 2018), as Zhao et al. (2020) use it on BERT; ageing follows the schedule of
Zhu & Gupta (2017).
"""

from lifespan import (
    Age,
    Develop,
    Learn,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Recover,
    Rewire,
    Scenario,
    Score,
    Sparsity,
    Study,
    Weights,
    gradually,
)

CHILDHOOD_STEPS = 1_000
SCHOOL_STEPS = 100
FINAL_SPARSITY = 0.5
AGES = 2
RECOVERY_STEPS = 30
INDIVIDUALS = 5

evaluation = Probe(Score(), Sparsity())


def life(name, by):
    """One life course: develop, learn a task by one kind of plasticity, grow old, learn another one."""
    return Scenario(
        name=name,
        subject=Micro(),
        events=(
            Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=4e-3, masking=0.3),
            Learn(MicroTask("acceptability"), by=by),
            evaluation,
            *gradually(
                to=FINAL_SPARSITY,
                in_steps=AGES,
                each=lambda sparsity: (
                    Age(to=sparsity, by=Magnitude()),
                    evaluation,
                    Recover(steps=RECOVERY_STEPS, by=Rewire(rate=3e-4)),
                    evaluation,
                ),
            ),
            Learn(MicroTask("tagging"), by=by),
            evaluation,
        ),
    )


study = Study(
    name="first-life",
    groups={
        "masks": life("masks", by=Masks(steps=SCHOOL_STEPS, rate=1e-3, head_rate=1e-3)),
        "weights": life("weights", by=Weights(steps=SCHOOL_STEPS, rate=1e-3)),
    },
    individuals=INDIVIDUALS,
)

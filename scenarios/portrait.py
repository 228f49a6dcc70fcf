"""Portraits of a life: what do weights, units and attention look like while a subject learns, ages and recovers?

Two twins share their childhood and school; then one ages synapse by synapse, and its twin loses nothing. A portrait is kept
at every evaluation, and the report shows them under an age slider: `lifespan report --animate` makes a film of them.
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
    Portrait,
    Probe,
    Recover,
    Scenario,
    Score,
    Sparsity,
    Study,
    Weights,
    gradually,
)

INDIVIDUALS = 3
CHILDHOOD_STEPS = 1_500
SCHOOL_STEPS = 400
AGES = 3
FINAL_SPARSITY = 0.75
RECOVERY_STEPS = 60

look = Probe(Score(), Sparsity(), Portrait())
acceptability, sentiment = MicroTask("acceptability"), MicroTask("sentiment")
school = (
    Develop(MicroText(), steps=CHILDHOOD_STEPS),
    Probe(Portrait()),
    Learn(acceptability, by=Weights(steps=SCHOOL_STEPS)),
    look,
    Learn(sentiment, by=Masks(steps=SCHOOL_STEPS)),
    look,
)


def aged(sparsity):
    """One age: synapses are lost, then what is left is mended."""
    return (Age(to=sparsity, by=Magnitude()), look, Recover(steps=RECOVERY_STEPS), look)


rested = (Recover(steps=RECOVERY_STEPS), look)


def life(name, *later):
    return Scenario(name=name, subject=Micro(), events=(*school, *later))


study = Study(
    name="portrait",
    individuals=INDIVIDUALS,
    control="young",
    groups={
        "young": life("young", *(AGES * rested)),
        "aged": life("aged", *gradually(to=FINAL_SPARSITY, in_steps=AGES, each=aged)),
    },
)

"""What does each disorder cost, how bad must it be, and does it matter when it strikes?

Claim (the essay: disorders are optimisation gone wrong; Thomas & Karmiloff-Smith 2002: the same damage means different things
before and after learning). Prediction: harm grows with severity; damage to weights and wiring before a task is learned is
mostly learned around, the same damage afterwards ("late") is not; bad optimisation harms as much as lost structure. Refuted
where harm does not grow with severity, or where the late twin is no worse than the early one. Control: `healthy`, twins
that share childhood, batches and the new head until the onset, which lies after childhood. Scores are on the test split.
"""

from dataclasses import replace

from lifespan import (
    Develop,
    FrozenLayers,
    HighRate,
    InitialScale,
    LabelNoise,
    Learn,
    Micro,
    MicroTask,
    MicroText,
    NeuronLoss,
    NoisyGradients,
    PartialReinitialization,
    Probe,
    RankCollapse,
    Scenario,
    Score,
    StaleUpdates,
    Study,
    Suffer,
    SynapseLoss,
    TokenBlur,
    Weights,
)

INDIVIDUALS = 10
CHILDHOOD_STEPS = 4_000
EPOCHS = 6.0
SEVERITIES = (0.25, 0.5, 0.75)
TASK = "inference"

CHRONIC = (HighRate(), NoisyGradients(), StaleUpdates(), FrozenLayers(), LabelNoise(), TokenBlur())
INSTANT = (SynapseLoss(), NeuronLoss(), PartialReinitialization(), RankCollapse(), InitialScale())

childhood = Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=32)
school = Learn(MicroTask(TASK), by=Weights(epochs=EPOCHS, rate=1e-3, head_rate=1e-3), length=32)
evaluation = Probe(Score(split="test", length=32))


def life(*events):
    return Scenario(name="life", subject=Micro(), events=(childhood, *events, evaluation))


def struck(disorder):
    return life(Suffer(disorder), school)


def struck_late(disorder):
    return life(school, Suffer(disorder))


doses = [(type(disorder).__name__, severity, disorder) for disorder in (*CHRONIC, *INSTANT) for severity in SEVERITIES]
early = {f"{name} {severity:g}": struck(replace(disorder, severity=severity)) for name, severity, disorder in doses}
late = {
    f"{n} {s:g}, late": struck_late(replace(d, severity=s)) for n, s, d in doses if isinstance(d, tuple(map(type, INSTANT)))
}

study = Study(name="severity-map", individuals=INDIVIDUALS, groups={"healthy": life(school), **early, **late})

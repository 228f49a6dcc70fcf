"""Is a slow injury milder than an acute one of the same dose, and is it the time or the recovery that makes it so?

Source: Desmurget, Bonnetblanc & Duffau (2007): slow lesions of the brain (gliomas) disable far less than acute ones
(strokes) of the same size. Claim: the same dose of synapse loss costs less in many small strikes with recovery between them
than in one strike followed by as much recovery. Prediction: slow minus acute is above 0 with recovery, and 0 without, where
only the draws differ. Refuted where slow with recovery is no better than acute with as much. Controls: healthy twins;
healthy twins that "recover" without an injury, so that more training is not taken for recovery (nothing can move in them by
structure, where that control is empty); slow without recovery, the rival explanation. The dose is the share of living
synapses lost, equal to within one synapse a strike. Recovery is dense (by weights) or structural (moving the living synapses
at an equal count). One task, inference, learned by weights after childhood; scores on the test split.
"""

from lifespan import (
    Develop,
    Learn,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Recover,
    Rewire,
    Scenario,
    Score,
    Study,
    Suffer,
    SynapseLoss,
    Weights,
    slowly,
)

INDIVIDUALS = 10
CHILDHOOD_STEPS = 4_000
EPOCHS = 6.0
STRIKES = 5
RECOVERY_STEPS = 40
DOSES = (0.3, 0.5, 0.7)
TASK = "inference"

childhood = Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=32)
school = Learn(MicroTask(TASK), by=Weights(epochs=EPOCHS, rate=1e-3, head_rate=1e-3), length=32)
evaluation = Probe(Score(split="test", length=32))
plasticities = {"dense": Weights(rate=5e-4, head_rate=5e-4), "structural": Rewire(rate=3e-4)}


def life(*events):
    return Scenario(name="life", subject=Micro(), events=(childhood, school, evaluation, *events, evaluation))


def recovery(kind):
    return Recover(steps=RECOVERY_STEPS, by=plasticities[kind], length=32)


def acute(dose, kind=None):
    """One strike, then as many recoveries as the slow twin has strikes."""
    after = () if kind is None else (recovery(kind),) * STRIKES
    return life(Suffer(SynapseLoss(severity=dose)), *after)


def slow(dose, kind=None):
    """Many strikes, each followed by a recovery."""
    if kind is None:
        return life(*slowly(SynapseLoss(severity=dose), in_steps=STRIKES))
    return life(*slowly(SynapseLoss(severity=dose), in_steps=STRIKES, each=lambda lost: recovery(kind)), recovery(kind))


groups = {"healthy": life()}
groups |= {f"healthy, {kind} practice": life(*(recovery(kind),) * STRIKES) for kind in plasticities}
for dose in DOSES:
    groups |= {f"acute {dose:g}": acute(dose), f"slow {dose:g}": slow(dose)}
    for kind in plasticities:
        groups |= {f"acute {dose:g}, {kind} recovery": acute(dose, kind), f"slow {dose:g}, {kind} recovery": slow(dose, kind)}

study = Study(name="slow-and-acute", individuals=INDIVIDUALS, groups=groups)

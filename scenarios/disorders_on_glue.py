"""Bad wiring, bad weights, bad optimisation: what do three severities of each cost a real BERT on a real task?

Claim (the essay "The Curious Case of Developmental BERTology"): a pre-trained network fails where optimisation goes wrong,
in its starting structure, its starting weights or its optimiser. Mosbach et al. (2021) trace failed fine-tuning to the
optimiser, Glorot & Bengio (2010) failed learning to the scale of weights, Mocanu et al. (2018) wire sparsely at random.
Prediction: harm grows with severity in all three classes. Refuted, for a class, where no severity harms. Each disorder is
there before the task is learned by all weights, so the subject may learn around it. Control: `healthy`, twins with the same
batches and the same new head. Positive control: healthy lives must do better than the majority class (MRPC: accuracy .684,
F1 .812; RTE: accuracy .527).
"""

from dataclasses import replace

from lifespan import (
    Glue,
    InitialScale,
    Learn,
    MiniLM,
    Probe,
    Scenario,
    Score,
    SparseWiring,
    Study,
    Suffer,
    UnstableOptimizer,
    Weights,
)

INDIVIDUALS = 3
TASK = "mrpc"
EPOCHS = 2.0
SEVERITIES = (0.25, 0.5, 0.75)

school = Learn(Glue(TASK), by=Weights(epochs=EPOCHS, rate=1e-4, head_rate=5e-4))


def life(*events):
    return Scenario(name="life", subject=MiniLM(), events=(*events, school, Probe(Score())))


disorders = (SparseWiring(), InitialScale(), UnstableOptimizer())
struck = {
    f"{type(disorder).__name__} {severity:g}": life(Suffer(replace(disorder, severity=severity)))
    for disorder in disorders
    for severity in SEVERITIES
}

study = Study(name=f"disorders-on-{TASK}", individuals=INDIVIDUALS, groups={"healthy": life(), **struck})

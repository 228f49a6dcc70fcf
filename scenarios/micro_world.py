"""Is the built-in world a model organism? Development against none, weights against masks, over eight tasks.

Claim: what the micro world teaches can be learned by a subject that developed, and hardly by one that did not; learning by
weights forgets, learning by masks does not. Prediction: with equal task training, the mean score right after learning is
at least 10 points higher with development than without; the scores of earlier tasks fall under `weights` and stay equal,
bit for bit, under `masks`. Refuted by a smaller gain, or by weights that forget nothing. Controls: `undeveloped`, twins
without a childhood; `head only`, which changes nothing in the encoder.

Recipe of masking after Zhao et al. (2020); the order of tasks is fixed. Scores are on the test split. Recipes were tuned on
seeds from 9000 on, by the dev split and an eighth of the test split.
"""

from lifespan import Develop, HeadOnly, Learn, Masks, Micro, MicroTask, MicroText, Probe, Scenario, Score, Study, Weights

INDIVIDUALS = 5
CHILDHOOD_STEPS = 4_000
SCHOOL_EPOCHS = 6.0

TASKS = (
    "acceptability",
    "sentiment",
    "paraphrase",
    "similarity",
    "inference",
    "answering",
    "entailment",
    "coreference",
)


def life(name, by, developed=True):
    childhood = (Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=32),) if developed else ()
    school = ((Learn(MicroTask(task), by=by, length=32), Probe(Score(split="test", length=32))) for task in TASKS)
    return Scenario(name=name, subject=Micro(), events=(*childhood, *school))


weights = Weights(epochs=SCHOOL_EPOCHS, rate=1e-3)
masks = Masks(epochs=2 * SCHOOL_EPOCHS, rate=1e-3, head_rate=1e-3, sparsity=0.05)
head = HeadOnly(epochs=SCHOOL_EPOCHS, rate=1e-3)

study = Study(
    name="micro-world",
    individuals=INDIVIDUALS,
    control="undeveloped",
    groups={
        "weights": life("weights", weights),
        "undeveloped": life("undeveloped", weights, developed=False),
        "masks": life("masks", masks),
        "head-only": life("head-only", head),
    },
)

"""What do strategies against forgetting keep, what does it cost, and does it change once half of the synapses are gone?

Sources: van de Ven et al. (2022, Three types of incremental learning), whose orderings are to be compared with: in
task-incremental streams rehearsal and regularisation both help, rehearsal more; the essay, for which forgetting is
optimisation gone awry and structure (masks over frozen weights) forgets nothing. Claims and predictions: (1) every strategy
forgets less than plain fine-tuning; (2) masks forget nothing at no loss of plasticity; (3) strategies that hold weights (EWC,
SI) lose more from ageing than those that rehearse earlier examples, as fewer weights are left to share out. Refuted where a
strategy's forgetting is no less than plain fine-tuning's, where masks score lower right after learning, or where the
interaction with age has the other sign. Controls: `plain`, and twins of equal age; `cumulative`, an upper bound that sees all
earlier data; `frozen`, heads only.

Six tasks of the built-in world in one order, each with a head of its own; childhood, and for the aged the loss of 50% of the
synapses by magnitude, before school. Strengths are those of the best mean score on two other seeds
(see reports/LOG.md). Scores on the dev split.
"""

from lifespan import (
    EWC,
    Age,
    AveragedGEM,
    DarkExperience,
    Develop,
    HeadOnly,
    LearningWithoutForgetting,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Rehearsal,
    Scenario,
    Score,
    Study,
    SynapticIntelligence,
    Weights,
    stream,
)

INDIVIDUALS = 10
SEED = 0
CHILDHOOD_STEPS = 4_000
EPOCHS = 5.0
BUFFER = 200
EWC_STRENGTH = 100.0
SI_STRENGTH = 1.0
LWF_STRENGTH = 0.3
TASKS = ("acceptability", "sentiment", "paraphrase", "similarity", "inference", "entailment")

SCHOOL = tuple(MicroTask(name) for name in TASKS)
BY = Weights(epochs=EPOCHS, rate=1e-3, head_rate=1e-3)
STRATEGIES = {
    "plain": None,
    "EWC": EWC(strength=EWC_STRENGTH),
    "SI": SynapticIntelligence(strength=SI_STRENGTH),
    "LwF": LearningWithoutForgetting(strength=LWF_STRENGTH),
    "rehearsal": Rehearsal(size=BUFFER),
    "DER++": DarkExperience(size=BUFFER),
    "A-GEM": AveragedGEM(size=BUFFER),
}

childhood = Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=32)
evaluation = Probe(Score(length=32))


def school(by, strategy=None, cumulative=False):
    return stream(*SCHOOL, by=by, against_forgetting=strategy, cumulative=cumulative, length=32, each=lambda task: evaluation)


schools = {name: school(BY, strategy) for name, strategy in STRATEGIES.items()}
schools["cumulative"] = school(BY, cumulative=True)
schools["frozen"] = school(HeadOnly(epochs=EPOCHS, rate=1e-3))
schools["masks"] = school(Masks(epochs=EPOCHS, rate=1e-3, head_rate=1e-3, sparsity=0.05))

young = {name: Scenario(name="life", subject=Micro(), events=(childhood, *events)) for name, events in schools.items()}
old = {f"{name}, aged": life.with_events(after=1, add=Age(to=0.5, by=Magnitude())) for name, life in young.items()}

study = Study(name="against-forgetting", individuals=INDIVIDUALS, seed=SEED, groups={**young, **old})

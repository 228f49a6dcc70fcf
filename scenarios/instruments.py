"""One life under every instrument: what does each measure see while a subject develops, goes to school, ages and recovers?

The essay's picture (graceful ageing by structure; many good subnetworks; a few bits per synapse; one basin) asks for many
numbers at once. Two twins learn the same two tasks, by weights and by masks over frozen weights, then lose 60% of their
synapses in three steps, each followed by a short structural recovery. Predictions: masks forget nothing and weights do
(stability gap, forgetting); masks of two tasks and of two individuals overlap little more than by chance; no barrier lies
between ages; 4 bits per synapse suffice. Each is refuted by its own rows. Controls: the other twin, chance levels that the
measures bring along, random pruning and random lesions of equal size. The usual set of probes runs twice, after school and at
the end; its share of the time is in `steps.jsonl` (`look_seconds`). With `--set WORLD=glue` MiniLM lives it on real MRPC
and RTE.
"""

from lifespan import (
    Age,
    Barrier,
    Between,
    Develop,
    ErrorOverlap,
    FisherTrace,
    FreshTask,
    Glue,
    Learn,
    LesionMap,
    LossSlice,
    Magnitude,
    MaskOverlap,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    MiniLM,
    Outputs,
    Perplexity,
    Probe,
    Readout,
    Recover,
    RepresentationSimilarity,
    Rewire,
    Scenario,
    Score,
    Sharpness,
    Since,
    Study,
    TargetedLesions,
    TaskText,
    Turnover,
    Weights,
    gradually,
    usual,
)

INDIVIDUALS = 10
WORLD = "micro"
FULL = True
CHILDHOOD_STEPS = 4_000
EPOCHS = 6.0
RECOVERY_STEPS = 40
AGES = 3
FINAL_SPARSITY = 0.6

if WORLD == "micro":
    SUBJECT, LENGTH, EVERY = Micro(), 32, 20
    SCHOOL = (MicroTask("acceptability"), MicroTask("inference"))
    FRESH = MicroTask("sentiment", train_examples=500)
    BY = {
        "weights": Weights(epochs=EPOCHS, rate=1e-3),
        "masks": Masks(epochs=EPOCHS, rate=1e-3, head_rate=1e-3, sparsity=0.05),
    }
    text = Develop(MicroText(), steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=32)
    CHILDHOOD = (text, Probe(Perplexity(MicroText(), length=32)))
    CORPUS, START = MicroText(number=300), "development"
else:
    SUBJECT, LENGTH, EVERY = MiniLM(dropout=0.0), 128, 40
    SCHOOL = (Glue("mrpc"), Glue("rte"))
    FRESH = Glue("sst2", train_examples=640)
    BY = {
        "weights": Weights(epochs=EPOCHS, rate=1e-4, head_rate=5e-4),
        "masks": Masks(epochs=EPOCHS, rate=3e-4, head_rate=5e-4, sparsity=0.05),
    }
    CHILDHOOD = ()
    CORPUS, START = TaskText("mrpc", "rte"), "birth"

score = Probe(Score(length=LENGTH))
inside = Probe(Score(length=LENGTH, examples=100), every=EVERY)
readout = Probe(Readout(SCHOOL, examples=300, length=LENGTH))
evaluation = Probe(*usual(length=LENGTH))
relearn = FreshTask(FRESH, by=Weights(steps=40, rate=1e-3 if WORLD == "micro" else 1e-4), length=LENGTH)
deep = Probe(
    Outputs(length=LENGTH),
    Sharpness(examples=32, draws=4, iterations=8, length=LENGTH),
    LossSlice(points=7, length=LENGTH),
    LesionMap(examples=100, length=LENGTH),
    TargetedLesions(examples=100, length=LENGTH),
    FisherTrace(examples=32, length=LENGTH),
    relearn,
)


def learned(by):
    for task in SCHOOL:
        yield from (readout, Learn(task, by=by, length=LENGTH), inside, score)


def aged(moment):
    """Ageing with recovery, each age compared with the end of school, the moment after so many events."""

    def each(sparsity):
        recovery = Recover(steps=RECOVERY_STEPS, by=Rewire(rate=3e-4 if WORLD == "micro" else 1e-4), length=LENGTH)
        since = Probe(Since(moment, Barrier(points=5, length=LENGTH)), Since(moment, Turnover()), Since(moment, MaskOverlap()))
        return (Age(to=sparsity, by=Magnitude()), score, recovery, score, *([since] if FULL else []))

    return gradually(to=FINAL_SPARSITY, in_steps=AGES, each=each)


def life(by):
    moment = sum(not isinstance(event, Probe) for event in CHILDHOOD) + len(SCHOOL)
    similar = Since(START, RepresentationSimilarity(corpus=CORPUS, examples=100, length=LENGTH))
    after_school = (evaluation, *([deep] if FULL else []))
    at_the_end = (evaluation, *([deep, Probe(similar)] if FULL else []))
    events = (*CHILDHOOD, *learned(by), *after_school, *aged(moment), *at_the_end)
    return Scenario(name="life", subject=SUBJECT, events=events)


study = Study(
    name=f"instruments-{WORLD}",
    individuals=INDIVIDUALS,
    groups={name: life(by) for name, by in BY.items()},
    between=(
        Between(ErrorOverlap(length=LENGTH)),
        Between(RepresentationSimilarity(examples=100, length=LENGTH)),
        Between(MaskOverlap(), pairs="individuals"),
        Between(ErrorOverlap(length=LENGTH), pairs="individuals"),
        Between(Barrier(points=5, length=LENGTH), pairs="individuals"),
    )
    if FULL
    else (),
)

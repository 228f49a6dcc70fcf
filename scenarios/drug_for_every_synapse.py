"""A drug for every synapse: how few bits of its pre-trained weights does a network need to learn by structure?

Claim (essay "The Curious Case of Developmental BERTology", table 1): a few bits per synapse carry the knowledge, for masks
learned over quantised *pre-trained* weights still solve the task. Prediction: down to 4 bits the score stays within 3 points
of the undrugged twin, and the same dose *after* learning harms more, for there structure cannot make up for it. Refuted if 4
bits before learning harm, or if the order of drug and learning makes no difference at 2 bits and below. Control:
`undrugged`. Positive control: 1 bit after learning must harm. The body alone is drugged, not heads and embeddings.

The doses are on the grid of the largest weight, which wastes its cells at 2 bits; `sigma` doses are on a grid of 3 standard
deviations.

WIDTH makes the micro subject wider: a second subject, and a third; with `WORLD=glue` it is MiniLM, and `TASK=mrpc` the task of
the essay's table instead of the world's easy one.
"""

from _essay import wide, world

from lifespan import Probe, Quantize, Sparsity, Study, Treat

INDIVIDUALS = 20
WORLD = "micro"
WIDTH = 64
CHILDHOOD_STEPS = 4_000
EPOCHS = 0.0
TASK = ""
BITS = (8, 4, 3, 2, 1)
FINER_BITS = (4, 2, 1)

here = world(WORLD, CHILDHOOD_STEPS, EPOCHS, wide(WIDTH) if WORLD == "micro" else None)
learn, score = here.learn(TASK or here.easy, here.masks()), here.score()


def life(*events):
    return here.life(*events, Probe(Sparsity()))


study = Study(
    name=f"drug-for-every-synapse-{WORLD}" + (f"-{WIDTH}" if WORLD == "micro" else ""),
    individuals=INDIVIDUALS,
    control="undrugged",
    groups={
        "undrugged": life(learn, score),
        **{f"{bits} bits before": life(Treat(Quantize.to_bits(bits)), learn, score) for bits in BITS},
        **{
            f"{bits} bits before, sigma": life(Treat(Quantize.to_bits(bits, grid="sigma")), learn, score)
            for bits in FINER_BITS
        },
        **{f"{bits} bits after": life(learn, Treat(Quantize.to_bits(bits)), score) for bits in BITS},
        **{
            f"{bits} bits after, sigma": life(learn, Treat(Quantize.to_bits(bits, grid="sigma")), score) for bits in FINER_BITS
        },
    },
)

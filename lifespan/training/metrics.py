"""What the rows of the loop itself mean, whose probe is called `Training`."""

from __future__ import annotations

from lifespan.contracts import Meaning

TRAINING = (
    Meaning(
        "loss",
        "mean loss of the batches since the row before",
        "[0, inf)",
        "falling; in classification below log K of K classes",
        "nats (squared error for scores, on a scale of 0 to 1)",
    ),
    Meaning(
        "flips",
        "share of the mask's entries, of those that may change, that differ from the start (Masks, Rewire, ...)",
        "[0, 1]",
        "above 0",
    ),
    Meaning("turnover", "synapses grown so far in the event, by those that live (Rewire, RigL, SET)", "[0, inf)", "above 0"),
    Meaning(
        "sparsity",
        "fraction of synapses outside the mask that is being learned, dead ones included (Masks, Rewire, Lottery, ...)",
        "[0, 1]",
        "",
    ),
    Meaning("l0", "share of all synapses whose weight differs from before the learning (L0Close)", "[0, 1]", "small"),
    Meaning("units", "share of the heads and neurons whose gate is open for the task (HAT)", "[0, 1]", ""),
    Meaning("used", "share of the heads and neurons that earlier tasks use (HAT)", "[0, 1]", "below 1"),
    Meaning("moving", "share of the synapses that this task may move (PackNet)", "[0, 1]", ""),
    Meaning("taken", "share of the synapses that earlier tasks hold (PackNet)", "[0, 1]", "below 1"),
)
"""`loss` of every learning, and what a learner's `Plasticity.report` adds."""

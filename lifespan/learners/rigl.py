"""Dynamic sparse training that grows where the gradient is largest."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan.learners._dynamic_sparse import DynamicSparse


@dataclass(frozen=True, kw_only=True)
class RigL(DynamicSparse):
    """Drop the living synapses with the smallest abs(W), grow as many where abs(dL/dW) is largest.

    Evci et al. (2020), algorithm 1. At every step t (counted from 1) that `every` divides, before T = `until` x steps, each
    matrix drops the fraction `drop` / 2 x (1 + cos(pi t / T)) (equation 1) of its living synapses and grows as many of those
    not living then, the just dropped included; its sparsity stays. The gradient is that batch's, dense, with dropout as in
    any step, and the update takes the place of the gradient step. `drop=0` is the static control. The paper's `every=100`
    suits runs of tens of thousands of steps.

    `anatomy=True` belongs in `Recover`: the shared alive mask moves at its count. Tasks take turns there, so growth follows
    the sum of the gradients of each task's latest batch. Heads re-tune along only with `heads=True`.

    `anatomy=False` belongs in `Learn` (or `Develop`): the task gets a mask of its own inside the living, which starts with
    the fraction `sparsity` of them off (None: 0.5), the same in every matrix: the smallest abs(W) (`start="magnitude"`) or
    random ones ("random"). Its head always trains.

    `weights=True` trains weights (at `rate`), biases, LayerNorm and embeddings as the paper does; a grown synapse starts at
    zero, with what is left of the optimizer's momentum, which the paper resets. Synapses outside the mask end with the
    weight from before (anatomy: the one they died with). With `weights=False` W stays bit for bit and a grown synapse has
    the weight it died with, so growth follows abs(dL/dW x W): to first order, how far reviving it moves the loss. A revived
    synapse is then often the next to be dropped, being small; the falling fraction is what lets the structure settle.

    Reports `flips` (fraction of possible synapses that differ from the start), `turnover` (synapses grown so far, in units of
    the living; those that came back count each time) and `sparsity`.
    """

    citation = "evci2020rigging"

    @property
    def by_gradient(self) -> bool:
        return True

"""An instant disorder of degeneration: attention heads die."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan.disorders.degeneration._unit_loss import UnitLoss


@dataclass(frozen=True, kw_only=True)
class HeadLoss(UnitLoss):
    """A share of the living attention heads dies at once, whole.

    Native parameter: the share of living heads that dies, `severity`, rounded to whole heads over all targeted layers
    together; one head of each layer stays, so that 1 leaves one in each. A larger severity contains a smaller one.
    `by="random"` draws the heads; `by="weakest"` takes first those with the smallest l2 norm of living weights, and
    `by="importance"` those with the largest. What a head is stands in `Heads`. Li et al. (2022) degrade attention heads of
    GPT-2 by share to imitate the language of dementia; the name is an analogy.

    The dead stay dead, as in `SynapseLoss`. The control of a chosen loss is the random one, of as many heads; that of a
    random one is `ScatteredLoss`, of as many synapses.
    """

    aetiology = "degeneration"
    citation = "li2022gptd"
    parts = ("heads",)

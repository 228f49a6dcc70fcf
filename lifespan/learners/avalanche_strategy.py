"""Any supported strategy of Avalanche 0.6, inside a life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lifespan.contracts import ClassHead, Learner, Plasticity, Task
from lifespan.errors import ScenarioError, did_you_mean, require_package

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams

SUPPORTED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Naive": ((), ()),
    "Cumulative": ((), ()),
    "FromScratchTraining": ((), ("reset_optimizer",)),
    "EWC": (("ewc_lambda",), ("mode", "decay_factor", "keep_importance_data")),
    "SynapticIntelligence": (("si_lambda",), ("eps",)),
    "MAS": ((), ("lambda_reg", "alpha", "verbose")),
    "RWalk": ((), ("ewc_lambda", "ewc_alpha", "delta_t")),
    "LwF": (("alpha", "temperature"), ()),
    "Replay": ((), ("mem_size",)),
    "GDumb": ((), ("mem_size",)),
    "AGEM": (("patterns_per_exp",), ("sample_size",)),
    "GEM": (("patterns_per_exp",), ("memory_strength",)),
    "ER_ACE": ((), ("mem_size", "batch_size_mem")),
}
"""Classes of `avalanche.training.supervised` (RWalk: its plugin), each with the settings it needs and those it can have."""

REFUSED = {
    "DER": "keeps outputs beside one tensor of images and one head. Use Weights() with against_forgetting=DarkExperience().",
    "LFL": "needs a network with a feature extractor and one classifier. Use LearningWithoutForgetting().",
    "GSS_greedy": "flattens its inputs as images. Use Rehearsal().",
    "PackNet": "supports no model with a head for each task. Use PackNet() of Lifespan.",
    "JointTraining": "takes all experiences at once. Use Learn(..., also=...) or stream(..., cumulative=True).",
    "MIR": "leaves classes of the last batch out of its memory; heads of their own number classes alike, so nothing is left.",
}
"""Why some are not supported."""


@dataclass(frozen=True, kw_only=True)
class AvalancheStrategy(Learner):
    """Learn weights by a strategy of Avalanche 0.6 (Carta et al. 2023): `AvalancheStrategy("EWC", settings={...})`.

    `strategy` is Naive, Cumulative, FromScratchTraining, EWC, SynapticIntelligence, MAS, RWalk, LwF, Replay, GDumb, AGEM, GEM
    or ER_ACE, by name or as the class; `settings` are its own arguments. `SUPPORTED` lists both, `REFUSED` why others are not.

    Penalties, rehearsal and projections are Avalanche's, in its order of callbacks; the step is the training loop's, with
    this learner's rates, schedule, clipping and AdamW, so that disorders, evaluations inside and rows are as for `Weights`.
    What the strategy keeps lies in `subject.remembered` as tensors. One task is one experience; each task has its head.

    Ageing: dead synapses neither act nor learn, whatever a penalty pulls at; a strategy's anchors and rows stay as they were.
    A kill inside a learning begins that learning anew, with the same bits. Tasks must have classes. Avalanche's import, which
    takes seconds, is paid when the learning begins. Needs `pip install 'lifespan[avalanche]'`.
    """

    citation = "carta2023avalanche"
    answers = ("classes", "score")

    strategy: str = field(kw_only=False)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.strategy, type):
            object.__setattr__(self, "strategy", self.strategy.__name__)
        if self.strategy in REFUSED:
            self.require("strategy", False, REFUSED[self.strategy])
        known = self.strategy in SUPPORTED
        hint = did_you_mean(str(self.strategy), SUPPORTED)
        self.require("strategy", known, "is not supported here.", f"{hint} Supported: {', '.join(SUPPORTED)}.".strip())
        named = isinstance(self.settings, Mapping) and all(isinstance(name, str) for name in self.settings)
        self.require("settings", named, "must map the strategy's arguments to values.", 'For example: {"mem_size": 200}.')
        needed, others = SUPPORTED[self.strategy]
        takes = f"{self.strategy} takes: {', '.join((*needed, *others)) or 'none'}."
        for name in self.settings:
            fine = name in (*needed, *others)
            hint = f"{did_you_mean(name, (*needed, *others))} {takes}".strip()
            self.require("settings", fine, f"holds {name!r}, which is none of the strategy's.", hint)
        missing = [name for name in needed if name not in self.settings]
        self.require("settings", not missing, f"lacks {missing[0] if missing else ''!r}, which the strategy needs.", takes)
        require_package(f"AvalancheStrategy({self.strategy!r})", "avalanche", "avalanche-lib", "avalanche")

    @property
    def plasticity(self) -> str:
        return "weights"

    @property
    def brings_strategy(self) -> bool:
        return True

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        others = [task for task in tasks if not isinstance(task.head, ClassHead)]
        if others or not tasks:
            kind = {"score": "is a score"}.get(others[0].head.kind, f"is {others[0].head.kind}") if others else ""
            what = f"cannot learn {others[0].title!r}, whose answer {kind}" if others else "learns tasks, not language"
            raise ScenarioError(self.describe(), f"{what}: Avalanche 0.6 learns classes.", "Use Weights().")
        from lifespan.learners._avalanche import Strategic

        return Strategic(subject, tasks, self, streams)

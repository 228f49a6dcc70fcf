"""An instant disorder, the control of losses of whole units: as many synapses, drawn one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder
from lifespan.disorders._targets import LayerFocal

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class ScatteredLoss(Disorder):
    """As many synapses die as another disorder would let die, but each on its own, drawn at random.

    Loss of connections and loss of units are not the same damage (Guest et al. 2020): this is the control that separates
    the two. `like` is the other disorder, and `severity` replaces its own; `HeadLoss(severity=0.3).control()` writes both.
    Native parameter: the number of living synapses that `like` would take from this subject at this severity. The
    synapses are drawn from the matrices to which `like` is confined (where it is none of this package's: from all).
    """

    aetiology = "degeneration"
    citation = "guest2020levels"

    like: Disorder

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("like", Disorder, "HeadLoss()")

    @property
    def compounds(self) -> bool:
        """Whether strikes add up as `slowly` assumes: on the average over draws, where those of `like` do."""
        return bool(getattr(self.like, "compounds", False))

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports the `entries` that died, the `norm` of their weights, also `relative` to all."""
        from lifespan.disorders._losses import kill_synapses, without_synapses
        from lifespan.model.history import undone

        like = self.like
        names = like.region(subject) if isinstance(like, LayerFocal) else list(subject.synapses)
        before = subject.living
        with undone(subject):
            replace(like, severity=self.severity).strike(subject, streams)
            count = before - subject.living
        # Another counter than that of `like`, or the same draws would rank its units and these synapses.
        return kill_synapses(subject, without_synapses(subject, names, max(0, count), "random", streams, counter=1))

"""A chronic disorder of the pruning schedule: recoveries are shortened or left out."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan.contracts import Disorder


@dataclass(frozen=True, kw_only=True)
class NoRefit(Disorder):
    """Recovery is cut short or does not take place.

    Han et al. (2015) show that what pruning costs without retraining is mostly won back with it. Native
    parameter: the number of optimizer steps of every `Recover`, times 1 - severity and rounded; at 1 there are none.
    """

    aetiology = "pruning schedule"
    citation = "han2015learning"

    def refit(self, steps: int) -> int:
        return round(steps * (1 - self.severity))

"""Distribution of living synapses by layer, kind of matrix, head and unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Wiring(Measure):
    """Where the living synapses of the anatomy are, and how their degrees are spread.

    - `alive/<layer>/<kind>`: the living share of one layer's matrices of a kind (query, key, value, attention output,
      feed-forward in, feed-forward out), in [0, 1];
    - `head/<layer>/<h>`: the living share of the synapses that head h owns, and `heads_heard`, `neurons_heard`: the share of
      units with a living synapse into the residual stream;
    - `in_degree/...` and `out_degree/...`, over all rows (a row is a unit that receives) or columns of all matrices: `mean`,
      the share of possible partners that are alive; `dispersion`, the variance of the living partners' number over that of
      independent survival at the matrix's own density (1: as at random; above: some units keep many, others few); `dead`,
      the share of rows or columns without any; `gini`, the inequality of degrees, 0 equal, towards 1 unequal.
    """

    citation = "mocanu2018scalable"
    meanings = (
        Meaning("alive/*", "living share of a layer's matrices of one kind", "[0, 1]", "no kind at 0"),
        Meaning("head/*", "living share of a head's synapses", "[0, 1]", "-"),
        Meaning("*_heard", "units with a living synapse into the residual stream", "[0, 1]", "near 1"),
        Meaning("*_degree/mean", "living share of possible partners", "[0, 1]", "1 - sparsity"),
        Meaning("*_degree/dispersion", "variance of degrees over that of independent survival", "[0, inf)", "1: as at random"),
        Meaning("*_degree/dead", "units without a living partner", "[0, 1]", "near 0"),
        Meaning("*_degree/gini", "inequality of degrees", "[0, 1)", "near 0: equal"),
    )
    cost = "negligible"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import torch

        from lifespan.model.anatomy import anatomy_of, kinds_of
        from lifespan.stats.masks import KINDS

        heard: dict[str, list[torch.Tensor]] = {"heads": [], "neurons": []}
        for layer in anatomy_of(subject.encoder):
            shares: dict[str, list[torch.Tensor]] = {}
            for name, kinds in kinds_of(layer).items():
                shares.setdefault(" and ".join(kind for kind in KINDS if kind in kinds), []).append(subject.alive[name])
            for kind, masks in shares.items():
                alive, count = sum(int(mask.sum()) for mask in masks), sum(mask.numel() for mask in masks)
                yield Reading(f"alive/{layer.path}/{kind}", alive / count, count)
            own = {name: subject.alive[name] for name in layer.heads.matrices}
            size = layer.heads.total({name: torch.ones_like(mask, dtype=torch.double) for name, mask in own.items()})
            owned = layer.heads.total({name: mask.double() for name, mask in own.items()})
            for head, (owns, count) in enumerate(zip(owned.tolist(), size.tolist(), strict=True)):
                yield Reading(f"head/{layer.path}/{head}", owns / count, int(count))
            for kind in heard:
                heard[kind].append(getattr(layer, kind).heard(subject.alive))
        for kind, found in heard.items():
            units = sum(len(part) for part in found)
            yield Reading(f"{kind}_heard", sum(int(part.sum()) for part in found) / units, units)
        for side, axis in (("in_degree", 1), ("out_degree", 0)):
            yield from _degrees(side, list(subject.alive.values()), axis)


def _degrees(side: str, masks: Sequence[torch.Tensor], axis: int) -> Iterator[Reading]:
    import numpy as np

    from lifespan.stats.masks import dispersion, gini

    degrees = [mask.sum(axis).cpu().numpy() for mask in masks]
    shares = np.concatenate([degree / mask.shape[axis] for degree, mask in zip(degrees, masks, strict=True)])
    known = [(degree, mask.shape[axis]) for degree, mask in zip(degrees, masks, strict=True)]
    yield Reading(f"{side}/mean", float(shares.mean()), len(shares))
    yield Reading(f"{side}/dispersion", dispersion(known), len(shares))
    yield Reading(f"{side}/dead", float((shares == 0).mean()), len(shares))
    yield Reading(f"{side}/gini", gini(shares), len(shares))

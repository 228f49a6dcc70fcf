"""The layers and kinds of matrices that a disorder is confined to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lifespan.contracts import Disorder
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.stats.masks import KINDS

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.model.anatomy import Layer, Units


@dataclass(frozen=True, kw_only=True)
class LayerFocal(Disorder):
    """A disorder of some layers: `layers` are their numbers, 0 next to the input, -1 next to the output (None: all).

    `parts` says which units of a layer the class concerns. A class that takes the share `severity` of what still lives,
    so that strikes add up as `lifespan.study.schedules.slowly` assumes, says `compounds = True`. Raises `ScenarioError` for a
    layer that the subject lacks, and for an architecture whose units are not known.
    """

    parts: ClassVar[tuple[str, ...]] = ("heads", "neurons")
    compounds: ClassVar[bool] = False

    layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.layers
        if given is not None:
            whole = isinstance(given, tuple) and all(isinstance(n, int) and not isinstance(n, bool) for n in given)
            rule = "must be a tuple of whole numbers, at least one."
            self.require("layers", whole and len(given) > 0, rule, "For example: layers=(0, -1).")

    def focus(self, subject: Subject) -> list[Layer]:
        """The layers struck, from the input on."""
        from lifespan.model.anatomy import anatomy_of

        known = anatomy_of(subject.encoder)
        if self.layers is None:
            return list(known)
        count = len(known)
        for number in self.layers:
            if not -count <= number < count:
                rule = f"there is no layer {number}: the subject has {count}."
                raise ScenarioError(self.where("layers"), rule, f"Use 0 to {count - 1}, or -{count} to -1 from the top.")
        return [known[number] for number in sorted({number % count for number in self.layers})]

    def units(self, subject: Subject) -> list[Units]:
        """The units concerned, layer by layer."""
        return [getattr(layer, part) for layer in self.focus(subject) for part in self.parts]

    def region(self, subject: Subject) -> list[str]:
        """Names of the synapse matrices inside which the disorder stays."""
        return [name for units in self.units(subject) for name in units.matrices]


@dataclass(frozen=True, kw_only=True)
class Focal(LayerFocal):
    """A disorder of some matrices: those of the given `layers` and `kinds` (None: all), see `KINDS`.

    Where an architecture joins kinds in one matrix (ModernBERT: query, key and value), they can only be struck together;
    DeBERTa's position projections count as query and key. With neither given, every architecture will do.
    """

    kinds: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kinds is not None:
            rule = "must be a tuple of kinds, at least one."
            self.require(
                "kinds", isinstance(self.kinds, tuple) and len(self.kinds) > 0, rule, 'For example: kinds=("query",).'
            )
            for kind in self.kinds:
                self.require("kinds", kind in KINDS, f"{kind!r} is not known here.", did_you_mean(kind, KINDS))

    def region(self, subject: Subject) -> list[str]:
        """Names of the matrices struck, in the subject's order. Raises `ScenarioError` where nothing, or half a matrix, is."""
        if self.layers is None and self.kinds is None:
            return list(subject.synapses)
        from lifespan.model.anatomy import kinds_of

        wanted = set(KINDS if self.kinds is None else self.kinds)
        names = set()
        for layer in self.focus(subject):
            for name, own in kinds_of(layer).items():
                if own & wanted and not own <= wanted:
                    rule = f"{name} holds {', '.join(kind for kind in KINDS if kind in own)} in one."
                    raise ScenarioError(self.where("kinds"), rule, "Name all of them, or none.")
                if own <= wanted:
                    names.add(name)
        if not names:
            raise ScenarioError(self.describe(), "no matrix of this subject is targeted.")
        return [name for name in subject.synapses if name in names]

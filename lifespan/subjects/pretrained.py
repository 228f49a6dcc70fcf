"""Any encoder of the Hugging Face hub, or of a folder in its format."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lifespan.contracts import Body, Origin
from lifespan.contracts.sources import Commit, Source
from lifespan.errors import ScenarioError
from lifespan.randomness import Streams
from lifespan.reading import kind_of, plain_bytes, read_object
from lifespan.subjects._hub_files import commit_of, model_files

TOKENIZERS = (
    *("tokenizer.json", "vocab.txt", "vocab.json", "spm.model", "spiece.model", "tokenizer.model"),
    *("sentencepiece.bpe.model", "sentencepiece.model", "bpe.codes"),
)
"""Files of which any tokenizer of transformers has at least one."""


@dataclass(frozen=True, kw_only=True)
class Pretrained(Origin):
    """An encoder by hub name ("bert-base-uncased") or folder ("~/models/mine"), with its tokenizer.

    `commit` pins a revision of the hub. `random=True` keeps the configuration and tokenizer and draws fresh weights: the
    control without development. `dropout` sets every dropout of the body and of new heads (None: as its configuration
    says).
    """

    revision = 2

    name: str = field(kw_only=False)
    commit: str | None = None
    random: bool = False
    dropout: float | None = None

    def __post_init__(self) -> None:
        fine = isinstance(self.name, str | Path) and bool(str(self.name).strip())
        self.require("name", fine, "must be a hub name or a folder.", 'For example: Pretrained("bert-base-uncased").')
        if self.dropout is not None:
            self.require_fraction("dropout", below_one=True)

    @property
    def place(self) -> str:
        """The hub name, or the folder with a leading ~ spelt out."""
        return str(Path(self.name).expanduser()) if str(self.name).startswith("~") else str(self.name)

    def check(self) -> None:
        """Raise `ScenarioError` for a folder without a masked-language model's configuration or without a tokenizer.

        Hub names are not looked up.
        """
        looks_local = self.place.startswith((".", "/")) or Path(self.place).exists()
        if looks_local:
            check_folder(Path(self.place), self.where("name"))

    def build(self, streams: Streams) -> Body:
        """Load (or, with `random=True`, draw) the model. Layers that the checkpoint lacks draw from "init"."""
        from lifespan.subjects._torchvision import mend_torchvision

        self.check()
        mend_torchvision()
        import torch
        from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

        from lifespan.subjects.bodies import body_from
        from lifespan.subjects.dropping import quicken

        with torch.random.fork_rng(devices=[]), _clear_errors(self):
            torch.manual_seed(streams.number("init"))
            commit = self._commit() or self.commit
            tokenizer = AutoTokenizer.from_pretrained(self.place, revision=commit)
            config = AutoConfig.from_pretrained(self.place, revision=commit)
            if self.dropout is not None:
                for entry in [key for key in vars(config) if "dropout" in key and isinstance(getattr(config, key), float)]:
                    setattr(config, entry, self.dropout)
            if self.random:
                return body_from(quicken(AutoModelForMaskedLM.from_config(config)), tokenizer)
            with _quiet_loading():
                language = AutoModelForMaskedLM.from_pretrained(
                    self.place, config=config, revision=commit, dtype=torch.float32
                )
                pooler = _pooler(self.place, commit)
        return body_from(quicken(language), tokenizer, pooler)

    def sources(self) -> tuple[Source, ...]:
        """The files of a folder (fresh weights need none of weights), or the commit of the hub's model."""
        folder = Path(self.place)
        if folder.is_dir():
            return (model_files(folder, weights=not self.random),)
        return (Commit(str(self.name), self._commit() or ""),)

    def _commit(self) -> str | None:
        """The commit that is read: of a branch or tag, the one in the local cache, so that a model does not change."""
        return None if Path(self.place).is_dir() else commit_of(str(self.name), self.commit)

    @property
    def born_alike(self) -> bool:
        """Unless the weights are random."""
        return not self.random

    def size(self) -> Mapping[str, int] | None:
        """Sizes from the folder's `config.json`; None for a hub name that is not on disk."""
        path = Path(self.place) / "config.json"
        if not path.is_file():
            return None
        config = read_object(path, "Save the model again by `save_pretrained`.", ScenarioError)
        layers = config.get("num_hidden_layers") or config.get("n_layers") or 0
        width = config.get("hidden_size") or config.get("dim") or 0
        inner = config.get("intermediate_size") or config.get("hidden_dim") or 0
        return {"synapses": layers * (4 * width**2 + 2 * width * inner), "layers": layers, "width": width}


def check_folder(folder: Path, where: str) -> None:
    """Raise `ScenarioError` where a folder, by its files, holds no masked-language model with a tokenizer."""
    if not folder.is_dir():
        raise ScenarioError(where, "there is no such folder.", "Give a folder with config.json, or a hub name.")
    for path in sorted(folder.iterdir()):
        kind = "" if path.is_dir() or not path.exists() else kind_of(path)
        if kind:
            raise ScenarioError(where, f"{path.name} {kind}.", "Save the model again by `save_pretrained`.")
    try:
        config = json.loads(plain_bytes(folder / "config.json"))
        kind = str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise ScenarioError(where, "has no config.json that names a model_type.", "Save it by `save_pretrained`.") from None
    if not _has_masked_model(kind):
        what = f"holds a model of type {kind!r}, which has no masked-language model in transformers."
        raise ScenarioError(where, what, "Use an encoder, such as BERT, RoBERTa or ModernBERT.")
    if not any((folder / name).is_file() for name in TOKENIZERS):
        what = "has no tokenizer files, so that every word would be unknown."
        raise ScenarioError(where, what, "Save the model's tokenizer into it: tokenizer.save_pretrained(folder).")


def _has_masked_model(kind: str) -> bool:
    """Whether transformers' file on this type defines one, read and not imported; true where there is no such file."""
    found = importlib.util.find_spec("transformers")
    places = (found.submodule_search_locations or []) if found is not None else []
    name = kind.replace("-", "_").replace(".", "_")
    files = [Path(place) / "models" / name / f"modeling_{name}.py" for place in places]
    known = [file for file in files if file.is_file()]
    return not known or any("ForMaskedLM(" in file.read_text(encoding="utf-8") for file in known)


def _pooler(name: str, commit: str | None):
    """The (weight, bias) of the pre-trained pooling layer, or None where the checkpoint has none."""
    import torch
    from transformers import AutoModel

    model, info = AutoModel.from_pretrained(name, revision=commit, dtype=torch.float32, output_loading_info=True)
    dense = getattr(getattr(model, "pooler", None), "dense", None)
    if dense is None and isinstance(getattr(model, "pooler", None), torch.nn.Linear):
        dense = model.pooler
    missing = any("pooler" in key for key in info["missing_keys"])
    square = dense is not None and tuple(dense.weight.shape) == (model.config.hidden_size,) * 2
    if dense is None or not square or missing:
        return None
    return dense.weight.data.clone(), dense.bias.data.clone()


class _clear_errors:
    """A context that turns any failure of loading into one `ScenarioError` that says what to do."""

    def __init__(self, origin: Pretrained) -> None:
        self.origin = origin

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError | ValueError | KeyError):
            return
        name = self.origin.place
        looks_local = name.startswith((".", "/")) or Path(name).exists()
        if looks_local and not Path(name).is_dir():
            what, remedy = "there is no such folder.", "Give a folder with config.json, or a hub name."
        elif looks_local:
            first = str(error).strip().splitlines()[0]
            what, remedy = (
                f"the folder cannot be loaded: {first}",
                "It needs config.json, model.safetensors, tokenizer.",
            )
        else:
            what = "could not be loaded from the Hugging Face hub or its local cache."
            remedy = (
                "Check the name; go online once; or give a folder saved by `save_pretrained`. "
                "Without any download, use Micro()."
            )
        raise ScenarioError(self.origin.where("name"), what, remedy) from error


class _quiet_loading:
    """A context in which transformers does not warn of a missing language head, which the record names instead."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self.before = logging.get_verbosity()
        logging.set_verbosity_error()
        self.bar = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        from transformers.utils import logging

        logging.set_verbosity(self.before)
        if self.bar:
            logging.enable_progress_bar()

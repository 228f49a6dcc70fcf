"""The files of a model in the format of the Hugging Face hub, and its commit in the local cache."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lifespan.contracts.sources import Files

SETTINGS = (".json", ".txt", ".model", ".jinja")
"""Endings of configurations, vocabularies and merges."""
WEIGHTS = (".safetensors", ".bin")
"""Endings of weights, in the order in which transformers prefers them."""


def model_files(folder: Path, *, weights: bool = True) -> Files:
    """Configuration, tokenizer and weights in a folder, in the order of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    chosen = [path for path in files if path.suffix in SETTINGS and not path.name.endswith(".index.json")]
    if weights:
        kinds = [[path for path in files if path.suffix == kind] for kind in WEIGHTS]
        chosen += next((kind for kind in kinds if kind), [])
    return Files(tuple(chosen))


def commit_of(name: str, revision: str | None) -> str | None:
    """The commit of a hub's model that a branch or tag (None: main) means in the local cache; a commit means itself.

    None where the cache knows no such model.
    """
    if revision is not None and re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    try:
        return (_cache() / f"models--{name.replace('/', '--')}" / "refs" / (revision or "main")).read_text().strip() or None
    except OSError:
        return None


def _cache() -> Path:
    """The folder in which huggingface_hub keeps models, found without importing it."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or Path(home, "hub")).expanduser()

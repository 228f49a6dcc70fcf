"""A repair for a CUDA-built torchvision beside a CPU-only torch.

avalanche-lib imports torchvision, which fails at import with "operator torchvision::nms does not exist" when its compiled
operators cannot be loaded; transformers' BERT classes then fail too. Declaring the schemas of the two operators first is
enough, and does nothing where torchvision loads its own.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.library import Library

SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

_kept: list[Library] = []


def mend_torchvision() -> list[str]:
    """Declare the torchvision operators that its compiled part did not. Returns the names declared now.

    Call before the first import of torchvision, avalanche or transformers' vision code. Safe to call again.
    """
    import torch

    if _kept or importlib.util.find_spec("torchvision") is None or compiled_part_loads():
        return []
    fragment = torch.library.Library("torchvision", "FRAGMENT")
    declared = [name for name in SCHEMAS if not _exists(name)]
    for name in declared:
        fragment.define(SCHEMAS[name])
    _kept.append(fragment)
    return declared


def compiled_part_loads() -> bool:
    """Whether torchvision's compiled operators load beside this torch, tried without importing torchvision."""
    import torch

    if _exists("nms"):
        return True
    found = importlib.util.find_spec("torchvision")
    places = list(found.submodule_search_locations or []) if found is not None else []
    for place in places:
        from pathlib import Path

        for library in sorted(Path(place).glob("_C*.so")) + sorted(Path(place).glob("_C*.pyd")):
            try:
                torch.ops.load_library(str(library))
            except OSError:
                continue
            return _exists("nms")
    return False


def _exists(name: str) -> bool:
    import torch

    try:
        getattr(torch.ops.torchvision, name)
    except (AttributeError, RuntimeError):
        return False
    return True

"""Tensors to bytes and back, by safetensors. PyTorch is imported when tensors are, so that a record can be read without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def to_bytes(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Named tensors of any device as one safetensors file."""
    from safetensors.torch import save

    return save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})


def from_bytes(data: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file. Raises `ValueError` where it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def packed(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Boolean masks as one bit an entry, their shape kept beside them; all else as it is."""
    import torch

    result: dict[str, torch.Tensor] = {}
    for name, value in sorted(tensors.items()):
        value = value.detach().cpu().contiguous()
        if value.dtype is torch.bool:
            result[f"bits:{name}"] = torch.from_numpy(np.packbits(value.numpy().ravel()))
            result[f"shape:{name}"] = torch.tensor(value.shape, dtype=torch.int64)
        else:
            result[name] = value
    return result


def unpacked(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What `packed` was given."""
    import torch

    plain = {name: value for name, value in tensors.items() if not name.startswith(("bits:", "shape:"))}
    for name, value in tensors.items():
        if name.startswith("bits:"):
            shape = tuple(tensors[f"shape:{name[5:]}"].tolist())
            bits = np.unpackbits(value.numpy(), count=int(np.prod(shape)))
            plain[name[5:]] = torch.from_numpy(bits.astype(bool)).reshape(shape)
    return plain

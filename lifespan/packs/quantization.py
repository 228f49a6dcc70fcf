"""The shared weights of a pack in 32, 16, 8 or 4 bits.

int8 and int4 are symmetric absmax quantisation: q = round(w / scale), scale = max abs(w) / 127 for each row of a matrix
(int8), or max abs(w) / 7 for each group of 64 entries along a row (int4, two entries a byte). Vectors, which are biases and
LayerNorm, stay fp32 everywhere. W comes back as q x scale: one fp32 product, the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import torch
from torch.nn.functional import pad

KINDS = ("fp32", "bf16", "int8", "int4")
GROUP = 64

Shape = tuple[int, ...]
Layout = dict[str, tuple[torch.dtype, Shape]]


def layout(name: str, shape: Shape, kind: str) -> Layout:
    """Names, types and shapes of the tensors that a parameter of this shape is stored as."""
    if kind == "fp32" or len(shape) < 2:
        return {name: (torch.float32, shape)}
    if kind == "bf16":
        return {name: (torch.bfloat16, shape)}
    rows, columns = shape[0], prod(shape[1:])
    if kind == "int8":
        return {f"q8:{name}": (torch.int8, (rows, columns)), f"scale:{name}": (torch.float32, (rows, 1))}
    return {
        f"q4:{name}": (torch.uint8, (rows, -(-columns // 2))),
        f"scale:{name}": (torch.bfloat16, (rows, -(-columns // GROUP))),
    }


def stored(name: str, value: torch.Tensor, kind: str) -> dict[str, torch.Tensor]:
    """A parameter as the tensors of its `layout`, on the CPU."""
    value = value.detach().float().cpu().contiguous()
    if kind == "fp32" or value.dim() < 2:
        return {name: value}
    if kind == "bf16":
        return {name: value.bfloat16()}
    matrix = value.reshape(value.shape[0], -1)
    if kind == "int8":
        scale = matrix.abs().amax(dim=1, keepdim=True) / 127
        return {f"q8:{name}": _rounded(matrix, scale, 127).to(torch.int8), f"scale:{name}": scale}
    rows, columns = matrix.shape
    grouped = pad(matrix, (0, -columns % GROUP)).reshape(rows, -1, GROUP)
    scale = (grouped.abs().amax(dim=2, keepdim=True) / 7).bfloat16()
    levels = _rounded(grouped, scale.float(), 7).reshape(rows, -1)[:, :columns] + 8
    levels = pad(levels, (0, columns % 2), value=8).to(torch.uint8)
    return {f"q4:{name}": levels[:, 0::2] | (levels[:, 1::2] << 4), f"scale:{name}": scale.squeeze(2)}


def restored(name: str, tensors: Mapping[str, torch.Tensor], shape: Shape, kind: str) -> torch.Tensor:
    """The fp32 parameter, from the tensors of its `layout`."""
    if kind in ("fp32", "bf16") or len(shape) < 2:
        return tensors[name].float()
    scale = tensors[f"scale:{name}"].float()
    if kind == "int8":
        return (tensors[f"q8:{name}"].float() * scale).reshape(shape)
    rows, columns = shape[0], prod(shape[1:])
    nibbles = tensors[f"q4:{name}"]
    levels = torch.stack([nibbles & 15, nibbles >> 4], dim=2).reshape(rows, -1)[:, :columns].float() - 8
    return (levels * scale.repeat_interleave(GROUP, dim=1)[:, :columns]).reshape(shape)


def _rounded(values: torch.Tensor, scale: torch.Tensor, top: int) -> torch.Tensor:
    """Nearest levels; a row or group of zeros has scale 0 and stays zeros."""
    return (values / torch.where(scale > 0, scale, 1.0)).round().clamp(-top, top)

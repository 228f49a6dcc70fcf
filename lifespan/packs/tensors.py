"""The tensors of a pack: the shared base, heads and masks, written and read back with every name, type and shape checked."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from safetensors.torch import load, save

from lifespan.contracts import Head
from lifespan.contracts.subject import Masks, Subject
from lifespan.packs.format import Opened, mask_file, refuse, refusing
from lifespan.packs.mask_coding import Ranking, decode, encode, ranking
from lifespan.packs.quantization import Shape, layout, restored

NAMED = 4096
"""Bytes that a file of tensors has at most for the name, type and shape of one, and for its own beginning."""

Tensors = dict[str, torch.Tensor]
Shapes = dict[str, Shape]


def _mask_owners(subject: Subject) -> dict[str, Masks]:
    """Every skill mask (and the language's) by the name of its file."""
    owners = {} if subject.language_mask is None else {"language.mask": subject.language_mask}
    for number, skill in enumerate(subject.skills.values()):
        if skill.mask is not None:
            owners[mask_file(number)] = skill.mask
    return owners


def code_masks(subject: Subject, bare: Mapping[str, np.ndarray]) -> tuple[dict[str, bytes], dict[str, float]]:
    """Bytes, and entropy floors in bytes, of all mask files; `bare` are the synapse matrices as a reader will have them."""
    owners = _mask_owners(subject)
    data: dict[str, list[bytes]] = {name: [] for name in ("alive.mask", *owners)}
    floors = dict.fromkeys(data, 0.0)

    def keep(name: str, mask: torch.Tensor, ranks: Ranking) -> None:
        coded = encode(mask.cpu().numpy(), ranks)
        data[name].append(coded.data)
        floors[name] += coded.floor / 8

    for matrix, weight in bare.items():
        alive = subject.alive[matrix]
        ranks = ranking(weight)
        keep("alive.mask", alive, ranks)
        ranks = ranks.among(alive.cpu().numpy())
        for name, masks in owners.items():
            keep(name, masks[matrix], ranks)
    return {name: b"".join(pieces) for name, pieces in data.items()}, floors


def read_masks(opened: Opened, weights: Mapping[str, torch.Tensor], subject: Subject) -> dict[str, Tensors]:
    """The groups of state that hold masks: alive, language_mask and skill/<title>."""
    groups = {"alive.mask": "alive", "language.mask": "language_mask"}
    groups |= {mask_file(number): f"skill/{skill.title}" for number, skill in enumerate(opened.manifest.skills)}
    left = {name: memoryview(opened.read(name)) for name in opened.manifest.files if name in groups}
    state: dict[str, Tensors] = {groups[name]: {} for name in left}

    def take(name: str, matrix: str, ranks: Ranking) -> torch.Tensor:
        with refusing(opened.folder / name, "holds no masks of this model"):
            mask, used = decode(left[name], ranks)
        left[name] = left[name][used:]
        state[groups[name]][matrix] = torch.from_numpy(mask).reshape(weights[matrix].shape)
        return state[groups[name]][matrix]

    for matrix in subject.synapses:
        ranks = ranking(weights[matrix].numpy())
        alive = take("alive.mask", matrix, ranks)
        ranks = ranks.among(alive.numpy())
        for name in left:
            if name != "alive.mask":
                take(name, matrix, ranks)
    for name, rest in left.items():
        if len(rest):
            refuse(opened.folder / name, f"holds {len(rest)} bytes too many.")
    return state


def read_base(opened: Opened, shapes: Shapes) -> Tensors:
    """The encoder's parameters in fp32, as the pack's precision left them."""
    kind = opened.manifest.base
    expected = {k: v for name, shape in shapes.items() for k, v in layout(name, shape, kind).items()}
    kept = _tensors(opened, "base.safetensors", expected)
    return {name: restored(name, kept, shape, kind) for name, shape in shapes.items()}


def read_head(opened: Opened, name: str, width: int, head: Head) -> Tensors:
    """A head's parameters in fp32."""
    kind = torch.bfloat16 if opened.manifest.heads == "bf16" else torch.float32
    found = _tensors(opened, name, {entry: (kind, shape) for entry, shape in _head_shapes(width, head).items()})
    return {entry: value.float() for entry, value in found.items()}


def read_adapter(opened: Opened, name: str, subject: Subject, rank: int) -> Tensors:
    """An adapter's factors in fp32, by matrix and side."""
    kind = torch.bfloat16 if opened.manifest.heads == "bf16" else torch.float32
    expected: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {}
    for matrix, weight in subject.synapses.items():
        rows, columns = weight.shape
        expected |= {f"{matrix}/up": (kind, (rows, rank)), f"{matrix}/down": (kind, (rank, columns))}
    return {entry: value.float() for entry, value in _tensors(opened, name, expected).items()}


def _head_shapes(width: int, head: Head) -> Shapes:
    # On "meta", layers of any size that a pack claims take no memory.
    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in head.module(width, 0.0).named_parameters()}


def _tensors(opened: Opened, name: str, expected: Mapping[str, tuple[torch.dtype, tuple[int, ...]]]) -> Tensors:
    """The tensors of a file, which must have exactly these names, types and shapes and be finite."""
    path = opened.folder / name
    with refusing(path, "cannot be read as safetensors"):
        size = sum(kind.itemsize * math.prod(shape) + NAMED for kind, shape in expected.values())
        found: Tensors = load(opened.read(name, size + NAMED))
    odd = sorted(set(found) ^ set(expected))
    if odd:
        refuse(path, f"does not hold the tensors of this model ({odd[0][:80]!r} is missing or too many).")
    for key, (kind, shape) in expected.items():
        value = found[key]
        if value.dtype is not kind or tuple(value.shape) != shape:
            have, want = (
                f"{str(d).removeprefix('torch.')} {tuple(s)}" for d, s in ((value.dtype, value.shape), (kind, shape))
            )
            refuse(path, f"{key!r} is {have} where the model has {want}.")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            refuse(path, f"{key!r} has values that are not finite.")
    return found


def tensor_bytes(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Tensors as the bytes of a safetensors file, the same for the same content."""
    return save({name: value.detach().cpu().contiguous() for name, value in sorted(tensors.items())})

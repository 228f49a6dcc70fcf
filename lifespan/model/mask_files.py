"""Masks from files, such as published ones: `.npz`, `.safetensors`, or a folder of `.npy`, an entry for each matrix."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from lifespan.contracts.sources import Files, Stamp, stamps
from lifespan.contracts.spec import Spec
from lifespan.errors import DataError, did_you_mean
from lifespan.stats.masks import MaskArrays, as_mask

SUFFIXES = (".npz", ".safetensors")
Shapes = Mapping[str, tuple[int, ...]]


def require_mask_file(spec: Spec, field: str) -> None:
    """Raise `ScenarioError` where an argument is no path of a kind that is read."""
    value = getattr(spec, field)
    spec.require(field, isinstance(value, str | Path) and str(value) != "", "must be a path.")
    kind = Path(value).suffix.lower()
    known = "Give a .npz or .safetensors file, or a folder of .npy files, one for each synapse matrix."
    spec.require(field, kind in SUFFIXES or kind == "" or Path(value).expanduser().is_dir(), "is no file of masks.", known)


def files_of_masks(path: str | Path) -> Files:
    """The file, or the .npy files of the folder in the order of their names."""
    place = Path(path).expanduser()
    return Files(tuple(sorted(place.glob("*.npy"))) if place.is_dir() else (place,))


def masks_for(path: str | Path, shapes: Shapes) -> MaskArrays:
    """Boolean masks by synapse matrix, True for alive, in the order of `shapes`, which has the shape of every matrix.

    Entries are booleans, 0 and 1, or 0 and 255. Raises `DataError` where the file cannot be read, holds something else, or
    does not have one mask of the right shape for every matrix. Pickled objects are never read.
    """
    place = Path(path).expanduser()
    found = _masks(place, stamps(*files_of_masks(place).paths))
    where, names = str(path), list(shapes)
    for name in found:
        if name not in shapes:
            near = did_you_mean(name, names).partition("Known:")[0]
            raise DataError(where, f"holds a mask of {name!r}, which is no synapse matrix.", f"{near}{_known(names)}")
    missing = [name for name in names if name not in found]
    if missing:
        more = f" nor of {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(where, f"holds no mask of {missing[0]!r}{more}.", "Give ones for a matrix that stays whole.")
    for name in names:
        if found[name].shape != shapes[name]:
            what = f"the mask of {name!r} has shape {found[name].shape}, its matrix {tuple(shapes[name])}."
            turned = found[name].shape == tuple(shapes[name])[::-1]
            raise DataError(where, what, "Transpose it: rows are outputs." if turned else "Give masks of this body.")
    return {name: found[name] for name in names}


def _known(names: list[str]) -> str:
    return f"Names are those of the body's {len(names)} matrices, such as {names[0]!r}."


@lru_cache(maxsize=4)
def _masks(place: Path, at: tuple[Stamp, ...]) -> MaskArrays:
    try:
        return {name: as_mask(values, name) for name, values in _arrays(place)}
    except FileNotFoundError:
        near = did_you_mean(place.name, sorted(p.name for p in place.parent.glob("*"))[:20]) if place.parent.is_dir() else ""
        raise DataError(str(place), "does not exist.", near) from None
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(str(place), f"is not readable as masks ({str(error).splitlines()[0]})") from None


def _arrays(place: Path) -> Iterator[tuple[str, np.ndarray]]:
    if place.is_dir():
        for path in files_of_masks(place).paths:
            yield path.stem, np.load(path, allow_pickle=False)
    elif place.suffix.lower() == ".safetensors":
        yield from _safetensors(place)
    else:
        opened = np.load(place, allow_pickle=False)
        if not isinstance(opened, np.lib.npyio.NpzFile):
            raise ValueError("it is one array and no archive of them; write it by numpy.savez.")
        with opened:
            yield from ((name, opened[name]) for name in opened.files)


def _safetensors(place: Path) -> Iterator[tuple[str, np.ndarray]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        yield from load_file(place).items()
    except SafetensorError as error:
        raise ValueError(str(error)) from None

"""Is this machine fit? One finding per line, with the way out where something is amiss."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from lifespan import hardware

Check = tuple[str, str, str, str]
"""(name, "ok" or "warn" or "fail", what was found, what to do)."""

NEEDED = ("transformers", "datasets", "numpy", "pandas", "scipy", "seaborn", "safetensors", "tokenizers", "rich")
ROOM = 2 * 2**30


def checks() -> Iterator[Check]:
    """Every finding, cheap ones first."""
    yield _python()
    yield from _packages()
    yield _cores()
    yield _bf16()
    yield _torch()
    yield _torchvision()
    yield _glue()
    yield _disk()
    yield _writing()


def _python() -> Check:
    fine = sys.version_info >= (3, 11)
    return "python", "ok" if fine else "fail", platform.python_version(), "" if fine else "Use Python 3.11 or newer."


def _packages() -> Iterator[Check]:
    found, missing = [], []
    for name in NEEDED:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    yield "packages", "ok", ", ".join(found), ""
    if missing:
        yield "packages", "fail", f"missing: {', '.join(missing)}.", f"pip install {' '.join(missing)}"


def _cores() -> Check:
    cores = hardware.cores()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 1.5 * cores:
        return "cores", "warn", f"{cores}, busy (load {load:.1f}).", "Pass --threads 1 while others work here."
    return "cores", "ok", str(cores), ""


def _bf16() -> Check:
    has = hardware.native_bf16()
    return "bfloat16", "ok", "native" if has else "not native; precision auto means fp32 here", ""


def _torch() -> Check:
    try:
        import torch

        size = 512
        matrix = torch.ones(size, size)
        start = time.perf_counter()
        product = (matrix @ matrix)[0, 0].item()
        seconds = time.perf_counter() - start
    except Exception as error:
        return "torch", "fail", f"does not work ({error}).", "Reinstall torch: https://pytorch.org/get-started"
    if product != size:
        return "torch", "fail", f"a matrix product is wrong ({product} instead of {size}).", "Reinstall torch."
    devices = f"{torch.cuda.device_count()} CUDA devices" if torch.cuda.is_available() else "no CUDA device"
    return "torch", "ok", f"{torch.__version__}, {devices}, matrix product in {seconds * 1e3:.0f} ms", ""


def _torchvision() -> Check:
    from lifespan.subjects._torchvision import mend_torchvision

    if find_spec("torchvision") is None:
        return "torchvision", "ok", "not installed, not needed", ""
    declared: list[str] = []

    def load() -> None:
        declared.extend(mend_torchvision())
        importlib.import_module("torchvision")

    trouble = _trouble(load)
    if trouble:
        return "torchvision", "warn", f"does not import ({trouble}).", "Install the build that fits torch, or remove it."
    if declared:
        what = f"{metadata.version('torchvision')}, its compiled part does not fit torch; worked around"
        return "torchvision", "warn", f"{what}.", "Nothing to do: no part of Lifespan needs it."
    return "torchvision", "ok", metadata.version("torchvision"), ""


def _glue() -> Check:
    folder = os.environ.get("LIFESPAN_GLUE_DIR")
    if folder is None:
        return "GLUE", "ok", "LIFESPAN_GLUE_DIR is not set: Glue tasks come from the Hugging Face hub.", ""
    if not Path(folder).is_dir():
        return "GLUE", "warn", f"LIFESPAN_GLUE_DIR={folder}: there is no such folder.", "Mend or unset it."
    held = sorted(entry.name for entry in Path(folder).iterdir() if entry.is_dir())
    return "GLUE", "ok" if held else "warn", f"{folder} holds {', '.join(held) or 'nothing'}", ""


def _disk() -> Check:
    free = shutil.disk_usage(Path()).free
    enough = free > ROOM
    text = f"{free / 2**30:.1f} GiB free here"
    return "disk", "ok" if enough else "warn", text, "" if enough else "Free some, or simulate with --out elsewhere."


def _writing() -> Check:
    try:
        with tempfile.TemporaryFile(dir=Path()):
            pass
    except OSError as error:
        return "writing", "warn", f"this folder refuses files ({error.strerror}).", "Simulate with --out elsewhere."
    return "writing", "ok", str(Path().resolve()), ""


def _trouble(work: Callable[[], object]) -> str:
    """The first line of what goes wrong, or nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work()
    except Exception as error:
        return str(error).strip().partition("\n")[0] or type(error).__name__
    return ""

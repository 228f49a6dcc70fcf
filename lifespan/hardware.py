"""What this machine is, told without torch."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from lifespan.errors import ScenarioError

_CONTAINER = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Files that say a container's bound, and what it uses of it (cgroups, version 2 and 1)."""

MOST_THREADS = 512
"""More than any machine gains from; systems refuse to start many more, which ends the process without a word."""


@cache
def cpu_flags() -> frozenset[str]:
    """Instruction-set flags of the CPU, empty where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        if line.startswith(("flags", "Features")):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def native_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 matrices in hardware (AVX-512 BF16, AMX or Arm BF16)."""
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus(device: str) -> int:
    """CUDA devices that a device text allows: all for "cuda", one for "cuda:0", none for "cpu"."""
    if not device.startswith("cuda"):
        return 0
    import torch

    return torch.cuda.device_count() if device == "cuda" else 1


def available_memory() -> float:
    """Bytes of memory that new processes may take now, within the bound of a container."""
    import psutil

    free = [float(psutil.virtual_memory().available)]
    for bound, used in _CONTAINER:
        with suppress(OSError, ValueError):
            free.append(float(Path(bound).read_text()) - float(Path(used).read_text()))
    return max(0.0, min(free))


def check_threads(threads: int | None, where: str = "threads") -> None:
    """Raise `ScenarioError` for a number of threads that is no whole number from 1 to `MOST_THREADS`; None is fine."""
    if threads is None:
        return
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if not whole or not 1 <= threads <= MOST_THREADS:
        rule = f"must be a whole number from 1 to {MOST_THREADS}."
        raise ScenarioError(f"{where} {threads}", rule, f"This machine has {cores()} cores.")


def resolve_precision(wanted: str, *, half_pays: bool, device: str) -> str:
    """ "auto" becomes bf16 where it pays and the hardware has it, else fp32; other wishes stand."""
    if wanted != "auto":
        return wanted
    return "bf16" if half_pays and (device.startswith("cuda") or native_bf16()) else "fp32"


def settle_arithmetic(*, threads: int, device: str) -> None:
    """Fix what the bits of this process depend on beside its seeds: threads, and on a GPU exact and repeatable kernels."""
    import torch

    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    if device.startswith("cuda"):
        # Read by cuBLAS when its first handle is made.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        # The gradients of the fused kernels of attention add up in any order.
        torch.backends.cuda.enable_flash_sdp(False)
        torch.backends.cuda.enable_mem_efficient_sdp(False)
        torch.backends.cuda.enable_cudnn_sdp(False)


MAKERS = ("lifespan", "torch", "transformers", "tokenizers", "numpy")
"""Packages whose versions every step stores."""


@cache
def _made_here() -> dict[str, Any]:
    versions = {name: _version(name) for name in MAKERS}
    return {**versions, "python": platform.python_version(), "cpu": _cpu_name(), "cores": cores()}


def maker(*, device: str, precision: str) -> dict[str, Any]:
    """Who lives a step: versions, hardware, threads of torch at this moment, and the time."""
    import torch

    here = {"device": device, "gpu": _gpu_name(device), "threads": torch.get_num_threads(), "precision": precision}
    return {**_made_here(), **here, "time": datetime.now(UTC).isoformat(timespec="seconds")}


def environment(*, threads: int, device: str) -> dict[str, Any]:
    """Versions, hardware, threads and the commit of the working directory, for the record."""
    packages = ("lifespan", "torch", "transformers", "datasets", "numpy", "scipy", "safetensors", "tokenizers")
    versions = {name: _version(name) for name in packages}
    return {
        "python": platform.python_version(),
        **versions,
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cores": cores(),
        "threads": threads,
        "device": device,
        "gpu": _gpu_name(device),
        "git": _git_commit(),
        "executable": Path(sys.executable).name,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpu_name(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None
    import torch

    return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"


def _git_commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None

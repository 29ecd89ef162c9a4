"""What a machine can do at most: the peak of its matrix products, the speed of its copies, and memory taken."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ..am.precision import BFLOAT16, matrix_products

GPU = "cuda"
SIDE = {"cpu": 2048, GPU: 8192}
COPIED = 256 << 20
"""Bytes."""

TIMES = 5


def name_of(device: str) -> str:
    """The processor or the GPU, with the number of threads."""
    if device.partition(":")[0] == GPU:
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{named or platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"


def product_peak(device: str, precision: str) -> float:
    """Floating-point operations per second of the product of two square matrices, the best of some."""
    side = SIDE[device.partition(":")[0]]
    dtype = torch.bfloat16 if precision == BFLOAT16 else torch.float32
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    with matrix_products(precision):
        return 2.0 * side**3 / _least_seconds(device, lambda: left @ right)


def copy_speed(device: str) -> float:
    """Bytes per second read and written by a copy, the best of some."""
    source = torch.ones(COPIED, dtype=torch.uint8, device=device)
    copy = torch.empty_like(source)
    return 2.0 * COPIED / _least_seconds(device, lambda: copy.copy_(source))


def reset_peak_memory(device: str) -> None:
    """Begin to measure anew what `peak_memory` gives; where Linux refuses, the process's peak remains."""
    if device.partition(":")[0] == GPU:
        torch.cuda.reset_peak_memory_stats(device)
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: str) -> int | None:
    """The most bytes that this process has taken, weights included; None where the system doesn't say."""
    if device.partition(":")[0] == GPU:
        return int(torch.cuda.max_memory_allocated(device))
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), None)


def _least_seconds(device: str, work: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        work()
        if device.partition(":")[0] == GPU:
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - began)
    return min(taken[1:])

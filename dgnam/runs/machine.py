"""The machine that a process runs on: its processor or GPU, and the most memory taken."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

GPU = "cuda"


def name_of(device: str) -> str:
    """The processor or the GPU, with the number of its threads."""
    import torch

    if device.partition(":")[0] == GPU:
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    threads = torch.get_num_threads()
    return f"{named or platform.processor() or platform.machine()}, {threads} thread{'s' if threads > 1 else ''}"


def wait_for(device: str) -> None:
    """Return once a GPU has done what it was given; a processor has at once."""
    if device.partition(":")[0] == GPU:
        import torch

        torch.cuda.synchronize(device)


def reset_peak_memory(device: str) -> None:
    """Begin to measure anew what `peak_memory` gives; where Linux refuses, the process's peak remains."""
    if device.partition(":")[0] == GPU:
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: str) -> int | None:
    """The most bytes that this process has taken, weights included; None where the system doesn't say."""
    if device.partition(":")[0] == GPU:
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), None)

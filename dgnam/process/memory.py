"""The memory that a process can have."""

from __future__ import annotations

from pathlib import Path


def available_memory() -> int | None:
    """Bytes that can be had: what the system has, or less where a container's limit is nearer; None if unknown."""
    bounds = []
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        bounds.append(int(lines["MemAvailable"].split()[0]) << 10)
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        if limit.isdecimal():
            bounds.append(max(0, int(limit) - int(used)))
    except (OSError, ValueError):
        pass  # no container, or one of another kind
    return min(bounds, default=None)

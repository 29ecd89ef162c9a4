"""How threads wait and how many there are, chosen before torch is imported, since OpenMP reads both once.

OpenMP's threads spin by default while they wait for each other, also for one whose core is taken by something else
(tests/bench/bench_threads.py measures what that costs).  PASSIVE lets them sleep.  torch counts the cores of the
process's affinity, but not a container's quota of processor time, so where that is less it decides the number.  What
the user has set stays.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

POLICY, COUNT = "OMP_WAIT_POLICY", "OMP_NUM_THREADS"

OWN_POLICY = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
OWN_COUNT = (COUNT, "MKL_NUM_THREADS")
"""The variables by which a user decides it; one of them suffices."""

CHOSEN: dict[str, str] = {}
"""The variables that were set here, with their values."""


def choose_threads(variables: MutableMapping[str, str] = os.environ) -> None:
    """Set the waiting policy, and the number of threads where a quota is less than the cores; never what is set."""
    if "torch" in sys.modules:
        return
    if not any(name in variables for name in OWN_POLICY):
        CHOSEN[POLICY] = "PASSIVE"
    quota = cpu_quota()
    if quota is not None and quota < cores() and not any(name in variables for name in OWN_COUNT):
        CHOSEN[COUNT] = str(max(1, int(quota)))
    variables.update(CHOSEN)


def cores() -> int:
    """The cores that this process may run on."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 1 if found is None else found


def cpu_quota(root: Path = Path("/")) -> float | None:
    """The processor time that the process's control groups allow it, in cores; None where they set no limit.

    root: where `proc` and `sys` lie.
    """
    return min(_quotas(root), default=None)


def _quotas(root: Path) -> Iterator[float]:
    """The limits of the process's group and of those around it, of cgroups 2 and 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    mounted = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        place = mounted if not controllers else mounted / controllers
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In a container the path may be the host's, and then only the mounted folder itself is there.
        inner = [part for part in group.split("/") if part not in ("", "..")]
        for depth in range(len(inner), -1, -1):
            quota = _quota(place.joinpath(*inner[:depth]))
            if quota is not None:
                yield quota


def _quota(folder: Path) -> float | None:
    """The limit that a group's folder states, in cores."""
    try:
        if (folder / "cpu.max").is_file():
            limit, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            limit, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
            )
        quota = int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or `max`
        return None
    return quota if quota > 0 else None

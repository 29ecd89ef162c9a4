"""Keep freed memory for the next step, where the C library is glibc.

By default glibc gives large blocks back to the system as soon as they are freed, and every step of a search then gets
its pages anew, zeroed: 250,000 page faults in 60 steps of 16 small images, an eighth of the processor's time
(`tests/bench/bench_allocator.py`).  Blocks of up to 32 MB are kept here, up to 1 GB of them.  What the user has set
stays.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Mapping

LARGEST, MOST = 32 * 2**20, 2**30
"""The largest block that is kept, in bytes (glibc allows no more), and the most free memory at the heap's end."""

OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_")
"""The variables by which a user decides it; one of them suffices, or a tunable of malloc's."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h


def keep_freed_memory(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether freed memory is kept from now on; not where the user has decided, nor without glibc."""
    if any(name in variables for name in OWN) or "glibc.malloc" in variables.get("GLIBC_TUNABLES", ""):
        return False
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, LARGEST) and mallopt(_TRIM_THRESHOLD, MOST))

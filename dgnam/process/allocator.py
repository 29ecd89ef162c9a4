"""Keep freed memory for the next step, where the C library is glibc.

By default glibc gives large blocks back to the system as soon as they are freed, and every pass then gets its pages
anew, zeroed: half of the processor's time in which SqueezeNet scores 100 pictures (`tests/bench/bench_allocator.py`).
Blocks of up to 32 MB are kept here, up to 1 GB of them; in a process of the command `dgnam`, which ends with its work,
blocks of any size.  What the user has set stays.
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

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # of malloc.h


def keep_freed_memory(variables: Mapping[str, str] = os.environ, *, of_any_size: bool = False) -> bool:
    """Whether freed memory is kept from now on; not where the user has decided, nor without glibc.

    of_any_size: no block is mapped from the system by itself, to be given back when freed.
    """
    if any(name in variables for name in OWN) or "glibc.malloc" in variables.get("GLIBC_TUNABLES", ""):
        return False
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    which, bound = (_MMAP_MAX, 0) if of_any_size else (_MMAP_THRESHOLD, LARGEST)
    return mallopt is not None and bool(mallopt(which, bound) and mallopt(_TRIM_THRESHOLD, MOST))

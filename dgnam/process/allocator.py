"""Keep freed memory for the next step, where the C library is glibc.

By default glibc gives large blocks back to the system as soon as they are freed, and every pass then gets its pages
anew, zeroed: half of the processor's time in which SqueezeNet scores 100 pictures (`tests/bench/bench_allocator.py`).
Here blocks of any size are kept, up to 1 GB of them.  What the user has set stays.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Mapping

MOST = 2**30
"""The most free memory at the heap's end, in bytes."""

OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_")
"""The variables by which a user decides it; one of them suffices, or a tunable of malloc's."""

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of malloc.h


def keep_freed_memory(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether freed memory is kept from now on; not where the user has decided, nor without glibc."""
    if any(name in variables for name in OWN) or "glibc.malloc" in variables.get("GLIBC_TUNABLES", ""):
        return False
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, MOST))

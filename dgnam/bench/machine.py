"""What a machine can do at most: the peak of its matrix products, and the speed of its copies."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ..am.precision import matrix_products
from ..caffe.modules.precision import BFLOAT16
from ..runs.machine import GPU

SIDE = {"cpu": 2048, GPU: 8192}
COPIED = 256 << 20
"""Bytes."""

TIMES = 5


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


def _least_seconds(device: str, work: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        work()
        if device.partition(":")[0] == GPU:
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - began)
    return min(taken[1:])

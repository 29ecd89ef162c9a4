"""Splitting arrays into batches of a net's size, and joining the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import CaffeError


def length(arrays: Mapping[str, np.ndarray]) -> int:
    """Return the number of items of the arrays; 0 without arrays."""
    return len(next(iter(arrays.values()))) if arrays else 0


def batches(arrays: Mapping[str, np.ndarray], size: int) -> Iterator[dict[str, Any]]:
    """Yield slices of `size` items, the last one padded with zeros."""
    for at in range(0, length(arrays), size):
        yield {name: _padded(array[at : at + size], size) for name, array in arrays.items()}


def copies(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Copy a net's results, which its next pass would overwrite."""
    return {name: array.copy() for name, array in arrays.items()}


def joined(parts: Sequence[Mapping[str, np.ndarray]], count: int) -> dict[str, np.ndarray]:
    """Concatenate the parts, cut to `count` items; scalars such as losses become a vector."""
    if not parts:
        raise CaffeError("forward_all and forward_backward_all need at least one array")
    return {name: np.concatenate([np.atleast_1d(part[name]) for part in parts])[:count] for name in parts[0]}


def _padded(part: np.ndarray, size: int) -> np.ndarray:
    part = np.asarray(part)
    return (
        np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), part.dtype)]) if len(part) < size else part
    )

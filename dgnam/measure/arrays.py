"""Arrays that a statistic can use: numpy arrays, tensors or sequences, as float64, with one clear error if not."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..am.checks import check_number, whole_number
from ..errors import ArrayError

Floats = np.ndarray[Any, np.dtype[np.float64]]
"""An array of float64."""


def as_numpy(values: Any, what: str) -> np.ndarray:
    """The values as a numpy array; a tensor of any device, with a gradient or without, too."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ArrayError(f"{what}: not an array, but rows of different lengths ({error})") from None


def finite(values: Any, what: str, *ndims: int) -> Floats:
    """The values as finite float64 with one of the numbers of dimensions `ndims`, and at least one entry.

    what: names the values in errors.
    """
    found = as_numpy(values, what)
    if found.dtype.kind not in "fiub":
        raise ArrayError(f"{what}: numbers are needed, and these are {found.dtype}")
    if ndims and found.ndim not in ndims:
        wanted = " or ".join(str(n) for n in ndims)
        raise ArrayError(f"{what}: {wanted} dimensions are needed, and the shape is {found.shape}")
    if found.size == 0:
        raise ArrayError(f"{what}: empty, of shape {found.shape}")
    result = found.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(result))
    if bad.size:
        place = tuple(int(i) for i in np.unravel_index(bad[0], result.shape))
        raise ArrayError(f"{what}: {result[place]} at {place}; all {result.size} values must be finite")
    return result


def features(values: Any, what: str, *, least: int = 1) -> Floats:
    """Feature rows (N, d) float64, at least `least` of them; what has more dimensions is flattened to rows."""
    found = finite(values, what)
    if found.ndim < 2 or len(found) < least:
        raise ArrayError(
            f"{what}: a row for each of {least} or more pictures is needed, and the shape is {found.shape}"
        )
    return found.reshape(len(found), -1)


def labels(values: Any, what: str) -> np.ndarray:
    """Labels (N,), such as of classes or units: whole numbers, or names."""
    found = as_numpy(values, what)
    if found.ndim != 1 or found.dtype.kind not in "iubSU":
        raise ArrayError(f"{what}: whole numbers or names (N,) are needed, and these are {found.shape} {found.dtype}")
    return found


def whole_numbers(values: Any, what: str) -> np.ndarray:
    """Whole numbers (N,), such as places in an array."""
    found = as_numpy(values, what)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ArrayError(f"{what}: whole numbers (N,) are needed, and these are {found.shape} {found.dtype}")
    return found


def unit_rows(rows: Floats, what: str) -> Floats:
    """Rows (N, d) scaled to length 1, so that their products are cosines; a row that is 0 is an error."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise ArrayError(f"{what}: row {int(np.argmin(lengths[:, 0]))} is 0 and has no cosine")
    return np.asarray(rows / lengths, np.float64)


def per_unit(values: Any, what: str, *, least: int = 1) -> Floats:
    """One number a unit: (U,) as given, or the means over the seeds of (U, S)."""
    found = finite(values, what, 1, 2)
    if len(found) < least:
        raise ArrayError(f"{what}: {len(found)} units, and at least {least} are needed")
    return found if found.ndim == 1 else found.mean(1)


def same_length(**arrays: Any) -> None:
    """Raise ArrayError unless all named arrays have one length; None is passed over."""
    try:
        lengths = {name: len(values) for name, values in arrays.items() if values is not None}
    except TypeError:
        raise ArrayError(f"{', '.join(arrays)}: arrays are needed, and one is a single value") from None
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ArrayError(f"lengths differ: {listed}; each entry of one needs its counterpart")


def same_shape(**arrays: np.ndarray) -> None:
    """Raise ArrayError unless all named arrays have one shape."""
    if len({values.shape for values in arrays.values()}) > 1:
        listed = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise ArrayError(f"shapes differ: {listed}")


def same_width(**arrays: np.ndarray) -> None:
    """Raise ArrayError unless the rows of all named feature arrays have one length."""
    if len({values.shape[1] for values in arrays.values()}) > 1:
        listed = ", ".join(f"{name} {values.shape[1]}" for name, values in arrays.items())
        raise ArrayError(f"numbers of features differ: {listed}; use one layer of one network for all")


def number(value: Any, what: str) -> float:
    """A finite number as a float."""
    check_number(what, value)
    return float(value)


def random_generator(seed: Any) -> np.random.Generator:
    """numpy's generator of a seed, a whole number from 0 on."""
    return np.random.default_rng(whole_number("seed", seed, 0))


def pictures(values: Any, what: str) -> np.ndarray:
    """Pictures (N, H, W, 3) uint8 RGB, one or more."""
    found = as_numpy(values, what)
    if found.dtype != np.uint8 or found.ndim != 4 or found.shape[3] != 3 or found.size == 0:
        raise ArrayError(f"{what}: pictures (N, H, W, 3) uint8 are needed, and these are {found.shape} {found.dtype}")
    return found

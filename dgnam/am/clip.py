"""The bounds of a code: each neuron's own act_range, 0 to 3 standard deviations above its mean over real images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from ..caffe.errors import CaffeError, CaffeFormatError


@dataclass(frozen=True, eq=False)
class Bounds:
    """What a code is clipped to after each step: `lower` and `upper`, each a number or an array of the code's shape."""

    lower: np.ndarray | float
    upper: np.ndarray | float

    def apply(self, codes: np.ndarray) -> np.ndarray:
        """`codes` (N, *code_shape), first no less than `lower`, then no more than `upper`; NaN stays."""
        return np.minimum(np.maximum(codes, self.lower), self.upper)

    def shaped(self, shape: tuple[int, ...]) -> Bounds:
        """The same bounds in the code's shape (no batch axis); an array that holds another count is an error."""
        return Bounds(_shaped(self.lower, shape), _shaped(self.upper, shape))


def act_range_bounds(upper: np.ndarray) -> Bounds:
    """From 0, the least that a ReLU leaves, to each neuron's `upper`."""
    return Bounds(np.zeros_like(upper), upper)


def read_act_range(path: str | Path) -> np.ndarray:
    """The upper bounds (n,) float32 in a file: the published text (one line of integers), or HDF5 with `act_range`."""
    path = Path(path)
    values = _read_hdf5(path) if path.suffix in (".h5", ".hdf5") else _read_text(path)
    if values.size == 0 or not np.isfinite(values).all():
        raise CaffeFormatError(f"{path}: an act_range holds one finite number for each neuron of the code")
    return values


def _read_text(path: Path) -> np.ndarray:
    try:
        return np.array(path.read_text(encoding="ascii").split(), dtype=np.float32)
    except (UnicodeDecodeError, ValueError) as error:
        raise CaffeFormatError(f"{path}: not a text of numbers with blanks between them ({error})") from error


def _read_hdf5(path: Path) -> np.ndarray:
    with h5py.File(path, "r") as file:
        if "act_range" not in file:
            raise CaffeFormatError(f"{path}: has no dataset 'act_range'; it has {sorted(file)}")
        return np.asarray(file["act_range"], dtype=np.float32).ravel()


def _shaped(bound: np.ndarray | float, shape: tuple[int, ...]) -> np.ndarray | float:
    if not isinstance(bound, np.ndarray):
        return bound
    if bound.size != math.prod(shape):
        raise CaffeError(
            f"the bounds are of {bound.size} neurons, and the code of shape {shape} has {math.prod(shape)}"
        )
    return bound.reshape(shape).astype(np.float32)

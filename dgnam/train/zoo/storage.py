"""How the zoo's weights are stored: coarsely enough that a file is small, and what a reader then gets.

Weights of more than one axis are rounded to multiples of a power of two, 1/16 to 1/8 of their standard deviation, so
that compression finds something; 0.43 of the plain size.  Vectors (biases, statistics, scales) are not: there are few
of them, and each moves a whole channel.  A caffemodel keeps float32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...caffe.proto import pb, write_caffemodel, write_hdf5_weights

_STEPS = 8
_HDF5 = ".h5"


def rounding_step(blob: np.ndarray) -> float:
    """The step, a power of two, of whose multiples `blob` is stored; 0 where it is kept as it is.

    Kept are vectors, what doesn't vary, and what was rounded before, though its standard deviation has moved a little.
    """
    deviation = float(np.std(blob, dtype=np.float64)) if blob.ndim > 1 else 0.0
    if not math.isfinite(deviation) or deviation == 0:
        return 0.0
    step = 2.0 ** math.floor(math.log2(deviation / _STEPS))
    return 0.0 if np.array_equal(_to_multiples(blob, step / 2), blob) else step


def rounded(weights: Mapping[str, Sequence[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """The weights as they go into the file, float32 still."""
    return {layer: [_rounded(np.asarray(blob)) for blob in blobs] for layer, blobs in weights.items()}


def store(path: Path, definition: pb.NetParameter, weights: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write the weights of a net by the suffix of `path`."""
    if path.suffix == _HDF5:
        write_hdf5_weights(path, rounded(weights), dtype="float16", compress=True)
    else:
        write_caffemodel(path, definition, weights)


def storage_of(file: str) -> str:
    """What a card says of a file of this name that `store` wrote."""
    if Path(file).suffix != _HDF5:
        return "a caffemodel in float32"
    return f"Caffe's HDF5 in float16, weights rounded to 1/{_STEPS} of their standard deviation or finer, compressed"


def as_read(file: str, weights: Mapping[str, Sequence[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """What is read from a file of this name once `store` has written the weights there."""
    if Path(file).suffix != _HDF5:
        return {layer: [np.asarray(blob, np.float32) for blob in blobs] for layer, blobs in weights.items()}
    return {
        layer: [blob.astype(np.float16).astype(np.float32) for blob in blobs]
        for layer, blobs in rounded(weights).items()
    }


def _rounded(blob: np.ndarray) -> np.ndarray:
    step = rounding_step(blob)
    return _to_multiples(blob, step) if step else np.asarray(blob, np.float32)


def _to_multiples(blob: np.ndarray, step: float) -> np.ndarray:
    return (np.round(blob.astype(np.float64) / step) * step).astype(np.float32)

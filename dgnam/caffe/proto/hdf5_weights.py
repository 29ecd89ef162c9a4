"""Weights in Caffe's HDF5 format: a dataset `data/<layer>/<index>` for each blob.

Caffe writes a group for every layer and omits parameters shared with an earlier layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import h5py
import numpy as np

from ...errors import CaffeError, shortened
from ...files.hdf5 import Hdf5File, compression, open_hdf5
from ...files.paths import StrPath, replacing

_LONGEST_INDEX = 18
LIBVER = ("earliest", "v108")
"""The oldest layout: readable by real Caffe with any HDF5 version, and free of timestamps."""


def read_hdf5_weights(path: StrPath) -> dict[str, list[np.ndarray]]:
    """Read the blobs of each layer with parameters, converted to float32, in the order of names.

    A missing parameter before a stored one becomes an empty array of shape (0,): a layer may share only some of its
    parameters.
    """
    with open_hdf5(path) as file:
        if not file.is_group("data"):
            raise file.fail(f"holds no Caffe weights: it has no group 'data'; it has {sorted(file.names())[:8]}")
        blobs = {name: _read_layer(file, name) for name in file.names("data")}
    return {name: arrays for name, arrays in blobs.items() if arrays}


def write_hdf5_weights(
    path: StrPath,
    weights: Mapping[str, Sequence[np.ndarray]],
    dtype: Literal["float32", "float16"] = "float32",
    diffs: Mapping[str, Sequence[np.ndarray]] | None = None,
    compress: bool = False,
) -> None:
    """Write the blobs of each layer, omitting arrays of shape (0,); equal weights give identical files.

    compress: store blobs of more than 1,000 numbers as one chunk each with HDF5's shuffle and gzip filters, readable by
        real Caffe.
    diffs: gradients to write into a group `diff`, in the layout of `data`.
    dtype: float16 halves the file size, readable by real Caffe; finite values beyond +-65504 are an error.

    Raises CaffeError for layer names with `/`, unreadable for real Caffe in HDF5.
    """
    if dtype not in ("float32", "float16"):
        raise CaffeError(f"{path}: weights are stored as float32 or float16, not {dtype}")
    for name in weights:
        if "/" in name:
            raise CaffeError(f"{path}: HDF5 can't store the layer name '{name}' with '/'; write a caffemodel instead")
        if name in ("", "."):
            raise CaffeError(f"{path}: HDF5 can't store a layer named '{name}'")
    with replacing(path) as part, h5py.File(part, "w", libver=LIBVER) as file:
        _write_layers(file.create_group("data"), weights, dtype, compress, str(path))
        if diffs is not None:
            _write_layers(file.create_group("diff"), diffs, dtype, compress, f"{path}: diffs")


def _write_layers(
    data: h5py.Group, weights: Mapping[str, Sequence[np.ndarray]], dtype: str, compress: bool, where: str
) -> None:
    for name, blobs in weights.items():
        group = data.create_group(name)
        for i, blob in enumerate(blobs):
            stored = _as_stored(blob, dtype, f"{where}: layer '{name}', blob {i}")
            if stored.shape != (0,):
                how = compression(stored) if compress else {}
                group.create_dataset(str(i), data=stored, track_times=False, **how)


def _read_layer(file: Hdf5File, layer: str) -> list[np.ndarray]:
    where = f"layer '{shortened(layer)}'"
    if not file.is_group(f"data/{layer}"):
        raise file.fail(f"{where} is not a group")
    names = file.names(f"data/{layer}")
    for name in names:
        if not name.isascii() or not name.isdigit() or len(name) > _LONGEST_INDEX or str(int(name)) != name:
            raise file.fail(f"{where} has an entry '{shortened(name)}'; its blobs are named 0, 1, …")
    indices = {int(name) for name in names}
    if indices and max(indices) >= 2 * len(indices) + 8:
        raise file.fail(f"{where} has {len(indices)} blobs, one of them named {max(indices)}")
    empty = np.zeros(0, np.float32)
    return [
        file.floats(f"data/{layer}/{i}", f"{where}, blob {i}") if i in indices else empty
        for i in range(max(indices, default=-1) + 1)
    ]


def _as_stored(blob: np.ndarray, dtype: str, where: str) -> np.ndarray:
    given = np.asarray(blob)
    with np.errstate(over="ignore"):
        stored = given.astype(dtype)
    if not np.array_equal(np.isinf(stored), np.isinf(given)):
        raise CaffeError(
            f"{where}: values up to {np.abs(given[np.isfinite(given)]).max():g} don't fit {dtype}; write float32"
        )
    return stored

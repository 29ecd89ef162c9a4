"""Weights as Caffe's HDF5 files hold them: a dataset `data/<layer>/<index>` for each blob.

Caffe writes a group for every layer, and leaves out the parameters that a layer shares with an earlier one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import h5py
import numpy as np

from ..errors import CaffeError, CaffeFormatError
from .files import HDF5_MAGIC, StrPath, existing_file, file_head, foreign_format, replacing

_MAX_AXES = 32
_MAX_INFLATION = 1100
"""Deflate, the strongest of HDF5's own filters, makes at most 1032 bytes of one."""
# The oldest layout: real Caffe reads it with any HDF5 library, and it holds no time of writing.
_LIBVER = ("earliest", "v108")
_LIBRARY_ERRORS = (OSError, KeyError, RuntimeError, ValueError, TypeError)


def read_hdf5_weights(path: StrPath) -> dict[str, list[np.ndarray]]:
    """The blobs of each layer that has any, as float32 arrays whatever they are stored as, in the order of names.

    A parameter that the file leaves out before one that it holds is an empty array of shape (0,), as happens where
    only some of a layer's parameters are shared.
    """
    with open_hdf5(path) as file:
        if not isinstance(file.get("data"), h5py.Group):
            raise CaffeFormatError(f"{path}: has no group 'data', so it holds no Caffe weights; it has {sorted(file)}")
        blobs = {name: _read_layer(group, f"{path}: layer '{name}'") for name, group in file["data"].items()}
    return {name: arrays for name, arrays in blobs.items() if arrays}


@contextmanager
def open_hdf5(path: StrPath) -> Iterator[h5py.File]:
    """An HDF5 file to read; what goes wrong while it is read becomes a CaffeFormatError that names it."""
    file_path = existing_file(path)
    head = file_head(file_path)
    if not head.startswith(HDF5_MAGIC):
        foreign = foreign_format(head)
        raise CaffeFormatError(f"{path}: is {'not an HDF5 file' if foreign is None else f'{foreign}, not HDF5'}")
    try:
        with h5py.File(file_path, "r") as file:
            yield file
    except CaffeError:
        raise
    except _LIBRARY_ERRORS as error:
        raise CaffeFormatError(f"{path}: the HDF5 file is damaged: {error}") from None


def write_hdf5_weights(
    path: StrPath, weights: Mapping[str, Sequence[np.ndarray]], dtype: Literal["float32", "float16"] = "float32"
) -> None:
    """Write the blobs of each layer; the same weights make the same bytes.  An array of shape (0,) is left out.

    dtype: float16 halves the file; real Caffe reads it too.  Finite values beyond its range of +-65504 are an error.
    Raises CaffeError for layer names with `/`, which real Caffe can't read back from HDF5.
    """
    if dtype not in ("float32", "float16"):
        raise CaffeError(f"{path}: weights are stored as float32 or float16, not {dtype}")
    for name in weights:
        if "/" in name:
            raise CaffeError(
                f"{path}: HDF5 can't hold the layer name '{name}' with its '/'; write a caffemodel instead"
            )
        if name in ("", "."):
            raise CaffeError(f"{path}: HDF5 can't hold a layer named '{name}'")
    with replacing(path) as part, h5py.File(part, "w", libver=_LIBVER) as file:
        data = file.create_group("data")
        for name, blobs in weights.items():
            group = data.create_group(name)
            for i, blob in enumerate(blobs):
                stored = _as_stored(blob, dtype, f"{path}: layer '{name}', blob {i}")
                if stored.shape != (0,):
                    group.create_dataset(str(i), data=stored, track_times=False)


def _read_layer(group: object, where: str) -> list[np.ndarray]:
    if not isinstance(group, h5py.Group):
        raise CaffeFormatError(f"{where} is not a group")
    for name in group:
        if not name.isascii() or not name.isdigit() or str(int(name)) != name:
            raise CaffeFormatError(f"{where} has an entry '{name}'; its blobs are named 0, 1, …")
    indices = sorted(int(name) for name in group)
    if indices and indices[-1] >= 2 * len(indices) + 8:
        raise CaffeFormatError(f"{where} has {len(indices)} blobs, and one of them is named {indices[-1]}")
    empty = np.zeros(0, np.float32)
    return [
        read_dataset(group[str(i)], f"{where}, blob {i}") if i in indices else empty
        for i in range(max(indices, default=-1) + 1)
    ]


def read_dataset(blob: object, where: str) -> np.ndarray:
    """A dataset's numbers as float32; `where` names file and dataset in errors."""
    if not isinstance(blob, h5py.Dataset):
        raise CaffeFormatError(f"{where} is not a dataset")
    if blob.shape is None or len(blob.shape) > _MAX_AXES:
        raise CaffeFormatError(f"{where}: {blob.shape} is no shape of a blob")
    if blob.dtype.kind not in "fiu":
        raise CaffeFormatError(f"{where} is of type {blob.dtype}, not of numbers")
    stored = blob.file.id.get_filesize() * (1 if blob.chunks is None else _MAX_INFLATION)
    if math.prod(blob.shape) * blob.dtype.itemsize > stored:
        raise CaffeFormatError(f"{where}: shape {blob.shape} asks for more numbers than the file can hold")
    return np.asarray(blob[()], np.float32)


def _as_stored(blob: np.ndarray, dtype: str, where: str) -> np.ndarray:
    given = np.asarray(blob)
    with np.errstate(over="ignore"):
        stored = given.astype(dtype)
    if not np.array_equal(np.isinf(stored), np.isinf(given)):
        raise CaffeError(
            f"{where}: values up to {np.abs(given[np.isfinite(given)]).max():g} don't fit {dtype}; write float32"
        )
    return stored

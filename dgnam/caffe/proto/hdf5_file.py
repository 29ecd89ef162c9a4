"""Reading HDF5 files that nobody vouches for: what a file claims is checked against its bytes before it is read.

The library itself allocates what a dataset claims and fills what is missing, follows links and virtual or external
datasets into other files, and inflates a chunk to whatever size that takes.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from ..blob import MAX_AXES
from ..errors import CaffeError, CaffeFormatError, shortened
from .files import HDF5_MAGIC, StrPath, existing_file, file_head, foreign_format

_MAX_ITEM = 8
_MAX_INFLATION = 100
_FREE_INFLATION = 256 << 20
"""Compressed numbers may take this many bytes in all whatever the file's size, and above it 100 times the file."""

_DEFLATE = 1
_FILTERS = {_DEFLATE: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
_CHECKSUM = 4
_LIBRARY_ERRORS = (
    *(OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError),
    *(ArithmeticError, MemoryError, NotImplementedError, zlib.error),
)


class Hdf5File:
    """An HDF5 file open for reading; its methods raise CaffeFormatErrors that name the file and the place."""

    def __init__(self, path: StrPath, file: h5py.File, size: int):
        self.path = path
        self._file = file
        self._plain = size
        self._inflated = max(_FREE_INFLATION, _MAX_INFLATION * size)

    def names(self, group: str = "/") -> list[str]:
        """What a group holds, in the file's order."""
        return list(self._object(group, h5py.Group, "a group"))

    def has(self, name: str) -> bool:
        """Whether there is anything of this name, a path from the root."""
        return name in self._file

    def is_group(self, name: str) -> bool:
        """Whether this path is that of a group."""
        return isinstance(self._file.get(name), h5py.Group)

    def numbers(self, name: str, where: str | None = None) -> np.ndarray:
        """The dataset of numbers at this path, whole, of the type that it is stored as.

        where: what errors call it; None for the path.
        """
        where = f"dataset '{shortened(name)}'" if where is None else where
        dataset = self._object(name, h5py.Dataset, "a dataset", where)
        self._check_type(dataset, where)
        self._check_storage(dataset, where)
        values: np.ndarray = dataset[()]
        return np.asarray(values)

    def text(self, name: str, longest: int) -> bytes:
        """The one string, of at most `longest` bytes, that the dataset at this path holds, up to a zero byte."""
        where = f"dataset '{shortened(name)}'"
        dataset = self._object(name, h5py.Dataset, "a dataset", where)
        if dataset.shape is None or dataset.size != 1 or dataset.dtype.kind not in "SO":
            raise self.fail(f"{where} is not a string")
        if dataset.dtype.itemsize > longest or dataset.is_virtual or dataset.external:
            raise self.fail(f"{where} is not a string of at most {longest} bytes")
        value = np.asarray(dataset[()]).item()
        text = value.encode() if isinstance(value, str) else value
        if not isinstance(text, bytes) or len(text) > longest:
            raise self.fail(f"{where} is not a string of at most {longest} bytes")
        return text.split(b"\0")[0]

    def fail(self, reason: str) -> CaffeFormatError:
        """An error that names the file; to be raised by the caller."""
        return CaffeFormatError(f"{self.path}: {reason}")

    def _object(self, name: str, kind: type, called: str, where: str | None = None) -> Any:
        """The object at this path, which leads through this file's own groups only."""
        where = f"'{shortened(name)}'" if where is None else where
        found: Any = self._file
        for part in name.strip("/").split("/"):
            if part and not isinstance(found.get(part, getlink=True), h5py.HardLink):
                raise self.fail(f"{where} is a link to elsewhere, which is not followed")
            found = found[part] if part else found
        if not isinstance(found, kind):
            raise self.fail(f"{where} is not {called}")
        return found

    def _check_type(self, dataset: h5py.Dataset, where: str) -> None:
        if dataset.shape is None or len(dataset.shape) > MAX_AXES:
            raise self.fail(f"{where}: {dataset.shape} is no shape of a blob")
        if dataset.dtype.kind not in "fiu" or dataset.dtype.itemsize > _MAX_ITEM or dataset.dtype.shape:
            raise self.fail(f"{where} is of type {shortened(str(dataset.dtype))}, not of numbers")
        if dataset.is_virtual or dataset.external:
            raise self.fail(f"{where} has its numbers in other files, which are not opened")

    def _check_storage(self, dataset: h5py.Dataset, where: str) -> None:
        """That the numbers are there; what is compressed is inflated once, chunk by chunk, to know how large it is."""
        size = math.prod(dataset.shape) * dataset.dtype.itemsize
        filters = self._filters(dataset, where)
        if dataset.chunks is None or not filters:
            self._plain -= size
            if self._plain < 0 or dataset.id.get_storage_size() < size:
                raise self.fail(f"{where}: shape {dataset.shape} asks for more numbers than the file can hold")
            return
        chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize
        self._inflated -= max(size, chunk if size else 0)
        if self._inflated < 0 or dataset.id.get_num_chunks() * chunk < size:
            raise self.fail(f"{where}: shape {dataset.shape} asks for more numbers than the file can hold")
        self._check_chunks(dataset, filters, chunk, where)

    def _filters(self, dataset: h5py.Dataset, where: str) -> list[int]:
        options = dataset.id.get_create_plist()
        filters = [options.get_filter(i)[0] for i in range(options.get_nfilters())]
        for code in filters:
            if code not in _FILTERS or filters.count(code) > 1:
                known = ", ".join(_FILTERS.values())
                raise self.fail(f"{where} is stored through filters {filters}; those that are read, once each: {known}")
        return filters

    def _check_chunks(self, dataset: h5py.Dataset, filters: list[int], size: int, where: str) -> None:
        """That no chunk is of more than `size` bytes once inflated."""
        chunks: list[Any] = []
        dataset.id.chunk_iter(chunks.append)
        for chunk in chunks:
            if chunk.size > self._plain:
                raise self.fail(f"{where}: a chunk claims {chunk.size} bytes, more than the file has")
            mask, stored = dataset.id.read_direct_chunk(chunk.chunk_offset)
            if _DEFLATE in filters and not mask >> filters.index(_DEFLATE) & 1:
                inflated = zlib.decompressobj().decompress(stored, size + _CHECKSUM + 1)
                if len(inflated) > size + _CHECKSUM:
                    raise self.fail(f"{where}: a chunk inflates to more than its {size} bytes")


@contextmanager
def open_hdf5(path: StrPath) -> Iterator[Hdf5File]:
    """The file, open; whatever the library raises within is a CaffeFormatError that names it."""
    file_path = existing_file(path)
    head = file_head(file_path)
    if not head.startswith(HDF5_MAGIC):
        foreign = foreign_format(head)
        raise CaffeFormatError(f"{path}: is {'not an HDF5 file' if foreign is None else f'{foreign}, not HDF5'}")
    try:
        with h5py.File(file_path, "r") as file:
            yield Hdf5File(path, file, file_path.stat().st_size)
    except CaffeError:
        raise
    except _LIBRARY_ERRORS as error:
        raise CaffeFormatError(f"{path}: the HDF5 file is damaged: {shortened(str(error), 300)}") from None

"""Read untrusted HDF5 files: a file's claims are checked against its bytes before anything is read.

The HDF5 library allocates what a dataset claims and fills what is missing, follows links and virtual or external
datasets into other files, inflates a chunk to any size, and can crash while it converts damaged types and chunks.
Therefore it only locates a dataset's bytes; this module reads them from the file.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from ..errors import DgnamError, FormatError, shortened
from .hdf5_group import check_group, check_superblock
from .paths import HDF5_MAGIC, StrPath, existing_file, file_head, foreign_format

MAX_AXES = 32
"""The most axes of a dataset that is read, as of a blob of Caffe's."""

_WORTH_COMPRESSING = 1000
"""Minimum count of numbers; for fewer, a chunk's metadata exceeds the saving."""
_MAX_INFLATION = 100
_FREE_INFLATION = 256 << 20
"""Compressed numbers may take this many bytes in all whatever the file's size, and above it 100 times the file."""
_MAX_CHUNKS = 1 << 22

_GZIP, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_FILTERS = {_GZIP: "gzip", _SHUFFLE: "shuffle", _FLETCHER32: "fletcher32"}
_CHECKSUM = 4
_LIBRARY_ERRORS = (
    *(OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError),
    *(ArithmeticError, MemoryError, NotImplementedError, zlib.error),
)


def compression(values: np.ndarray) -> dict[str, Any]:
    """What h5py's `create_dataset` takes to compress `values`, readable by every HDF5: one chunk, shuffle and gzip."""
    if values.size <= _WORTH_COMPRESSING:
        return {}
    return {"chunks": values.shape, "shuffle": True, "compression": "gzip", "compression_opts": 9}


class Hdf5File:
    """An HDF5 file open for reading; its methods raise FormatErrors that name the file and the place."""

    def __init__(self, path: StrPath, file: h5py.File, data: np.ndarray):
        self.path = path
        self._file = file
        self._bytes = data
        self._plain = len(self._bytes)
        self._inflated = max(_FREE_INFLATION, _MAX_INFLATION * self._plain)

    def names(self, group: str = "/") -> list[str]:
        """What a group holds, in the file's order."""
        found = self._object(group, h5py.Group, "a group")
        self._check_group(found)
        return list(found)

    def has(self, name: str) -> bool:
        """Whether there is anything of this name, a path from the root through this file's own groups."""
        return self._found(name) is not None

    def is_group(self, name: str) -> bool:
        """Whether this path is that of a group."""
        return isinstance(self._found(name), h5py.Group)

    def numbers(self, name: str, where: str | None = None) -> np.ndarray:
        """The dataset of numbers at this path, whole, of the type that it is stored as.

        where: what errors call it; None for the path.
        """
        where = f"dataset '{shortened(name)}'" if where is None else where
        dataset = self._object(name, h5py.Dataset, "a dataset", where)
        self._check_type(dataset, where)
        if not math.prod(dataset.shape):
            return np.empty(dataset.shape, dataset.dtype)
        options = dataset.id.get_create_plist()
        layout = options.get_layout()
        if layout == h5py.h5d.CONTIGUOUS and not dataset.external:
            return self._contiguous(dataset, where)
        if layout == h5py.h5d.CHUNKED:
            return self._chunked(dataset, self._filters(options, where), where)
        raise self.fail(
            f"{where} has its numbers in other files or beside its own; contiguous or chunked ones are read"
        )

    def floats(self, name: str, where: str | None = None) -> np.ndarray:
        """The same as float32; what is beyond its range becomes infinite."""
        with np.errstate(over="ignore"):
            return np.asarray(self.numbers(name, where), np.float32)

    def text(self, name: str, longest: int) -> bytes:
        """The one string, of at most `longest` bytes, that the dataset at this path holds, up to a zero byte."""
        where = f"dataset '{shortened(name)}'"
        dataset = self._object(name, h5py.Dataset, "a dataset", where)
        if dataset.shape is None or math.prod(dataset.shape) != 1 or dataset.dtype.kind != "S":
            raise self.fail(f"{where} is not a string")
        contiguous = dataset.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS
        if dataset.dtype.itemsize > longest or not contiguous or dataset.external:
            raise self.fail(f"{where} is not a string of at most {longest} bytes")
        text: bytes = self._contiguous(dataset, where).tobytes()
        return text.split(b"\0")[0]

    def fail(self, reason: str) -> FormatError:
        """An error that names the file; to be raised by the caller."""
        return FormatError(f"{self.path}: {reason}")

    def _object(self, name: str, kind: type, called: str, where: str | None = None) -> Any:
        """The object at this path, which leads through this file's own groups only."""
        where = f"'{shortened(name)}'" if where is None else where
        found = self._found(name)
        if found is None:
            raise self.fail(f"{where} is not there, or a link to elsewhere, which is not followed")
        if not isinstance(found, kind):
            raise self.fail(f"{where} is not {called}")
        return found

    def _found(self, name: str) -> Any:
        """The object at this path, None where there is none that hard links lead to."""
        found: Any = self._file
        for part in name.strip("/").split("/"):
            if part and not isinstance(found, h5py.Group):
                return None
            if part:
                self._check_group(found)
            if part and not isinstance(found.get(part, getlink=True), h5py.HardLink):
                return None
            found = found[part] if part else found
        return found

    def _check_group(self, group: h5py.Group) -> None:
        """Before the library looks into a group; h5o.get_info would do so itself, to tell its size."""
        address, _ = h5py.h5g.get_objinfo(group.id, b".").objno
        wrong = check_group(self._bytes.data, address)
        if wrong is not None:
            raise self.fail(wrong)

    def _check_type(self, dataset: h5py.Dataset, where: str) -> None:
        if dataset.shape is None or len(dataset.shape) > MAX_AXES:
            raise self.fail(f"{where}: {dataset.shape} is not a shape of a blob")
        dtype = dataset.dtype
        if dtype.kind not in "fiu" or not dataset.id.get_type().equal(h5py.h5t.py_create(dtype)):
            raise self.fail(f"{where} is of type {shortened(str(dtype))}, not of numbers")

    def _contiguous(self, dataset: h5py.Dataset, where: str) -> np.ndarray:
        size, start = math.prod(dataset.shape) * dataset.dtype.itemsize, dataset.id.get_offset()
        self._plain -= size
        if start is None or self._plain < 0 or start + size > len(self._bytes):
            raise self._too_large(dataset, where)
        values = self._bytes[start : start + size].view(dataset.dtype)
        return np.array(values).reshape(dataset.shape)

    def _chunked(self, dataset: h5py.Dataset, filters: list[int], where: str) -> np.ndarray:
        """The chunks, put together; there must be one at each place."""
        shape, sides = dataset.shape, dataset.chunks
        size = math.prod(sides) * dataset.dtype.itemsize
        places = math.prod(-(-n // side) for n, side in zip(shape, sides, strict=True))
        if filters:
            self._inflated -= places * size
        else:
            self._plain -= places * size
        if min(self._inflated, self._plain) < 0:
            raise self._too_large(dataset, where)
        if places > _MAX_CHUNKS:
            raise self.fail(f"{where} is stored in {places} chunks; at most {_MAX_CHUNKS} are read")
        stored = _chunks(dataset, places)
        values = np.empty(shape, dataset.dtype)
        for place in itertools.product(*(range(0, n, side) for n, side in zip(shape, sides, strict=True))):
            if place not in stored:
                raise self.fail(f"{where}: its chunk at {place} is missing")
            data = self._chunk(stored[place], filters, dataset.dtype.itemsize, size, f"{where}: its chunk at {place}")
            whole = np.frombuffer(data, dataset.dtype).reshape(sides)
            window = values[tuple(slice(at, at + side) for at, side in zip(place, sides, strict=True))]
            window[...] = whole[tuple(slice(0, n) for n in window.shape)]
        return values

    def _chunk(self, chunk: Any, filters: list[int], width: int, size: int, where: str) -> bytes:
        """The `size` bytes of one chunk of numbers `width` bytes wide, its filters undone."""
        end = chunk.byte_offset + chunk.size
        if end > len(self._bytes):
            raise self.fail(f"{where} runs {end - len(self._bytes)} bytes past the end of the file")
        mask, data = chunk.filter_mask, self._bytes[chunk.byte_offset : end].tobytes()
        for i, code in reversed(list(enumerate(filters))):
            if mask >> i & 1:
                continue
            if code == _FLETCHER32:
                data, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
                if fletcher32(data) != int.from_bytes(checksum, "little"):
                    raise self.fail(f"{where} is damaged: its checksum is wrong")
            elif code == _GZIP:
                data = zlib.decompressobj().decompress(data, size + _CHECKSUM + 1)
            else:
                data = _unshuffled(data, width)
        if len(data) != size:
            raise self.fail(f"{where} is of {len(data)} bytes or more, and should be of {size}")
        return data

    def _filters(self, options: Any, where: str) -> list[int]:
        filters = [options.get_filter(i)[0] for i in range(options.get_nfilters())]
        for code in filters:
            if code not in _FILTERS or filters.count(code) > 1:
                known = ", ".join(_FILTERS.values())
                raise self.fail(f"{where} is stored through filters {filters}; those that are read, once each: {known}")
        return filters

    def _too_large(self, dataset: h5py.Dataset, where: str) -> FormatError:
        return self.fail(f"{where}: shape {dataset.shape} asks for more numbers than the file can hold")


def _chunks(dataset: h5py.Dataset, most: int) -> dict[tuple[int, ...], Any]:
    """Where the chunks lie in the file, by their places in the dataset; a tree with more than `most` is left there.

    The library misplaces chunks of files of its latest form that may grow along another axis than the first.
    """
    stored: dict[tuple[int, ...], Any] = {}
    seen = itertools.count(1)

    def note(chunk: Any) -> bool | None:
        stored[tuple(chunk.chunk_offset)] = chunk
        return True if next(seen) >= most else None

    dataset.id.chunk_iter(note)
    return stored


def fletcher32(data: bytes) -> int:
    """The checksum that HDF5 puts behind a chunk: Fletcher's over big-endian words of 16 bits, modulo 65535."""
    words = np.frombuffer(data + bytes(len(data) % 2), ">u2").astype(np.uint64)
    places = np.arange(len(words), 0, -1, dtype=np.uint64) % 65535
    low, high = int(words.sum()), int((words * places % 65535).sum())
    return (high - 1) % 65535 + 1 << 16 | (low - 1) % 65535 + 1 if low else 0


def _unshuffled(data: bytes, width: int) -> bytes:
    """The bytes of numbers `width` bytes wide that were stored as all first bytes, all second bytes, …"""
    return np.frombuffer(data, np.uint8).reshape(width, -1).T.tobytes()


@contextmanager
def open_hdf5(path: StrPath) -> Iterator[Hdf5File]:
    """The file, open; whatever the library raises within is a FormatError that names it."""
    file_path = existing_file(path)
    head = file_head(file_path)
    if not head.startswith(HDF5_MAGIC):
        foreign = foreign_format(head)
        raise FormatError(f"{path}: is {'not an HDF5 file' if foreign is None else f'{foreign}, not HDF5'}")
    data = np.memmap(file_path, np.uint8, "r")
    wrong = check_superblock(data.data)
    if wrong is not None:
        raise FormatError(f"{path}: {wrong}")
    try:
        with h5py.File(file_path, "r") as file:
            yield Hdf5File(path, file, data)
    except DgnamError:
        raise
    except _LIBRARY_ERRORS as error:
        raise FormatError(f"{path}: the HDF5 file is damaged: {shortened(str(error), 300)}") from None

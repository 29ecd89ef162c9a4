"""Read single files from untrusted zips and tars: counted while they are inflated, never through links.

An archive may claim that a file is small and hold gigabytes of it, and its own headers may be as large: nothing is
inflated beyond the caller's limit.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ..errors import DgnamError, FormatError, shortened
from .paths import existing_file

_PIECE = 1 << 20
_LARGEST_READ = 1 << 24
"""More than any piece that a member is read in; what tells of a header's claim."""
_LARGEST_TAR = 1 << 34
"""How far a compressed tar is inflated in search of a member."""
_FOLDED = re.compile(r"(^|/)\.?(/|$)")
"""What a path has that isn't written as paths are: an empty part, or one of a dot."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError),
    *(ValueError, OverflowError, NotImplementedError, KeyError, IndexError, AttributeError, TypeError),
)


class Member:
    """A file within an archive, open for reading; reading more than `limit` bytes of it is an error."""

    def __init__(self, stream: IO[bytes], archive: Path, name: str, limit: int):
        self._stream, self._archive, self._name, self._limit = stream, archive, name, limit
        self._read = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; b"" at the end."""
        with _naming(self._archive):
            piece = self._stream.read(size)
        self._read += len(piece)
        if self._read > self._limit:
            raise too_large(self._archive, self._name, self._limit)
        return piece


class Zip:
    """A zip, open for reading files of at most `limit` bytes; closed when it is no longer used."""

    def __init__(self, path: Path, limit: int):
        self.path, self._limit = path, limit
        with _naming(path, "zip"):
            self._file = zipfile.ZipFile(existing_file(path))
            self._entries = {_plain(info.filename): info for info in reversed(self._file.infolist())}

    def names(self) -> list[str]:
        """The files in it, in its order."""
        return [name for name, info in reversed(self._entries.items()) if not info.is_dir()]

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._entries

    def read(self, name: str) -> bytes:
        """The whole of a file."""
        return read_entry(self._file, self.path, self._info(name), self._limit)

    def stamp(self, name: str) -> tuple[int, int] | None:
        """The size and the CRC of a file, as the zip's directory has them; None for one that it lacks."""
        info = self._entries.get(_plain(name))
        return None if info is None else (info.file_size, info.CRC)

    @contextmanager
    def open(self, name: str) -> Iterator[Member]:
        """A file, open."""
        with _entry(self._file, self.path, self._info(name), self._limit) as member:
            yield member

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = self._entries.get(_plain(name))
        if info is None:
            raise absent(self.path, name)
        return info


def _plain(name: str) -> str:
    """A path as PurePosixPath writes it, which is slow for the many thousands that have that form already."""
    return str(PurePosixPath(name)) if _FOLDED.search(name) else name


def read_entry(zipped: zipfile.ZipFile, path: Path, info: zipfile.ZipInfo, limit: int) -> bytes:
    """The whole of a file of an open zip, which `path` names in errors; of at most `limit` bytes."""
    with _entry(zipped, path, info, limit) as member:
        return b"".join(iter(lambda: member.read(_PIECE), b""))


@contextmanager
def _entry(zipped: zipfile.ZipFile, path: Path, info: zipfile.ZipInfo, limit: int) -> Iterator[Member]:
    if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
        raise absent(path, info.filename)
    if info.file_size > limit:
        raise too_large(path, info.filename, limit)
    if info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
        how = "encrypted" if info.flag_bits & _ENCRYPTED else f"packed by method {info.compress_type}"
        raise FormatError(f"{path}: '{shortened(info.filename)}' is {how}; stored and deflated files are read")
    with _naming(path, "zip"):
        stream = zipped.open(info)
    with stream:
        yield Member(stream, path, info.filename, limit)


@contextmanager
def open_member(archive: Path, name: str, limit: int) -> Iterator[Member]:
    """The file `name` of a zip, or of a tar plain or packed by gzip or bzip2; `limit` bytes of it at most."""
    with _naming(archive):
        zipped = zipfile.is_zipfile(existing_file(archive))
    if zipped:
        with Zip(archive, limit).open(name) as member:
            yield member
        return
    with _unpacked(archive) as file:
        with _naming(archive):
            tarred = tarfile.open(fileobj=_Headers(file), mode="r:")  # noqa: SIM115
            entry = next((i for i in tarred if str(PurePosixPath(i.name)) == name), None)
            stream = None if entry is None or not entry.isreg() else tarred.extractfile(entry)
        if entry is None or stream is None:
            raise absent(archive, name)
        if entry.size > limit:
            raise too_large(archive, name, limit)
        yield Member(stream, archive, name, limit)


def absent(archive: Path, name: str) -> FormatError:
    """An archive lacks a file, or has a link in its place."""
    return FormatError(f"{archive} holds no file '{shortened(name)}'")


def too_large(archive: Path, name: str, limit: int) -> FormatError:
    """A file of an archive is larger than it may be."""
    return FormatError(f"{archive}: '{shortened(name)}' is larger than {limit} bytes")


class _Headers(io.RawIOBase):
    """A tar's bytes without the room for endless headers: tarfile reads them whole, as large as they say they are."""

    def __init__(self, file: Any):
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise tarfile.ReadError(f"a header of {size} bytes")
        data: bytes = self._file.read(size)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if offset > _LARGEST_TAR:
            raise tarfile.ReadError(f"a member at byte {offset}")
        place: int = self._file.seek(offset, whence)
        return place

    def tell(self) -> int:
        place: int = self._file.tell()
        return place


@contextmanager
def _unpacked(archive: Path) -> Iterator[Any]:
    """The tar within a file, by how it begins."""
    with open(archive, "rb") as file:
        head = file.read(3)
        file.seek(0)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unpacked:
                yield unpacked
        elif head == b"BZh":
            with bz2.open(file) as unpacked:
                yield unpacked
        else:
            yield file


@contextmanager
def _naming(archive: Path, kind: str = "zip or tar") -> Iterator[None]:
    """What Python's readers raise of an archive, as one error that names it."""
    try:
        yield
    except DgnamError:
        raise
    except (*_BROKEN, RuntimeError) as error:
        reason = shortened(str(error), 300)
        raise FormatError(f"{archive} is not a whole {kind}: {reason}; remove it") from error

"""Parcels: chunks that are made and not entered yet, files of their own in a folder of the run, or behind a URL.

A parcel is called by its chunk, how much it holds, and the checksum of its bytes, so that one that was cut short or
damaged is known for that, wherever it lies.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import numpy as np

from ...errors import DgnamError, FormatError, MissingPackageError, optional_module, shortened
from ...files.checksums import sha256_of_bytes
from ...files.paths import PART, make_folder, write_bytes
from ..chunks import read_arrays, to_bytes
from ..run import Run
from .executor import Made

ARRIVED = "arrived"
"""The folder of a run's parcels; there is none where all chunks are entered."""

EXTRA = "dgnam[ray]"

PATIENCE = 600.0
"""Seconds until a place that gives no answer is taken for one that fails; some of fsspec's would wait for ever."""

T = TypeVar("T")

TOKEN = ".token"
"""How the name of the file ends by which a worker knows that it sees the same place."""

_SUFFIX, _NAMES, _CONTENTS = ".h5", "parcel names", "parcel contents"

_FILES = ("images", "movies", "clips")
"""The folders of a run that a parcel's files may lie in."""


def pack(made: Made) -> bytes:
    """A chunk as the bytes of an HDF5 file; the same for the same chunk."""
    if not made.files:
        return to_bytes(made.arrays)
    names = json.dumps([[name, len(content)] for name, content in made.files.items()]).encode()
    files = {_NAMES: np.frombuffer(names, np.uint8), _CONTENTS: np.frombuffer(b"".join(made.files.values()), np.uint8)}
    return to_bytes({**made.arrays, **files})


def unpack(content: bytes, count: int = 1) -> Made:
    """The chunk that `pack` packed; anything else is a FormatError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"parcel{_SUFFIX}")
        path.write_bytes(content)
        arrays = read_arrays(path)
    names, contents = arrays.pop(_NAMES, None), arrays.pop(_CONTENTS, None)
    if names is None or contents is None:
        return Made(arrays, count=count)
    files, start, whole = {}, 0, contents.astype(np.uint8).tobytes()
    try:
        for name, size in json.loads(names.astype(np.uint8).tobytes()):
            files[_inside(name)], start = whole[start : start + size], start + size
    except (ValueError, TypeError) as error:
        raise FormatError(f"a parcel's list of files is damaged ({error})") from None
    if start != len(whole):
        raise FormatError(f"a parcel has {len(whole)} bytes of files, and its list says {start}")
    return Made(arrays, files, count)


def parcel_name(chunk: str, count: int, content: bytes) -> str:
    """What a parcel is called."""
    return f"{quote(chunk, safe='')}.{count}.{sha256_of_bytes(content)}{_SUFFIX}"


def waiting_count(folder: Path) -> int:
    """How much the parcels in a run's folder hold, by their names."""
    with suppress(OSError):
        return sum(parts[1] for path in (folder / ARRIVED).iterdir() if (parts := _parts(path.name)) is not None)
    return 0


def _parts(name: str) -> tuple[str, int, str] | None:
    """Chunk, count and checksum from a parcel's name; None where it is no parcel's."""
    parts = name.removesuffix(_SUFFIX).split(".")
    if not name.endswith(_SUFFIX) or len(parts) != 3 or not parts[1].isdecimal() or name.startswith("."):
        return None
    return unquote(parts[0]), int(parts[1][:18]), parts[2]


def _inside(name: Any) -> str:
    """The name of a file in one of the folders that parcels may write to; another is a ValueError."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name or path.parts[:1] == path.parts:
        raise ValueError(f"file {shortened(name)!r}")
    if path.parts[0] not in _FILES:
        raise ValueError(f"file {shortened(name)!r} is in none of {', '.join(_FILES)}")
    return str(path)


class Parcels:
    """The parcels in a folder, or behind a URL that fsspec opens (s3://…, gs://…, sftp://…, file:///…).

    Raises DgnamError for whatever goes wrong there, with the place's name.
    """

    def __init__(self, place: str):
        self.place, self._silent = place, False
        fsspec = optional_module("fsspec", f"the store {shortened(place)}", EXTRA)
        self._files, self._path = self._ask(lambda: fsspec.core.url_to_fs(place))
        self._local = "file" in self._files.protocol
        # An object store's path begins with the bucket.  It has no folders: `makedirs` would make a mistyped bucket.
        self._folders = self._local or self._path.startswith("/")

    def put(self, name: str, content: bytes) -> None:
        """Write a file whole; on a file system a temporary one is renamed, and an object store knows no half ones."""

        def put() -> None:
            if self._local:
                make_folder(self._path)
                write_bytes(Path(self._path, name), content)
                return
            if self._folders:
                self._files.makedirs(self._path, exist_ok=True)
            self._files.pipe_file(f"{self._path}/{name}", content)

        self._ask(put)

    def get(self, name: str) -> bytes:
        """The content of a file."""
        content: bytes = self._ask(lambda: self._files.cat_file(f"{self._path}/{name}"))
        return content

    def remove(self, *names: str) -> None:
        """Remove files; those that aren't there are passed over."""

        def remove(name: str) -> None:
            with suppress(FileNotFoundError):
                self._files.rm_file(f"{self._path}/{name}")

        for name in names:
            self._ask(partial(remove, name))

    def names(self) -> list[str]:
        """The files there."""

        def names() -> list[str]:
            self._files.invalidate_cache()
            if self._folders and not self._files.exists(self._path):
                return []
            with suppress(FileNotFoundError):
                return sorted(str(path).rpartition("/")[2] for path in self._files.ls(self._path, detail=False))
            return []

        return self._ask(names)

    def clear(self) -> None:
        """Remove all that is there and is ours, and the folder if that leaves nothing in it."""
        self.remove(*(name for name in self.names() if _parts(name) is not None or name.endswith((PART, TOKEN))))
        with suppress(DgnamError):
            if self._folders and not self.names():
                self._ask(lambda: self._files.exists(self._path) and self._files.rmdir(self._path))

    def chunks(self) -> dict[str, str]:
        """The parcels by the names of their chunks."""
        found = ((name, _parts(name)) for name in self.names())
        return {parts[0]: name for name, parts in found if parts is not None}

    def open(self, name: str) -> Made:
        """The chunk in a parcel; one that isn't as it was packed is a FormatError."""
        content, parts = self.get(name), _parts(name)
        if parts is None or sha256_of_bytes(content) != parts[2]:
            raise FormatError(f"{self.place}/{name} is damaged: its sha256 is not the one in its name")
        try:
            return unpack(content, parts[1])
        except FormatError as error:
            raise FormatError(f"{self.place}/{name}: {error}") from None

    def _ask(self, call: Callable[[], T]) -> T:
        """What a call returns within PATIENCE seconds; after that it is left alone in its thread, and is the last."""
        answer: Future[T] = Future()
        silence = DgnamError(f"{self.place}: no answer for {PATIENCE:g} seconds")
        if self._silent:
            raise silence

        def ask() -> None:
            try:
                answer.set_result(call())
            except BaseException as error:
                answer.set_exception(error)

        Thread(target=ask, daemon=True).start()
        try:
            return answer.result(PATIENCE)
        except DgnamError:
            raise
        except FileNotFoundError as error:
            raise DgnamError(f"{self.place}: not found: {error.filename or shortened(str(error), 300)}") from None
        except ImportError as error:
            raise MissingPackageError(f"{self.place}: {error}") from None
        except Exception as error:  # each file system has its own
            if not answer.done():
                self._silent = True
                raise silence from None
            raise DgnamError(f"{self.place}: {type(error).__name__}: {shortened(str(error), 300)}") from error


def parcels_of(run: Run) -> Parcels:
    """The parcels in a run's folder."""
    return Parcels(str(run.path.resolve() / ARRIVED))


def sound(parcels: Parcels) -> dict[str, str]:
    """The parcels by their chunks, each looked at; damaged ones are removed with a warning."""
    found = {}
    for chunk, name in parcels.chunks().items():
        try:
            parcels.open(name)
        except FormatError as error:
            warnings.warn(f"{error}; it is made again", stacklevel=4)
            parcels.remove(name)
        else:
            found[chunk] = name
    return found

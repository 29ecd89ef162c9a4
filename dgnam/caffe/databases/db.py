"""Databases of records under keys, as Caffe's Data layer and tools use them: LMDB and LevelDB.

LMDB is read by `lmdb_file.py` and written with the package `lmdb`; LevelDB needs the package `plyvel` for both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from ...errors import CaffeError, CaffeFormatError, closest, optional_module, shortened
from ...files.paths import StrPath
from .leveldb_table import check_tables
from .lmdb_file import DATA_FILE, LMDBFile
from .record import Record

_LMDB_MAP = 1 << 20
_LMDB_LONGEST_KEY = 511
_LEVELDB_BLOCK = 1 << 16
_LEVELDB_BUFFER = 1 << 28
_LEVELDB_OPEN_FILES = 100
_LONGEST_REASON = 300


class Database(Protocol):
    """A database that is open for reading."""

    def records(self) -> Iterator[Record]:
        """All entries, in the order of their keys."""


class Writer(Protocol):
    """A new database: what is put is in it from the next commit on."""

    def put(self, key: bytes, value: bytes) -> None:
        """Add an entry, or replace it."""

    def commit(self) -> None:
        """Write what was put since the last commit."""

    def close(self) -> None:
        """Close the database; what was not committed is lost."""


def open_database(path: StrPath, backend: str) -> Database:
    """Open a database for reading.

    backend: lmdb or leveldb.  Raises CaffeError where there is no database, CaffeFormatError where it is damaged, and
    MissingPackageError where LevelDB's package is.
    """
    return _choice(backend)[0](path)


def create_database(path: StrPath, backend: str) -> Writer:
    """Make a new database at `path`, where there must be nothing yet; see `open_database`."""
    return _choice(backend)[1](path)


def endless(database: Database, path: StrPath) -> Iterator[Record]:
    """The records again and again; a database without any is an error that names `path`."""
    while True:
        empty = True
        for record in database.records():
            empty = False
            yield record
        if empty:
            raise CaffeFormatError(f"{path}: the database is empty")


class LevelDB:
    """A LevelDB database, open for reading; one process at a time can have it open."""

    def __init__(self, path: StrPath):
        plyvel = optional_module("plyvel", "LevelDB", "plyvel")
        self.path = path
        if not Path(path).exists():
            raise CaffeError(f"{path}: there is no such database")
        if not (Path(path) / "CURRENT").is_file():
            other = "; it is one of LMDB: give the backend LMDB" if (Path(path) / DATA_FILE).is_file() else ""
            raise CaffeFormatError(f"{path}: no LevelDB database, for it has no file CURRENT{other}")
        check_tables(path)
        self._error = plyvel.Error
        with self._naming():
            self._db = _open_leveldb(plyvel, path, new=False)

    def records(self) -> Iterator[Record]:
        """All entries, in the order of their keys."""
        # A raw iterator, since the other kind takes some damage for the end.
        with self._naming():
            entries = self._db.raw_iterator(verify_checksums=True)
            entries.seek_to_first()
        while entries.valid():
            yield Record(entries.key(), partial(bytes, entries.value()))
            with self._naming():
                entries.next()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise CaffeFormatError(f"{self.path}: LevelDB can't read it: {_reason(error)}") from None


class _LMDBWriter:
    """Commits all at once, with twice the room where there is too little, as Caffe does."""

    def __init__(self, path: StrPath):
        self._lmdb = optional_module("lmdb", "writing LMDB databases", "lmdb")
        self.path = path
        try:
            os.mkdir(path, 0o744)
        except OSError as error:
            raise CaffeError(f"{path}: a new database can't be made there: {error.strerror}") from None
        self._env = self._lmdb.open(os.fspath(path), map_size=_LMDB_MAP, mode=0o664)
        self._waiting: list[tuple[bytes, bytes]] = []

    def put(self, key: bytes, value: bytes) -> None:
        if not 1 <= len(key) <= _LMDB_LONGEST_KEY:
            raise CaffeError(
                f"{self.path}: a key of LMDB has 1 to {_LMDB_LONGEST_KEY} bytes, and this one {len(key)}: {key[:64]!r}…"
            )
        self._waiting.append((key, value))

    def commit(self) -> None:
        while not self._committed():
            self._env.set_mapsize(2 * self._env.info()["map_size"])
        self._waiting.clear()

    def close(self) -> None:
        self._env.close()

    def _committed(self) -> bool:
        try:
            with self._env.begin(write=True) as transaction:
                for key, value in self._waiting:
                    transaction.put(key, value)
        except self._lmdb.MapFullError:
            return False
        except self._lmdb.Error as error:
            raise CaffeError(f"{self.path}: LMDB can't write it: {error}") from None
        return True


class _LevelDBWriter:
    def __init__(self, path: StrPath):
        plyvel = optional_module("plyvel", "LevelDB", "plyvel")
        self.path = path
        self._error = plyvel.Error
        try:
            self._db = _open_leveldb(plyvel, path, new=True)
        except plyvel.Error as error:
            raise CaffeError(f"{path}: a new database can't be made there: {_reason(error)}") from None
        self._batch = self._db.write_batch()

    def put(self, key: bytes, value: bytes) -> None:
        self._batch.put(key, value)

    def commit(self) -> None:
        try:
            self._batch.write()
        except self._error as error:
            raise CaffeError(f"{self.path}: LevelDB can't write it: {_reason(error)}") from None
        self._batch = self._db.write_batch()

    def close(self) -> None:
        self._db.close()


_BACKENDS: dict[str, tuple[Callable[[StrPath], Database], Callable[[StrPath], Writer]]] = {
    "lmdb": (LMDBFile, _LMDBWriter),
    "leveldb": (LevelDB, _LevelDBWriter),
}


def _choice(backend: str) -> tuple[Callable[[StrPath], Database], Callable[[StrPath], Writer]]:
    if backend not in _BACKENDS:
        raise CaffeError(f"unknown database backend '{backend}'; known ones: {closest(backend, _BACKENDS)}")
    return _BACKENDS[backend]


def _open_leveldb(plyvel: ModuleType, path: StrPath, *, new: bool) -> Any:
    """Open it with Caffe's settings, which decide the layout of what is written."""
    return plyvel.DB(
        os.fspath(path),
        create_if_missing=new,
        error_if_exists=new,
        block_size=_LEVELDB_BLOCK,
        write_buffer_size=_LEVELDB_BUFFER,
        max_open_files=_LEVELDB_OPEN_FILES,
        paranoid_checks=not new,
    )


def _reason(error: Exception) -> str:
    """What plyvel says: text, or bytes in some of its errors."""
    what = error.args[0] if error.args else type(error).__name__
    return shortened(what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what), _LONGEST_REASON)

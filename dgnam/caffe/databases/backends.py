"""Caffe's database backends, LMDB and LevelDB.

`lmdb_file.py` reads LMDB, the package `lmdb` writes it; LevelDB needs the package `plyvel` for both.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, overload

from ...errors import CaffeError, CaffeFormatError, closest, optional_module, shortened
from ...files.paths import PART, StrPath, sync_folder
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
    """A database open for reading."""

    @property
    def count(self) -> int | None:
        """How many entries it claims to have; None if only a pass over them tells."""

    def records(self) -> Iterator[Record]:
        """Yield all entries in key order."""

    def index(self) -> Sequence[Record]:
        """All entries by their places in that order."""


class Writer(Protocol):
    """A new database; entries become permanent with the next commit.

    path: the database's name in errors.
    """

    path: StrPath

    def put(self, key: bytes, value: bytes) -> None:
        """Add or replace an entry."""

    def commit(self) -> None:
        """Write all entries put since the last commit."""

    def close(self) -> None:
        """Close the database, discarding uncommitted entries."""


def open_database(path: StrPath, backend: str) -> Database:
    """Open a database for reading.

    backend: lmdb or leveldb.

    Raises CaffeError for a missing database, CaffeFormatError for a damaged one, MissingPackageError without plyvel.
    """
    return _choice(backend)[0](path)


def create_database(path: StrPath, backend: str) -> Writer:
    """Create a database at the new path `path`, where others see it while it grows; see `open_database`."""
    return _choice(backend)[1](path)


@contextmanager
def new_database(path: StrPath, backend: str) -> Iterator[Writer]:
    """Create a database that appears at the new path `path` when the block ends; an error leaves nothing."""
    target = Path(path)
    create = _choice(backend)[1]
    _check_new(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PART}")
    try:
        writer = create(part)
        writer.path = path
        try:
            yield writer
        finally:
            writer.close()
        _put_in_place(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, target: Path) -> None:
    _check_new(target)
    try:
        os.rename(part, target)
    except OSError as error:
        raise CaffeError(f"{target}: can't create a database: {error.strerror}") from error
    sync_folder(target.parent)


def _check_new(path: Path) -> None:
    reason = "File exists" if os.path.lexists(path) else None if path.parent.is_dir() else f"no folder {path.parent}"
    if reason is not None:
        raise CaffeError(f"{path}: can't create a database: {reason}")


def endless(database: Database, path: StrPath) -> Iterator[Record]:
    """Yield the records repeatedly; an empty database is an error naming `path`."""
    while True:
        empty = True
        for record in database.records():
            empty = False
            yield record
        if empty:
            raise CaffeFormatError(f"{path}: the database is empty")


class LevelDB:
    """A LevelDB database open for reading, by one process at a time."""

    def __init__(self, path: StrPath):
        plyvel = optional_module("plyvel", "LevelDB", "plyvel")
        self.path = path
        if not Path(path).exists():
            raise CaffeError(f"{path}: there is no such database")
        if not (Path(path) / "CURRENT").is_file():
            other = "; it is an LMDB database: use the backend LMDB" if (Path(path) / DATA_FILE).is_file() else ""
            raise CaffeFormatError(f"{path}: is not a LevelDB database: it has no file CURRENT{other}")
        check_tables(path)
        self._error = plyvel.Error
        with self._naming():
            self._db = _open_leveldb(plyvel, path, new=False)

    @property
    def count(self) -> int | None:
        """None, since only a pass over the entries tells."""
        return None

    def get(self, key: bytes) -> bytes:
        """The value under a key; an error if there is none."""
        with self._naming():
            value: bytes | None = self._db.get(key, verify_checksums=True)
        if value is None:
            raise CaffeFormatError(f"{self.path}: has no key {key!r}")
        return value

    def index(self) -> LevelDBIndex:
        """All entries by their places in the order of their keys."""
        return LevelDBIndex(self, [record.key for record in self.records()])

    def records(self) -> Iterator[Record]:
        """Yield all entries in key order."""
        # A raw iterator: the other kind mistakes some damage for the end.
        with self._naming():
            entries = self._db.raw_iterator(verify_checksums=True)
            entries.seek_to_first()
        while entries.valid():
            value = entries.value()
            yield Record(entries.key(), partial(bytes, value), len(value))
            with self._naming():
                entries.next()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise CaffeFormatError(f"{self.path}: LevelDB failed to read it: {_reason(error)}") from None


class LevelDBIndex(Sequence[Record]):
    """The entries of a LevelDB database by their places; the keys are held."""

    def __init__(self, database: LevelDB, keys: list[bytes]):
        self._database, self._keys = database, keys

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        if isinstance(place, slice):
            return LevelDBIndex(self._database, self._keys[place])
        key = self._keys[place]
        return Record(key, partial(self._database.get, key))


class _LMDBWriter:
    """Commits all entries at once, doubling the map's size if necessary, as Caffe does."""

    def __init__(self, path: StrPath):
        self._lmdb = optional_module("lmdb", "writing LMDB databases", "lmdb")
        self.path = path
        try:
            os.mkdir(path, 0o744)
        except OSError as error:
            raise CaffeError(f"{path}: can't create a database: {error.strerror}") from None
        self._env = self._lmdb.open(os.fspath(path), map_size=_LMDB_MAP, mode=0o664)
        self._waiting: list[tuple[bytes, bytes]] = []

    def put(self, key: bytes, value: bytes) -> None:
        if not 1 <= len(key) <= _LMDB_LONGEST_KEY:
            raise CaffeError(
                f"{self.path}: LMDB keys have 1 to {_LMDB_LONGEST_KEY} bytes; got {len(key)}: {key[:64]!r}…"
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
            raise CaffeError(f"{self.path}: LMDB failed to write it: {error}") from None
        return True


class _LevelDBWriter:
    def __init__(self, path: StrPath):
        plyvel = optional_module("plyvel", "LevelDB", "plyvel")
        self.path = path
        self._error = plyvel.Error
        try:
            self._db = _open_leveldb(plyvel, path, new=True)
        except plyvel.Error as error:
            raise CaffeError(f"{path}: can't create a database: {_reason(error)}") from None
        self._batch = self._db.write_batch()

    def put(self, key: bytes, value: bytes) -> None:
        self._batch.put(key, value)

    def commit(self) -> None:
        try:
            self._batch.write()
        except self._error as error:
            raise CaffeError(f"{self.path}: LevelDB failed to write it: {_reason(error)}") from None
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
    """Open a database with Caffe's settings, which determine the layout of new files."""
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
    """Return plyvel's message, text or in some errors bytes."""
    what = error.args[0] if error.args else type(error).__name__
    return shortened(what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what), _LONGEST_REASON)

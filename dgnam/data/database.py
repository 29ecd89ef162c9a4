"""Databases of Datums, LMDB or LevelDB, in the order of their keys.

Access by index holds of an LMDB the place of each record, 10 bytes, and of a LevelDB the keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .entries import Entries
from .picture import BrokenPictureError, DataError, Picture

if TYPE_CHECKING:
    from ..caffe.databases.record import Record
    from ..caffe.proto import pb

_MARKS = {"lmdb": "data.mdb", "leveldb": "CURRENT"}
"""The file that each kind of database has."""


def database_kind(path: Path) -> str | None:
    """Which kind of database the folder `path` is, "lmdb" or "leveldb"; None if it is neither."""
    return next((kind for kind, mark in _MARKS.items() if (path / mark).is_file()), None)


class Database(Entries):
    """The pictures of a database, whose labels are known once all Datums have been read."""

    def __init__(self, path: Path, kind: str):
        from ..caffe.databases.backends import open_database

        self.path, self.what = path, str(path)
        self._database = open_database(path, kind)
        if self.count == 0 or (self.count is None and not len(self)):
            raise DataError(f"{path}: the database is empty")

    def __iter__(self) -> Iterator[Picture]:
        return (self._picture(record) for record in self._database.records())

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, place: int) -> Picture:
        return self._picture(self._index[place])

    @property
    def stored_channels(self) -> int | None:
        return None if self._first.encoded else int(self._first.channels)

    @property
    def native_channels(self) -> int | None:
        from ..caffe.databases.datum import datum_image

        return len(datum_image(self._first, self.what))

    @cached_property
    def _first(self) -> pb.Datum:
        from ..caffe.databases.datum import parse_datum

        return parse_datum(next(iter(self._database.records())).read(), self.what)

    @property
    def count(self) -> int | None:
        return self._database.count

    @cached_property
    def _index(self) -> Sequence[Record]:
        return self._database.index()

    def _picture(self, record: Record) -> Picture:
        from ..caffe.databases.datum import parse_datum

        name = f"{self.path}: key {record.key.decode('utf-8', 'backslashreplace')}"

        def size() -> int:
            return len(record.read()) if record.size is None else record.size

        def label() -> int:
            return int(parse_datum(record.read(), name).label)

        return Picture(name, lambda gray: _pixels(record, name, gray), label, record.read, size)


def _pixels(record: Record, name: str, gray: bool) -> tuple[np.ndarray, int]:
    """A Datum's pixels and label; an encoded one is decoded as picture files are, another must have the channels."""
    from ..caffe.databases.datum import datum_image, parse_datum
    from .decode import decode_picture

    datum = parse_datum(record.read(), name)
    if datum.encoded:
        return decode_picture(datum.data, name, gray=gray), datum.label
    pixels = datum_image(datum, name).transpose(1, 2, 0)[..., ::-1]
    wanted = 1 if gray else 3
    if pixels.shape[2] == 1:
        return np.repeat(pixels, wanted, 2), datum.label
    if pixels.shape[2] != wanted:
        raise BrokenPictureError(f"{name}: it has {pixels.shape[2]} channels, and {wanted} are needed")
    return np.ascontiguousarray(pixels), datum.label

"""Reading LMDB databases without the LMDB library, which crashes on damaged files.

An environment is a folder with a file `data.mdb` of equal-sized pages.  The first two are meta pages; the one with the
later transaction is valid and points to the root of a B+tree.  A branch page lists its child pages, a leaf page keys in
ascending order with their values; values too large for a leaf lie on overflow pages.  Numbers are little-endian; the
layout is that of LMDB 0.9 on 64-bit machines (`mdb.c`, "MDB_page", "MDB_node").

Pages are read on demand, from the file rather than a memory map, so that truncation during reading is an error too.
"""

from __future__ import annotations

import itertools
import os
import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, overload

from ...errors import CaffeError, CaffeFormatError, shortened
from .record import Record

DATA_FILE = "data.mdb"

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_HEADER = struct.Struct("<QHHHH")  # page number, pad, flags, then where free space begins and ends, or a count of pages
_META = struct.Struct("<IIQQ")  # magic, version, address, map size
_TREE = struct.Struct("<IHHQQQQQ")  # pad, flags, depth, branch, leaf and overflow pages, entries, root
_META_END = struct.Struct("<QQ")  # last page, transaction
_META_SIZE = _HEADER.size + _META.size + 2 * _TREE.size + _META_END.size
_NODE = struct.Struct("<HHHH")  # low, high, flags, key size
_BRANCH, _LEAF, _OVERFLOW, _META_PAGE, _LEAF2 = 0x01, 0x02, 0x04, 0x08, 0x20
_KINDS = _BRANCH | _LEAF | _OVERFLOW | _META_PAGE | _LEAF2
_BIG, _SUB, _DUP = 0x01, 0x02, 0x04
_NO_PAGE = 2**64 - 1
_PAGE_SIZES = (256, 65536)
_LONGEST_REASON = 300
_MOST_DEPTH = 32
"""The maximum depth of LMDB's own cursors."""


class _Meta(NamedTuple):
    page_size: int
    flags: int
    depth: int
    entries: int
    root: int
    last_page: int
    transaction: int


@dataclass(frozen=True)
class _Node:
    """An entry of a page: in a branch, `page` is the child; in a leaf, the value is `size` bytes from `at`."""

    key: bytes
    flags: int
    page: int
    size: int
    at: int


class LMDBFile:
    """An LMDB database, read in key order.

    Raises CaffeError for a missing database and, here and while reading, CaffeFormatError for a damaged one.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        if not self.path.exists():
            raise CaffeError(f"{path}: there is no such database")
        if not self.path.is_dir():
            raise CaffeFormatError(f"{path}: is a file; an LMDB database is a folder with a file {DATA_FILE}")
        if not (self.path / DATA_FILE).is_file():
            other = "; it is a LevelDB database: use the backend LEVELDB" if (self.path / "CURRENT").is_file() else ""
            raise CaffeFormatError(f"{path}: is not an LMDB database: it has no file {DATA_FILE}{other}")
        self._file = open(self.path / DATA_FILE, "rb", buffering=0)  # noqa: SIM115  (open as long as this object)
        self._fd = self._file.fileno()
        self._size = os.fstat(self._fd).st_size
        self._meta = self._newest_meta()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    @property
    def count(self) -> int:
        """The claimed number of entries."""
        return self._meta.entries

    def records(self) -> Iterator[Record]:
        """All entries, in the order of their keys; a value is read when it is asked for."""
        for page, node in self._in_order():
            yield Record(node.key, partial(self._value, page, node), node.size)

    def index(self) -> LMDBIndex:
        """All entries by their places in the order of their keys; their pages are read anew at each access."""
        pages, slots = array("Q"), array("H")
        for _, node in self._in_order():
            slots.append(slots[-1] + 1 if pages and pages[-1] == node.page else 0)
            pages.append(node.page)
        return LMDBIndex(self, pages, slots)

    def record_at(self, number: int, slot: int) -> Record:
        """An entry of a leaf page, by its place there."""
        page = self._page(number, _LEAF)
        nodes = self._nodes(number, page, leaf=True)
        node = next(itertools.islice(nodes, slot, None), None)
        if node is None:
            raise self._fail(f"page {number} changed after the database was opened")
        return Record(node.key, partial(self._value, page, node), node.size)

    def _in_order(self) -> Iterator[tuple[bytes, _Node]]:
        """The entries with their pages, once their keys are known to be in order."""
        meta = self._meta
        if meta.root == _NO_PAGE:
            return
        before: bytes | None = None
        for page, node in self._leaves(meta.root, meta.depth, [0]):
            if before is not None and node.key <= before:
                raise self._fail(f"its keys are not in order: {node.key!r} follows {before!r}")
            before = node.key
            yield page, node

    def _newest_meta(self) -> _Meta:
        first = self._read_meta(0)
        second = self._read_meta(first.page_size)
        meta = second if second.transaction > first.transaction else first
        if meta.page_size != first.page_size:
            raise self._fail("its two meta pages disagree about the size of pages")
        needed = (meta.last_page + 1) * meta.page_size
        if needed > self._size:
            raise self._fail(f"is truncated: {self._size} bytes of {needed}")
        if meta.flags:
            raise self._fail(f"its main table has flags {meta.flags:#x}; Caffe's databases have none")
        if meta.root != _NO_PAGE and not 1 <= meta.depth <= _MOST_DEPTH:
            raise self._fail(f"its tree has depth {meta.depth}; valid: 1 to {_MOST_DEPTH}")
        return meta

    def _read_meta(self, offset: int) -> _Meta:
        raw = os.pread(self._fd, _META_SIZE, offset)
        if len(raw) < _META_SIZE:
            raise self._fail(f"is truncated: {self._size} bytes can't hold the meta pages")
        flags = _HEADER.unpack_from(raw)[2]
        magic, version, _, _ = _META.unpack_from(raw, _HEADER.size)
        if not flags & _META_PAGE or magic != _MAGIC:
            raise self._fail(f"is not an LMDB file: there is no meta page at byte {offset}")
        if version != _VERSION:
            raise self._fail(f"is in version {version} of LMDB's format; supported: {_VERSION}")
        at = _HEADER.size + _META.size
        page_size = _TREE.unpack_from(raw, at)[0]
        _, tree_flags, depth, _, _, _, entries, root = _TREE.unpack_from(raw, at + _TREE.size)
        last_page, transaction = _META_END.unpack_from(raw, at + 2 * _TREE.size)
        least, most = _PAGE_SIZES
        if not least <= page_size <= most or page_size & (page_size - 1):
            raise self._fail(f"{page_size} is not a valid page size")
        return _Meta(page_size, tree_flags, depth, entries, root, last_page, transaction)

    def _leaves(self, number: int, depth: int, visited: list[int]) -> Iterator[tuple[bytes, _Node]]:
        """Yield the entries of leaves below page `number`, with their page; `visited` counts pages, against cycles."""
        visited[0] += 1
        if visited[0] > self._meta.last_page + 1:
            raise self._fail("its tree has a cycle")
        page = self._page(number, _LEAF if depth == 1 else _BRANCH)
        for node in self._nodes(number, page, leaf=depth == 1):
            if depth == 1:
                yield page, node
            else:
                yield from self._leaves(node.page, depth - 1, visited)

    def _page(self, number: int, kind: int) -> bytes:
        """Return the page of this number, checked to be of that kind."""
        size = self._meta.page_size
        if not 2 <= number <= self._meta.last_page:
            raise self._fail(f"a page refers to page {number} of {self._meta.last_page + 1}")
        page = os.pread(self._fd, size, number * size)
        if len(page) < size:
            raise self._fail(f"is truncated at page {number}")
        stated, _, flags, _, _ = _HEADER.unpack_from(page)
        if stated != number or flags & _KINDS != kind:
            names = {_BRANCH: "branch", _LEAF: "leaf", _OVERFLOW: "overflow"}
            raise self._fail(f"page {number} is damaged: it is not a {names[kind]} page of that number")
        return page

    def _nodes(self, number: int, page: bytes, *, leaf: bool) -> Iterator[_Node]:
        lower, upper = _HEADER.unpack_from(page)[3:]
        if not _HEADER.size <= lower <= upper <= len(page) or lower % 2:
            raise self._fail(f"page {number} is damaged: its entries don't fit")
        for at in struct.unpack_from(f"<{(lower - _HEADER.size) // 2}H", page, _HEADER.size):
            yield self._node(number, page, at, leaf=leaf)

    def _node(self, number: int, page: bytes, at: int, *, leaf: bool) -> _Node:
        key_at = at + _NODE.size
        if at < _HEADER.size or key_at > len(page):
            raise self._fail(f"page {number} is damaged: an entry lies outside it")
        low, high, flags, key_size = _NODE.unpack_from(page, at)
        value_at = key_at + key_size
        size = low | high << 16
        stored = 0 if not leaf else 8 if flags & _BIG else size
        if value_at + stored > len(page):
            raise self._fail(f"page {number} is damaged: an entry extends beyond its end")
        key = page[key_at:value_at]
        if not leaf:
            return _Node(key, 0, size | flags << 32, 0, 0)
        if flags & (_SUB | _DUP):
            raise self._fail(f"key {key!r} is a sub-table, which Caffe's databases don't have")
        return _Node(key, flags, number, size, value_at)

    def _value(self, page: bytes, node: _Node) -> bytes:
        if not node.flags & _BIG:
            return page[node.at : node.at + node.size]
        (first,) = struct.unpack_from("<Q", page, node.at)
        header = self._page(first, _OVERFLOW)
        count = int.from_bytes(header[12:16], "little")
        needed = _HEADER.size + node.size
        if first + count - 1 > self._meta.last_page or needed > count * self._meta.page_size:
            raise self._fail(f"the value of key {node.key!r}, of {node.size} bytes, doesn't fit into its pages")
        value = os.pread(self._fd, node.size, first * self._meta.page_size + _HEADER.size)
        if len(value) < node.size:
            raise self._fail(f"is truncated in the value of key {node.key!r}")
        return value

    def _fail(self, reason: str) -> CaffeFormatError:
        return CaffeFormatError(f"{self.path / DATA_FILE}: {shortened(reason, _LONGEST_REASON)}")


class LMDBIndex(Sequence[Record]):
    """The entries of an LMDB database by their places; of each 10 bytes are held."""

    def __init__(self, database: LMDBFile, pages: array[int], slots: array[int]):
        self._database, self._pages, self._slots = database, pages, slots

    def __len__(self) -> int:
        return len(self._pages)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        if isinstance(place, slice):
            return LMDBIndex(self._database, self._pages[place], self._slots[place])
        return self._database.record_at(self._pages[place], self._slots[place])

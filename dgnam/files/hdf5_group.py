"""Check in the old HDF5 layout, which is Caffe's, what makes the library hang or run out of memory.

The superblock may name a driver, and the library allocates what the driver's block claims.  The names in a group lie
in its local heap, whose free space is a list of blocks, and the library follows a circular list forever.

The layout is that of the HDF5 file format specification, version 3: superblocks 0 and 1 (II.A), local heaps (III.D),
symbol tables (IV.A.2.r) and continuations (IV.A.2.q) in object headers of version 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SUPERBLOCK = 8
"""Where the version stands, behind the magic number."""
_WIDTHS = 13
_ADDRESSES = 24
_ROOT = struct.Struct("<QQQQQQIIQQ")
"""Base, free space, end, driver; then the root's name, object header, kind and room, and its tree and heap."""
_NOWHERE = 2**64 - 1
_KEPT = 1

_HEADER = struct.Struct("<BBHII")
_MESSAGE = struct.Struct("<HHB3x")
_ALIGNED = 16
_SYMBOL_TABLE, _CONTINUATION = 0x11, 0x10
_MOST_BLOCKS = 1000

_HEAP = struct.Struct("<4sB3xQQQ")
_FREE = struct.Struct("<QQ")
_LAST = 1
"""What stands in a free block instead of the next one's place."""


def check_superblock(data: memoryview) -> str | None:
    """What is wrong with a file's old superblock and the group at its root; None where nothing is, or it is new.

    data: the file's bytes.
    """
    if len(data) <= _SUPERBLOCK or data[_SUPERBLOCK] > 1:
        return None
    start = _ADDRESSES + 4 * int(data[_SUPERBLOCK])
    if len(data) < start + _ROOT.size:
        return "is cut short"
    if data[_WIDTHS : _WIDTHS + 2].tolist() != [8, 8]:
        return "has addresses of another width than 8 bytes"
    base, _, _, driver, _, header, kind, _, _, heap = _ROOT.unpack_from(data, start)
    if base:
        return "begins elsewhere than at its first byte"
    if driver != _NOWHERE:
        return "names a driver, as one of several files does"
    if kind == _KEPT and (reason := _check_heap(data, heap)) is not None:
        return reason
    return check_group(data, header)


def check_group(data: memoryview, address: int) -> str | None:
    """What is wrong with the heap of the group whose object header lies at `address`; None where nothing is."""
    for heap in _heaps(data, address):
        reason = _check_heap(data, heap)
        if reason is not None:
            return reason
    return None


def _heaps(data: memoryview, address: int) -> Iterator[int]:
    """The heaps that the symbol tables in an old object header name; nothing where it is a new or a broken one."""
    if address + _ALIGNED > len(data):
        return
    version, _, _, _, size = _HEADER.unpack_from(data, address)
    blocks = [(address + _ALIGNED, size)] if version == 1 else []
    room = len(data)  # blocks don't overlap, so that together they are no larger than the file
    for start, length in blocks:
        room -= length
        if room < 0:
            return
        at, end = start, min(start + length, len(data))
        while at + _MESSAGE.size <= end:
            kind, size, _ = _MESSAGE.unpack_from(data, at)
            at += _MESSAGE.size
            if kind in (_SYMBOL_TABLE, _CONTINUATION) and at + _FREE.size <= len(data):
                first, second = _FREE.unpack_from(data, at)
                if kind == _SYMBOL_TABLE:
                    yield second
                elif len(blocks) < _MOST_BLOCKS:
                    blocks.append((first, second))
            at += size


def _check_heap(data: memoryview, address: int) -> str | None:
    """Whether the free list of a local heap ends; what is no heap the library itself refuses."""
    if address + _HEAP.size > len(data):
        return None
    magic, _, size, free, segment = _HEAP.unpack_from(data, address)
    if magic != b"HEAP" or segment + size > len(data):
        return None
    seen = 0
    while free not in (_LAST, _NOWHERE):
        seen += _FREE.size
        if seen > size or free + _FREE.size > size:
            return "is damaged: the free space in a group's heap is a list without an end"
        free, _ = _FREE.unpack_from(data, segment + free)
    return None

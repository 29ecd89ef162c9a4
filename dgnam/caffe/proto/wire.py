"""Parsing protobuf's wire format in a memory-mapped file, without copying.

A message is a sequence of fields, each a tag (field number and wire type) and a payload.  protobuf's own parser would
create objects or copies for a blob of 60 million numbers; this one locates the payloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import CaffeFormatError
from ...files.paths import StrPath, existing_file

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_FIXED_SIZE = {FIXED64: 8, FIXED32: 4}
_VARINT_BYTES = 10
_LONGEST_NAME = 1 << 12
_MAX_FIELDS = 1 << 20
"""Far more than in the largest nets; a limit for the parsing time of hostile files."""


class Field(NamedTuple):
    """One field; consecutive fixed-width fields with equal tags form one, with their count as `value`."""

    number: int
    kind: int
    begin: int
    """The offset of its tag."""
    start: int
    """The offset of its payload, up to `end`."""
    end: int
    value: int
    """A varint's value, as an unsigned 64-bit integer, or the number of fixed-width fields."""


class WireFile:
    """A file of protobuf messages, mapped into memory."""

    def __init__(self, path: StrPath):
        self.path = existing_file(path)
        self.size = self.path.stat().st_size
        if self.size == 0:
            raise CaffeFormatError(f"{path}: the file is empty")
        self._bytes: NDArray[np.uint8] = np.memmap(self.path, np.uint8, "r")
        self._view = self._bytes.data
        self._walked = 0

    def fields(self, start: int = 0, end: int | None = None) -> Iterator[Field]:
        """Yield the fields of the message from `start` to `end`; raises CaffeFormatError if it is malformed."""
        end = self.size if end is None else end
        at = start
        while at < end:
            self._walked += 1
            if self._walked > _MAX_FIELDS:
                raise self.fail(f"holds over {_MAX_FIELDS} fields, more than any net", at)
            field = self._field(at, end)
            yield field
            at = field.end

    def raw(self, start: int, end: int) -> bytes:
        """Return a copy of the bytes from `start` to `end`."""
        return bytes(self._view[start:end])

    def text(self, field: Field) -> str:
        """Return a BYTES field as a string."""
        if field.end - field.start > _LONGEST_NAME:
            raise self.fail(f"a name of {field.end - field.start} bytes; at most {_LONGEST_NAME}", field.start)
        try:
            return str(self._view[field.start : field.end], "utf-8")
        except UnicodeDecodeError:
            raise self.fail("a name is not UTF-8", field.start) from None

    def varints(self, field: Field) -> Iterator[int]:
        """Yield the values of a packed field, or the single value of an unpacked one."""
        if field.kind == VARINT:
            yield field.value
            return
        at = field.start
        while at < field.end:
            value, at = self._varint(at, field.end)
            yield value

    def count(self, field: Field, size: int) -> int:
        """Return how many numbers of `size` bytes a packed field or a run of fixed-width fields holds."""
        if field.kind != BYTES:
            return field.value
        count, rest = divmod(field.end - field.start, size)
        if rest:
            raise self.fail(f"packed numbers of {size} bytes each fill {field.end - field.start} bytes", field.start)
        return count

    def numbers(self, field: Field, dtype: np.dtype) -> NDArray[np.floating]:
        """Return the numbers of such a field: a view of the file if contiguous, else a copy."""
        if field.kind == BYTES:
            return np.frombuffer(self._view, dtype, self.count(field, dtype.itemsize), field.start)
        rows = self._bytes[field.begin : field.end].reshape(field.value, -1)
        return np.ascontiguousarray(rows[:, -dtype.itemsize :]).view(dtype)[:, 0]

    def loaded(self, field: Field, dtype: np.dtype) -> NDArray[np.floating]:
        """Read the numbers of a packed field, bypassing the map, whose pages would double the memory use."""
        count = self.count(field, dtype.itemsize)
        numbers = np.fromfile(self.path, dtype, count, offset=field.start)
        if len(numbers) != count:
            raise self.fail("the file was truncated during reading", field.start)
        return numbers

    def fail(self, reason: str, at: int | None = None) -> CaffeFormatError:
        """Return an error naming the file and the offset, for the caller to raise."""
        place = "" if at is None else f" at byte {at} of {self.size}"
        return CaffeFormatError(f"{self.path}: {reason}{place}")

    def _field(self, begin: int, end: int) -> Field:
        tag, start = self._varint(begin, end)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise self.fail(f"invalid field number {number}; the file is damaged or of another format", begin)
        if kind == VARINT:
            value, stop = self._varint(start, end)
        elif kind == BYTES:
            length, start = self._varint(start, end)
            value, stop = 0, start + length
        elif kind in _FIXED_SIZE:
            step = start - begin + _FIXED_SIZE[kind]
            value = self._run(begin, end, step) if start == begin + 1 else 1
            stop = begin + value * step
        else:
            raise self.fail(f"a field of unknown wire type {kind}; the file is damaged or of another format", begin)
        if stop > end:
            raise self.fail(f"a field runs {stop - end} bytes past its end; the file is truncated or damaged", begin)
        return Field(number, kind, begin, start, stop, value)

    def _run(self, begin: int, end: int, step: int) -> int:
        """Return how often the tag at `begin` repeats, `step` bytes apart, checking in doubling strides."""
        tag = self._view[begin]
        count, ahead = 1, 1
        while (take := min(ahead, (end - begin) // step - count)) > 0:
            first = begin + count * step
            if take == 1:
                same = int(self._view[first] == tag)
            else:
                equal = self._bytes[first : first + take * step : step] == tag
                same = take if equal.all() else int(equal.argmin())
            count += same
            if same < take:
                break
            ahead *= 2
        return count

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """Return the varint at `at`, truncated to 64 bits, and its end."""
        value = 0
        for i, byte in enumerate(self._view[at : min(end, at + _VARINT_BYTES)]):
            value |= (byte & 0x7F) << (7 * i)
            if byte < 0x80:
                return value & (1 << 64) - 1, at + i + 1
        raise self.fail("a number does not end; the file is truncated or damaged", at)


def signed(value: int) -> int:
    """Convert a varint's value to a signed integer, as in int32 and int64 fields."""
    return value - (1 << 64) if value >> 63 else value


def encode_varint(value: int) -> bytes:
    """Encode a non-negative integer as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_header(number: int, length: int) -> bytes:
    """Encode the tag and length preceding the payload of a BYTES field."""
    return encode_varint(number << 3 | BYTES) + encode_varint(length)

"""Damage to a file's bytes, as small steps that both hypothesis and the fuzzer can draw."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

from dgnam.caffe.proto.wire import encode_varint

KINDS = ("truncate", "flip", "byte", "delete", "repeat", "move", "int32", "int64", "float32", "varint", "number")

Step = tuple[str, int, int]
"""One of KINDS, where (taken modulo the length), and a number that says with what or how much."""

NUMBERS = (
    *(0, 1, -1, 2, 3, 255, 256, 65535, 65536, 10**6, 2**30, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 10**12),
    *(2**62, 2**63 - 1, 2**63, 2**64 - 1, -(2**31), -(2**63)),
)
_WORDS = (*(str(n) for n in NUMBERS), "1e38", "-1e38", "1e400", "nan", "inf", "-inf", "0x7fffffff", "1" * 5000, "")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


def mutate(data: bytes, steps: Iterable[Step]) -> bytes:
    """`data` after all steps, in turn."""
    for kind, at, value in steps:
        data = _mutate(data, kind, at % (len(data) + 1), value)
    return data


def _mutate(data: bytes, kind: str, at: int, value: int) -> bytes:
    hostile = NUMBERS[value % len(NUMBERS)]
    length = value % 64 + 1
    if kind == "truncate":
        return data[:at]
    if kind == "flip":
        return _over(data, at, bytes(byte ^ 1 << value % 8 for byte in data[at : at + 1]))
    if kind == "byte":
        return _over(data, at, bytes([value % 256]))
    if kind == "delete":
        return data[:at] + data[at + length :]
    if kind == "repeat":
        return data[: at + length] + data[at : at + length] * (value % 5) + data[at + length :]
    if kind == "move":
        start = value % (len(data) + 1)
        return _over(data, at, data[start : start + length])
    if kind == "int32":
        return _over(data, at, struct.pack("<I", hostile % 2**32))
    if kind == "int64":
        return _over(data, at, struct.pack("<Q", hostile % 2**64))
    if kind == "float32":
        return _over(data, at, struct.pack("<f", (float("nan"), float("inf"), 3e38, -1.0, 0.0)[value % 5]))
    if kind == "varint":
        return _over(data, at, encode_varint(hostile % 2**64))
    found = _NUMBER.search(data, at)
    return data if found is None else data[: found.start()] + _WORDS[value % len(_WORDS)].encode() + data[found.end() :]


def _over(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]

"""Checks of LevelDB table footers, whose unchecked claims make LevelDB abort the process.

A table (`.ldb`, `.sst`) ends in 48 bytes: offset and size of the meta index block and of the index block, as varints,
padding, and a magic number.  LevelDB allocates the claimed sizes.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import CaffeFormatError

SUFFIXES = (".ldb", ".sst")

_FOOTER = 48
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_BLOCK_END = 5
"""The type and the checksum after each block."""


def check_tables(folder: str | os.PathLike[str]) -> None:
    """Raise CaffeFormatError for a table whose footer claims a block outside the file."""
    for path in sorted(Path(folder).iterdir()):
        if path.suffix in SUFFIXES and path.is_file():
            _check(path)


def _check(path: Path) -> None:
    size = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(max(0, size - _FOOTER))
        footer = file.read(_FOOTER)
    if len(footer) < _FOOTER or not footer.endswith(_MAGIC):
        raise CaffeFormatError(f"{path}: is not a LevelDB table, or is truncated")
    at = 0
    for what in ("meta index", "index"):
        start, at = _number(path, footer, at)
        length, at = _number(path, footer, at)
        if start + length + _BLOCK_END > size - _FOOTER:
            raise CaffeFormatError(f"{path}: its {what} of {length} bytes at byte {start} doesn't fit into the file")


def _number(path: Path, footer: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(footer[at : at + 10]):
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    raise CaffeFormatError(f"{path}: its footer is damaged")

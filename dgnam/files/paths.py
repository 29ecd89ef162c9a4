"""Opening files for reading and replacing them whole, with errors that name them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DgnamError, FormatError, shortened

StrPath = str | os.PathLike[str]

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_MAGICS = {
    HDF5_MAGIC: "an HDF5 file",
    b"\x1f\x8b\x08": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"version https://git-lfs": "a Git LFS pointer, not the file it stands for",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
}
_HTML = (b"<!doctype", b"<html", b"<?xml")
_HEAD = 512
_LONGEST_PATH = 300


def existing_file(path: StrPath) -> Path:
    """`path`, once it is known to be a file that can be read."""
    found = Path(path)
    try:
        there = found.exists()
    except OSError as error:
        raise FormatError(f"{shortened(str(found), _LONGEST_PATH)}: can't be read ({error.strerror})") from None
    if not there:
        raise DgnamError(f"{found}: no such file")
    if not found.is_file():
        raise FormatError(f"{found}: is a {'folder' if found.is_dir() else 'device or pipe'}, not a file")
    if not os.access(found, os.R_OK):
        raise DgnamError(f"{found}: may not be read")
    return found


def file_head(path: StrPath) -> bytes:
    """The first few hundred bytes."""
    with open(path, "rb") as file:
        return file.read(_HEAD)


def foreign_format(head: bytes) -> str | None:
    """What a file is that begins with `head` and is neither prototxt nor caffemodel; None where nothing is known."""
    for magic, name in _MAGICS.items():
        if head.startswith(magic):
            return name
    if head.lstrip().lower().startswith(_HTML):
        return "a web page, as a failed download leaves"
    return None


def looks_like_text(head: bytes) -> bool:
    """Whether `head` is the beginning of a prototxt rather than of a binary message."""
    printable = all(32 <= byte < 127 or byte in b"\t\n\r\f" for byte in head)
    return printable and any(mark in head for mark in b":{")


@contextmanager
def replacing(path: StrPath) -> Iterator[Path]:
    """A temporary name in the folder of `path`, renamed to it at the end; an error leaves `path` as it was."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise DgnamError(f"{path}: is a folder, and can't be replaced by a file")
    if not target.parent.is_dir():
        raise DgnamError(f"{path}: there is no folder {target.parent} to write it to")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)

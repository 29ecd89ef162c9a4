"""Opening files for reading and replacing them whole, with errors that name them."""

from __future__ import annotations

import codecs
import errno
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DgnamError, FormatError, shortened

StrPath = str | os.PathLike[str]

PART = ".part"
"""How the temporary names of files end that are being written."""

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
_FAILING_DISK = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT)
_TAGS = (
    *("head", "body", "title", "meta", "link", "base", "style", "script", "noscript", "iframe", "frameset", "form"),
    *("h[1-6]", "p", "pre", "div", "span", "center", "table", "font", "img", "a", "b", "br", "hr", "svg"),
    *("error", "response", "listbucketresult"),  # of stores that answer in XML
)
_PAGE = re.compile(rb"<(?:!doctype|html|\?xml|!--|(?:%s)[\s/>])" % "|".join(_TAGS).encode(), re.IGNORECASE)
_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
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


def looked_up(path: str, *folders: StrPath) -> str:
    """`path`, from the working directory, or if that has no such thing from the first of `folders` that has it.

    Returns `path` itself where none has it.
    """
    places = [path, *(os.path.join(folder, path) for folder in folders)]
    return next((place for place in places if os.path.exists(place)), path)


def found_beside(path: str, file: StrPath) -> str:
    """`path`, from the working directory or else from the folder of `file`, which names it; an error without one."""
    found = looked_up(path, Path(file).parent)
    if not os.path.exists(found):
        raise DgnamError(f"{path}: no such file, neither from the working directory nor beside {file}")
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
    return "a web page, as a failed download leaves" if is_web_page(head) else None


def is_web_page(head: bytes) -> bool:
    """Whether a file that begins with `head` is HTML or XML, with or without a byte-order mark."""
    encoding = _WIDE.get(head[:2])
    if encoding is not None:
        head = head[2:].decode(encoding, "replace").encode()
    return _PAGE.match(head.lstrip().removeprefix(codecs.BOM_UTF8).lstrip()) is not None


def looks_like_text(head: bytes) -> bool:
    """Whether `head` is the beginning of a prototxt rather than of a binary message."""
    printable = all(32 <= byte < 127 or byte in b"\t\n\r\f" for byte in head)
    return printable and any(mark in head for mark in b":{")


@contextmanager
def replacing(path: StrPath) -> Iterator[Path]:
    """A temporary name in the folder of `path`, renamed to it at the end; an error leaves `path` as it was.

    The file is on the disk before it gets its name: after a loss of power it is the old one or the new one, whole.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise DgnamError(f"{path}: is a folder, and can't be replaced by a file")
    if not target.parent.is_dir():
        raise DgnamError(f"{path}: there is no folder {target.parent} to write it to")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PART}")
    try:
        yield part
        _sync(part, os.O_RDWR)
        os.replace(part, target)
        _sync(target.parent, os.O_RDONLY)
    except OSError as error:
        if error.filename is None and error.errno in _FAILING_DISK:  # by a library that doesn't say where it wrote
            raise DgnamError(f"{path}: can't be written ({error.strerror})") from error
        raise
    finally:
        part.unlink(missing_ok=True)


def check_writable(path: StrPath) -> None:
    """Raise DgnamError unless a file can be written to `path`; nothing stays there of the attempt."""
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_dir():
            os.close(os.open(target, os.O_WRONLY))
        with replacing(path) as part:
            part.touch()
            raise _TriedError
    except _TriedError:
        pass
    except OSError as error:
        raise DgnamError(f"{path}: can't be written ({error.strerror})") from error


class _TriedError(Exception):
    """Leaves `replacing` before it renames."""


def write_bytes(path: StrPath, content: bytes) -> None:
    """Write a whole file or nothing; a failing disk is an error that names the file."""
    try:
        with replacing(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise DgnamError(f"{path}: can't be written ({error.strerror})") from error


def utf8(text: str) -> bytes:
    """A text in UTF-8; what that can't hold, of names of files in another encoding, is spelt out, as caf\\udce9."""
    return text.encode("utf-8", "backslashreplace")


@contextmanager
def writing_text(path: StrPath) -> Iterator[Callable[[str], None]]:
    """Write a whole UTF-8 text in parts or nothing; yields the function that adds a part.

    A failing disk is an error that names the file.
    """
    passing: OSError | None = None
    try:
        with replacing(path) as part:

            def add(text: str) -> None:
                try:
                    with open(part, "ab") as file:
                        file.write(utf8(text))
                except OSError as error:
                    raise DgnamError(f"{path}: can't be written ({error.strerror})") from error

            add("")
            try:
                yield add
            except OSError as error:
                passing = error
                raise
    except OSError as error:
        if error is passing:
            raise
        raise DgnamError(f"{path}: can't be written ({error.strerror})") from error


def make_folder(path: StrPath) -> Path:
    """Make a folder and its parents where they aren't there, on the disk before this returns."""
    folder = Path(path)
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        _sync(one.parent, os.O_RDONLY)
    return folder


def make_new_folder(path: StrPath) -> Path:
    """Make a folder, on the disk before this returns; one that is there is a FileExistsError."""
    folder = Path(path)
    folder.mkdir()
    _sync(folder.parent, os.O_RDONLY)
    return folder


def append_line(path: StrPath, line: str) -> None:
    """Add a line of text to a file, on the disk before this returns; a failing disk is an error that names the file."""
    new = not os.path.exists(path)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            content = f"{line}\n".encode()
            if os.write(handle, content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            _sync(Path(path).parent, os.O_RDONLY)
    except OSError as error:
        raise DgnamError(f"{path}: can't be written ({error.strerror})") from error


def cut_torn_line(path: Path) -> None:
    """Drop the end of a line that a killed process left unfinished."""
    if not path.is_file():
        return
    with open(path, "r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
            os.fsync(file.fileno())


def sync_folder(path: StrPath) -> None:
    """Bring onto the disk which files a folder holds."""
    _sync(Path(path), os.O_RDONLY)


def _sync(path: Path, mode: int) -> None:
    """Bring what was written to a file or a folder onto the disk; file systems without such a thing do nothing."""
    try:
        handle = os.open(path, mode)
    except OSError:  # the caller made no file, or the system opens no folders
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)

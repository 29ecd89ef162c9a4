"""Download published files, verify their checksums, and take them out of archives safely.

Each step writes to a temporary name in the file's own folder and renames it, so that an existing file is whole.  Where
nobody publishes a checksum, that of the first good download is kept beside the file, as FILE.sha256, and compared from
then on.  Web pages and empty answers are refused, and so is plain http where https answers.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from ..errors import DgnamError
from ..files.archives import open_member
from ..files.paths import replacing

TIMEOUT = (5, 30)
"""Seconds to wait for a connection, and for each piece of a file."""

MAX_BYTES = 1 << 30
"""No file taken out of an archive may be larger: the largest published one, of the generator for fc6, is a fifth."""

_CHUNK = 1 << 20
_PLAIN, _SECURE = "http://", "https://"


def cache_folder() -> Path:
    """The user's folder for files that can be downloaded again."""
    return Path(_pooch().os_cache("dgnam"))


class ChecksumError(DgnamError):
    """A file is not the one that was published, or not the one that was first downloaded."""


@dataclass(frozen=True)
class PublishedFile:
    """A file's name, its addresses and its checksum.

    urls: addresses, tried in order; none for a file that is shipped with the package.
    member: the file's path in the zip or tar at the addresses; None if they give the file itself.
    checksum: `algorithm:hexadecimal` of the file as `checksum_source` publishes it; None if nobody does.
    """

    file: str
    urls: tuple[str, ...] = ()
    member: str | None = None
    checksum: str | None = None
    checksum_source: str | None = None

    def __post_init__(self) -> None:
        if PurePosixPath(self.file).name != self.file:
            raise DgnamError(f"'{self.file}' must be the plain name of a file, without folders")


def fetch(file: PublishedFile, path: Path, archives: Path, *, online: bool = True) -> list[str]:
    """Download `file` to `path` from the first address that works; returns why the addresses before it failed.

    archives: the folder that archives are kept in, since several files may come from one; an archive that is there
        already, perhaps put by hand, is used.
    online: False to download nothing.
    """
    reasons = []
    for url in file.urls:
        try:
            if file.member is None:
                if online:
                    _download(url, path, file.checksum)
            else:
                archive = archive_path(url, archives)
                if online and not archive.is_file():
                    _download(url, archive, None)
                if archive.is_file():
                    verify(archive, None)
                    unpack_member(archive, file.member, path)
                    _check_first(path, file.checksum)
        except (DgnamError, OSError, ValueError) as error:
            reasons.append(f"{url} ({_reason(error)})")
        if path.is_file():
            break
    return reasons


def archive_path(url: str, archives: Path) -> Path:
    """The place of the archive of this address."""
    return archives / PurePosixPath(url).name


def verify(path: Path, checksum: str | None) -> None:
    """Raise ChecksumError unless the file has `checksum`, as `algorithm:hexadecimal`.

    None takes the checksum of the first download if one is kept beside the file, and otherwise accepts any file.
    """
    known = checksum if checksum is not None else _first(path)
    if known is None:
        return
    algorithm, _, wanted = known.partition(":")
    actual = _digest(path, algorithm)
    if actual == wanted:
        return
    if checksum is None:
        raise ChecksumError(
            f"{path} is not the file that was first downloaded: its {algorithm} is {actual}, and that of the first "
            f"download is {wanted}; remove the file to download it again, or remove {_kept(path)} to accept it"
        )
    raise ChecksumError(
        f"{path} is not the published file: its {algorithm} is {actual}, and {wanted} was published; "
        "remove it or put the right file in its place"
    )


def unpack_member(archive: Path, member: str, target: Path, limit: int = MAX_BYTES) -> None:
    """Write the single file `member` of a zip or tar to `target`, whole.

    Nothing else is unpacked.  Links, absent members, paths that climb out and files of more than `limit` bytes are
    errors.
    """
    if PurePosixPath(member).is_absolute() or ".." in PurePosixPath(member).parts:
        raise DgnamError(f"'{member}' is not a path within an archive")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_member(archive, member, limit) as source, replacing(target) as partial, partial.open("wb") as out:
        while piece := source.read(_CHUNK):
            out.write(piece)


def _download(url: str, path: Path, checksum: str | None) -> None:
    """Download a file; plain http only if https does not answer at that address."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if url.startswith(_PLAIN):
        from requests import ConnectionError as Unreachable

        try:
            _retrieve(_SECURE + url.removeprefix(_PLAIN), path, checksum)
            return
        except Unreachable:
            pass
    _retrieve(url, path, checksum)


def _retrieve(url: str, path: Path, checksum: str | None) -> None:
    with _quiet_pooch() as pooch:
        known = checksum if checksum is not None else _first(path)
        pooch.retrieve(url, known, fname=path.name, path=path.parent, downloader=_get)
    _check_first(path, checksum)


def _get(url: str, output_file: str, caller: object) -> None:
    """pooch's downloader, refusing web pages and empty files: servers often answer so in place of a missing file."""
    get = _pooch().HTTPDownloader(
        progressbar=sys.stderr.isatty(), chunk_size=_CHUNK, timeout=TIMEOUT, hooks={"response": _stay_secure}
    )
    get(url, output_file, caller)
    with open(output_file, "rb") as file:
        start = file.read(64)
    if not start:
        raise DgnamError("an empty file came")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DgnamError("a web page came in the file's place")


def _stay_secure(response: Any, *_: object, **__: object) -> None:
    """Refuse a redirection from https to plain http."""
    target = response.headers.get("Location", "")
    if response.is_redirect and response.url.startswith(_SECURE) and target.lower().startswith(_PLAIN):
        raise DgnamError("the server redirects https to plain http")


def _kept(path: Path) -> Path:
    """Where the checksum of a file's first download is kept."""
    return path.with_name(f"{path.name}.sha256")


def _first(path: Path) -> str | None:
    """The checksum of a file's first download, as `sha256:hexadecimal`; None if none is kept."""
    try:
        words = _kept(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return f"sha256:{words[0]}" if words else None


def _check_first(path: Path, checksum: str | None) -> None:
    """Verify a file that was just brought, or keep its checksum if none is published or kept yet."""
    try:
        verify(path, checksum)
    except ChecksumError:
        path.unlink()
        raise
    if checksum is None and _first(path) is None:
        with replacing(_kept(path)) as partial:
            partial.write_text(f"{_digest(path, 'sha256')}  {path.name}\n", encoding="utf-8")


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _pooch() -> ModuleType:
    """The package pooch, which takes a while to import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook tqdm, which pooch imports, warns of missing widgets
        import pooch
    return pooch


@contextmanager
def _quiet_pooch() -> Iterator[ModuleType]:
    """The package pooch without its advice on unknown checksums, meant for authors of registries."""
    pooch = _pooch()
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield pooch
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    """A short reason; the libraries' own messages fill a screen."""
    if isinstance(error, DgnamError):
        return str(error)
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    if isinstance(error, ValueError) and "hash" in str(error):
        return "another file came than was published or first downloaded: its checksum differs"
    name = type(error).__name__
    known = {"ConnectTimeout": "no answer", "ReadTimeout": "the answer stopped", "ConnectionError": "no connection"}
    return known.get(name, f"{name}: {error}")

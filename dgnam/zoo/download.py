"""Published files: downloaded, checked against their checksum, and taken out of archives safely.

Each step writes to a temporary name in the file's own folder and renames it, so that a file that is there is whole.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import DgnamError
from ..files.archives import open_member
from ..files.paths import replacing

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # in a notebook tqdm, which pooch imports, misses widgets that nobody needs here
    import pooch

TIMEOUT = (5, 30)
"""Seconds to wait for a connection, and for each piece of a file."""

MAX_BYTES = 1 << 30
"""No file taken out of an archive may be larger: the largest published one, of the generator for fc6, is a fifth."""

_CHUNK = 1 << 20


def cache_folder() -> Path:
    """The user's folder for files that can be downloaded again."""
    return Path(pooch.os_cache("dgnam"))


class ChecksumError(DgnamError):
    """A file is not the one that was published."""


@dataclass(frozen=True)
class PublishedFile:
    """A file's name, where it is published, and how to know it.

    urls: addresses, tried in order; none for a file that is shipped with the package.
    member: the file's path in the zip or tar that the addresses give; None where they give the file itself.
    checksum: `algorithm:hexadecimal` of the file as `checksum_source` publishes it; None where nobody does.
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
    """Bring `file` to `path` from the first address that gives it; returns why those before it failed.

    archives: the folder that archives are kept in, since several files may come from one; an archive that lies there
        already, put by hand perhaps, is taken as downloaded.
    online: False to do without downloads.
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
                    unpack_member(archive, file.member, path)
        except (DgnamError, OSError, ValueError) as error:
            reasons.append(f"{url} ({_reason(error)})")
        if path.is_file():
            break
    return reasons


def archive_path(url: str, archives: Path) -> Path:
    """Where the archive of this address is kept."""
    return archives / PurePosixPath(url).name


def verify(path: Path, checksum: str | None) -> None:
    """Raise ChecksumError unless the file has `checksum`, as `algorithm:hexadecimal`; None accepts any."""
    if checksum is None:
        return
    algorithm, _, wanted = checksum.partition(":")
    actual = pooch.file_hash(str(path), alg=algorithm)
    if actual != wanted:
        raise ChecksumError(
            f"{path} is not the published file: its {algorithm} is {actual}, and {wanted} was published; "
            "remove it or put the right file in its place"
        )


def unpack_member(archive: Path, member: str, target: Path, limit: int = MAX_BYTES) -> None:
    """Write the one file `member` of a zip or tar to `target`, by way of a temporary name beside it.

    Nothing else is unpacked, whatever the archive holds.  Links, absent members, paths that climb out and files of
    more than `limit` bytes are errors.
    """
    if PurePosixPath(member).is_absolute() or ".." in PurePosixPath(member).parts:
        raise DgnamError(f"'{member}' is no path within an archive")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_member(archive, member, limit) as source, replacing(target) as partial, partial.open("wb") as out:
        while piece := source.read(_CHUNK):
            out.write(piece)


def _download(url: str, path: Path, checksum: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _quiet_pooch():
        pooch.retrieve(url, checksum, fname=path.name, path=path.parent, downloader=_get)


def _get(url: str, output_file: str, caller: object) -> None:
    """pooch's downloader, which takes no web page for a file: servers often answer so where a file is gone."""
    get = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), chunk_size=_CHUNK, timeout=TIMEOUT)
    get(url, output_file, caller)
    with open(output_file, "rb") as file:
        start = file.read(64).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DgnamError("a web page came in the file's place")


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Without pooch's advice on unknown checksums, which is for those who write registries."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        yield
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    """In a few words, what went wrong; the libraries' own messages fill a screen."""
    if isinstance(error, DgnamError):
        return str(error)
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code}"
    if isinstance(error, ValueError) and "hash" in str(error):
        return "another file came than was published: its checksum differs"
    name = type(error).__name__
    known = {"ConnectTimeout": "no answer", "ReadTimeout": "the answer stopped", "ConnectionError": "no connection"}
    return known.get(name, f"{name}: {error}")

"""Download published files, verify their checksums, and take them out of archives safely.

Each step writes to a temporary name in the file's own folder and renames it, so that an existing file is whole; a
download that broke off goes on where it ended, at once and at the next try.  Where nobody publishes a checksum, what
came is checked before it gets its name, and its checksum is kept beside the file and compared from then on.  Web pages
and empty answers are refused, and so is plain http where https answers.
"""

from __future__ import annotations

import functools
import itertools
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from ..errors import DgnamError, FormatError, shortened
from ..files.archives import open_member
from ..files.paths import replacing
from .checksums import ChecksumError, check_first, first_checksum, forget, remember, verify
from .partial import NO_SUCH_REST, Partial, partial_of

__all__ = ["ChecksumError", "PublishedFile", "archive_path", "fetch", "remote_size", "unpack_member", "verify"]

TIMEOUT = (5, 30)
"""Seconds to wait for a connection, and for each piece of a file."""

MAX_BYTES = 1 << 30
"""No file taken out of an archive may be larger: the largest published one, of the generator for fc6, is a fifth."""

ATTEMPTS, PAUSE = 8, 1.0
"""How often a broken connection is taken up again, and the seconds before the first time; more before later ones."""

Check = Callable[[Path], object]
"""Raises DgnamError for a file that is not what it should be; the file has a temporary name yet."""


class WrongContentError(DgnamError):
    """What came is not what was asked for."""


_LONGEST_REASON = 300
_CHUNK = 1 << 16
"""Where a connection breaks, less than this is lost."""
_PAGES = ("text/html", "application/json")
_PLAIN, _SECURE = "http://", "https://"


def cache_folder() -> Path:
    """The user's folder for files that can be downloaded again."""
    return Path(_pooch().os_cache("dgnam"))


@dataclass(frozen=True)
class PublishedFile:
    """A file's name, its addresses and its checksum.

    urls: addresses, tried in order; none for a file that is shipped with the package.
    member: the file's path in the zip or tar at the addresses; None if they give the file itself.
    layers: of a state dict that names its layers otherwise, our names by its own; None if it has ours.
    checksum: `algorithm:hexadecimal` of the file as `checksum_source` publishes it; None if nobody does.
    size: about how many bytes it has, of weights by their shapes; None if that is not known.
    """

    file: str
    urls: tuple[str, ...] = ()
    member: str | None = None
    checksum: str | None = None
    checksum_source: str | None = None
    layers: Mapping[str, str] | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        if PurePosixPath(self.file).name != self.file:
            raise DgnamError(f"'{self.file}' must be the plain name of a file, without folders")


def fetch(
    file: PublishedFile, path: Path, archives: Path, *, online: bool = True, check: Check | None = None
) -> list[str]:
    """Download `file` to `path` from the first address that works; returns why the addresses before it failed.

    archives: the folder that archives are kept in, since several files may come from one; an archive that is there
        already, perhaps put by hand, is used.
    online: False to download nothing.
    check: of what came, where no checksum of it is published.
    """
    reasons = []
    needed = None if check is None or file.checksum is not None else _reporting(check, file.file)
    for url in file.urls:
        try:
            if file.member is not None:
                _take_out(url, file.member, path, archives, file.checksum, online, needed)
            elif online:
                _download(url, path, file.checksum, needed)
        except (DgnamError, OSError, ValueError) as error:
            reasons.append(f"{url} ({_reason(error)})")
        if path.is_file():
            break
    return reasons


def _take_out(
    url: str, member: str, path: Path, archives: Path, checksum: str | None, online: bool, check: Check | None
) -> None:
    """Unpack a member of the archive of an address, which is downloaded where it is not there.

    An archive just downloaded that does not give the member is removed, so that it stands in no other address's way;
    one of an earlier download is downloaded again.
    """
    archive = archive_path(url, archives)
    fresh = not archive.is_file()
    if fresh and online:
        _download(url, archive, None)
    if not archive.is_file():
        return
    verify(archive, None)
    try:
        unpack_member(archive, member, path, check=check)
        check_first(path, checksum)
    except (FormatError, ChecksumError, WrongContentError) as error:
        kept = first_checksum(archive)
        if not online or kept is None:  # not ours to remove
            raise
        if not fresh:
            with _put_aside(archive, kept):
                _take_out(url, member, path, archives, checksum, online, check)
            return
        archive.unlink(missing_ok=True)
        forget(archive)
        raise WrongContentError(f"{str(error).removesuffix('; remove it')}; it is not kept") from error


@contextmanager
def _put_aside(archive: Path, checksum: str) -> Iterator[None]:
    """Make room for another download of an archive; it comes back where that brings none, as others may need it.

    checksum: of its first download.
    """
    aside = archive.with_name(f".{archive.name}.aside")
    os.replace(archive, aside)
    forget(archive)
    try:
        yield
    finally:
        if archive.is_file():
            aside.unlink()
        else:
            os.replace(aside, archive)
            remember(archive, checksum)


def _reporting(check: Check, name: str) -> Check:
    """The check with one error that says how much came, and calls the file by its name."""

    def checked(part: Path) -> None:
        try:
            check(part)
        except DgnamError as error:
            reason = str(error).replace(str(part), name)
            came = f"{part.stat().st_size:,} bytes came that are not the file"
            raise WrongContentError(f"{came}: {shortened(reason, _LONGEST_REASON)}") from error

    return checked


def archive_path(url: str, archives: Path) -> Path:
    """The place of the archive of this address."""
    return archives / PurePosixPath(url).name


def unpack_member(archive: Path, member: str, target: Path, limit: int = MAX_BYTES, check: Check | None = None) -> None:
    """Write the single file `member` of a zip or tar to `target`, whole, once it passes the check.

    Nothing else is unpacked.  Links, absent members, paths that climb out and files of more than `limit` bytes are
    errors.
    """
    if PurePosixPath(member).is_absolute() or ".." in PurePosixPath(member).parts:
        raise DgnamError(f"'{member}' is not a path within an archive")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_member(archive, member, limit) as source, replacing(target) as partial:
        with partial.open("wb") as out:
            while piece := source.read(_CHUNK):
                out.write(piece)
        if check is not None:
            check(partial)


def _download(url: str, path: Path, checksum: str | None, check: Check | None = None) -> None:
    """Download a file; plain http only if https does not answer at that address."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if url.startswith(_PLAIN):
        from requests import ConnectionError as Unreachable

        try:
            _retrieve(_SECURE + url.removeprefix(_PLAIN), path, checksum, check)
            return
        except Unreachable:
            pass
    _retrieve(url, path, checksum, check)


def _retrieve(url: str, path: Path, checksum: str | None, check: Check | None) -> None:
    """Download a file, going on with what an earlier try brought; a mixture of two versions is fetched once more."""
    known = checksum if checksum is not None else first_checksum(path)
    for again in (True, False):
        with _quiet_pooch() as pooch, partial_of(path) as partial:
            if path.is_file():  # another process brought it meanwhile
                return
            get = functools.partial(_get, partial, check)
            try:
                pooch.retrieve(url, known, fname=path.name, path=path.parent, downloader=get)
                break
            except (ValueError, WrongContentError):  # of its checksum, or of the check
                if not (partial.resumed and again):
                    raise
    check_first(path, checksum)


def _get(partial: Partial, check: Check | None, url: str, output_file: str, caller: object) -> None:
    """pooch's downloader, which goes on where a connection broke, as long as each try brings something."""
    import requests

    for attempt in itertools.count(1):
        try:
            _get_rest(partial, url, caller)
            partial.check()
            break
        except requests.HTTPError as error:
            if attempt == ATTEMPTS or getattr(error.response, "status_code", None) != NO_SUCH_REST:
                raise
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, DgnamError):
            if attempt == ATTEMPTS or not partial.gained:
                raise
        time.sleep(PAUSE * attempt)
    if check is not None:
        try:
            check(partial.path)
        except DgnamError:
            partial.discard()
            raise
    partial.put(output_file)


def _get_rest(partial: Partial, url: str, caller: object) -> None:
    """Add what the server sends to what is here."""

    def announced(response: Any, *_: object, **__: object) -> None:
        _stay_secure(response)
        if not response.is_redirect and not response.is_permanent_redirect:
            partial.expect(url, response.status_code, response.headers)

    _pooch().HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=_CHUNK,
        timeout=TIMEOUT,
        headers=partial.headers(url),
        hooks={"response": announced},
    )(url, partial.file, caller)


def remote_size(url: str) -> int | None:
    """The size in bytes of the file at an address, as its server says; None where it doesn't answer, or not that."""
    import requests

    for address in dict.fromkeys((url.replace(_PLAIN, _SECURE, 1) if url.startswith(_PLAIN) else url, url)):
        try:
            hooks = {"response": _stay_secure}
            answer = requests.head(
                address, timeout=TIMEOUT, allow_redirects=True, hooks=hooks, headers={"Accept-Encoding": "identity"}
            )
        except (requests.RequestException, DgnamError, ValueError):
            continue
        length = answer.headers.get("Content-Length", "")
        page = answer.headers.get("Content-Type", "").startswith(_PAGES)
        return int(length) if answer.ok and not page and length.isascii() and length.isdigit() else None
    return None


def _stay_secure(response: Any, *_: object, **__: object) -> None:
    """Refuse a redirection from https to plain http."""
    target = response.headers.get("Location", "")
    if response.is_redirect and response.url.startswith(_SECURE) and target.lower().startswith(_PLAIN):
        raise DgnamError("the server redirects https to plain http")


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
    if name == "ConnectionError" and "Read timed out" in str(error):
        return "the answer stopped"
    known = {
        "ConnectTimeout": "no answer",
        "ReadTimeout": "the answer stopped",
        "ConnectionError": "no connection",
        "ChunkedEncodingError": "the connection broke",
    }
    return known.get(name, f"{name}: {error}")

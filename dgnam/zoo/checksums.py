"""Checksums of published files: the published one, or else that of the first good download.

The latter is kept beside the file, as FILE.sha256 in the form of the command sha256sum, and compared from then on.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import DgnamError
from ..files.paths import replacing

_CHUNK = 1 << 20


class ChecksumError(DgnamError):
    """A file is not the one that was published, or not the one that was first downloaded."""


def verify(path: Path, checksum: str | None) -> None:
    """Raise ChecksumError unless the file has `checksum`, as `algorithm:hexadecimal`.

    None takes the checksum of the first download if one is kept beside the file, and otherwise accepts any file.
    """
    known = checksum if checksum is not None else first_checksum(path)
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


def first_checksum(path: Path) -> str | None:
    """The checksum of a file's first download, as `sha256:hexadecimal`; None if none is kept."""
    try:
        words = _kept(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return f"sha256:{words[0]}" if words else None


def keep_checksum(path: Path, checksum: str | None) -> None:
    """Keep the checksum of a file that is here, if none is published or kept yet."""
    if checksum is None and first_checksum(path) is None:
        remember(path, f"sha256:{_digest(path, 'sha256')}")


def check_first(path: Path, checksum: str | None) -> None:
    """Verify a file that was just brought, or keep its checksum; a wrong one is removed."""
    try:
        verify(path, checksum)
    except ChecksumError:
        path.unlink()
        raise
    keep_checksum(path, checksum)


def remember(path: Path, checksum: str) -> None:
    """Keep `checksum`, of sha256, as that of the file's first download."""
    with replacing(_kept(path)) as partial:
        partial.write_text(f"{checksum.removeprefix('sha256:')}  {path.name}\n", encoding="utf-8")


def forget(path: Path) -> None:
    """Forget the checksum of a file's first download."""
    _kept(path).unlink(missing_ok=True)


def _kept(path: Path) -> Path:
    """Where the checksum of a file's first download is kept."""
    return path.with_name(f"{path.name}.sha256")


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()

"""Whether pictures are still what they were, for a run that goes on: checksums of their names and of their contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..errors import DgnamError
from .picture import Picture


def listing_checksum(pictures: Iterable[Picture]) -> str:
    """Of the names and stamps of pictures, in their order and wherever their folder lies, without reading one."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{PurePosixPath(picture.name).name}\n{picture.stamp()}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def contents_checksum(pictures: Iterable[Picture], before: str = "") -> str:
    """Of the stored bytes of pictures, unreadable ones included, after those whose checksum is `before`."""
    return checksum_after(before, contents_digests(pictures))


def checksum_after(before: str, digests: bytes) -> str:
    """`contents_checksum` of the pictures that have these digests."""
    return hashlib.sha256(before.encode() + digests).hexdigest()


def contents_digests(pictures: Iterable[Picture]) -> bytes:
    """The digests of the stored bytes of pictures, one after the other, 32 bytes each."""
    found = []
    for picture in pictures:
        try:
            content = picture.stored()
        except (DgnamError, OSError):
            content = b"unreadable"
        found.append(hashlib.sha256(content).digest())
    return b"".join(found)

"""Bring an image set to small squares, once, so that no training resizes the same pictures in every epoch.

Each picture's center square is resized with Pillow's Lanczos filter; JPEGs of quality 95 and the listings go into one
zip, as `open_dataset` reads it.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import DgnamError
from ..files.paths import StrPath, existing_file, replacing
from .listing import CLASSES, open_listing

QUALITY = 95
SIDES = (1, 4096)
"""The least and the most pixels of a square's side."""


def shrink_set(
    listings: Sequence[StrPath],
    out: StrPath,
    *,
    root: StrPath | None = None,
    side: int = 64,
    classes: StrPath | None = None,
    skip_missing: bool = False,
    each: Callable[[], object] = lambda: None,
) -> dict[str, int]:
    """Write the pictures that Caffe listings name to `out`, a .zip; returns each listing's count of pictures.

    root: put before the paths of the listings; None takes each listing's folder.
    side: of the squares, in pixels.
    classes: a file with a line `id name` for each class, kept as classes.txt.
    skip_missing: leave out the lines whose files are not there; otherwise the first one is an error.
    each: called after each picture, for a progress bar.
    Raises DgnamError for unreadable pictures, for paths that lead out of the folder or to different pictures in two
    listings, and for a listing none of whose pictures is there; `out` is then as it was.
    """
    if not SIDES[0] <= side <= SIDES[1]:
        raise DgnamError(f"side {side}: give {SIDES[0]} to {SIDES[1]} pixels")
    paths = [Path(listing) for listing in listings]
    names = [path.name for path in paths]
    twice = next((name for name in names if names.count(name) > 1 or name == CLASSES), None)
    if twice is not None or not names:
        raise DgnamError("give one or more listings of different names, such as train.txt and val.txt" + _not(twice))
    if Path(out).suffix.lower() != ".zip":
        raise DgnamError(f"{out}: the set is written as a zip; give a name that ends in .zip")
    known = None if classes is None else existing_file(classes).read_bytes()
    with replacing(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        if known is not None:
            archive.writestr(CLASSES, known)
        written: dict[str, str] = {}
        return {path.name: _shrink(path, root, side, skip_missing, archive, written, each) for path in paths}


def _shrink(
    listing: Path,
    root: StrPath | None,
    side: int,
    skip_missing: bool,
    archive: zipfile.ZipFile,
    written: dict[str, str],
    each: Callable[[], object],
) -> int:
    """Add a listing and its pictures to the zip, those that aren't there yet.

    written: of each picture that is there, the file by its path in the zip.
    """
    kept, missing = [], ""
    for line, picture in open_listing(listing, root, within=True).lines():
        if skip_missing and not os.path.exists(picture.name):
            missing = missing or picture.name
            continue
        file = os.path.realpath(picture.name)
        if line.path not in written:
            archive.writestr(line.path, small_square(picture.read(), side))
        if written.setdefault(line.path, file) != file:
            raise DgnamError(
                f"{listing}: '{line.path}' is {file} here and {written[line.path]} in a listing before it, and in the "
                "zip they would be one: write paths from a folder above both, and give that as root"
            )
        kept.append(line.path if line.label is None else f"{line.path} {line.label}")
        each()
    if not kept:
        where = f"none of its pictures is there, as {missing}: give the folder above them as root"
        raise DgnamError(f"{listing}: {where if missing else 'it names no picture'}")
    archive.writestr(listing.name, "".join(f"{line}\n" for line in kept))
    return len(kept)


def small_square(picture: np.ndarray, side: int) -> bytes:
    """The center square of a picture, (H, W, 3) uint8 RGB, resized to `side` x `side`, as a JPEG."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    left, top = (width - edge) // 2, (height - edge) // 2
    box = (left, top, left + edge, top + edge)
    out = io.BytesIO()
    Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS, box=box).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _not(name: str | None) -> str:
    return "" if name is None else f", not {name}"

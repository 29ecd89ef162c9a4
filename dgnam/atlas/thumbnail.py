"""A small picture of a run for the index: its first pictures, or a figure made small."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ..files.images import open_image

SIZE = 160
KINDS = ("PNG", "JPEG", "GIF")


def thumbnail(pictures: Sequence[Path]) -> bytes | None:
    """A JPEG of `SIZE` pixels: four pictures in a square, the only one, or the upper left of a wide figure.

    None where there are none, or none that can be read.
    """
    found = [picture for picture in map(_read, pictures[:4]) if picture is not None]
    if not found:
        return None
    if len(found) < 4:
        return _jpeg(found[0].resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    sheet, half = Image.new("RGB", (SIZE, SIZE)), SIZE // 2
    for place, picture in enumerate(found):
        small = picture.resize((half, half), Image.Resampling.LANCZOS)
        sheet.paste(small, (place % 2 * half, place // 2 * half))
    return _jpeg(sheet)


def _read(path: Path) -> Image.Image | None:
    """A picture's square at the upper left; None where it can't be read."""
    try:
        with open_image(path, KINDS) as image:
            side = min(image.size)
            return image.convert("RGB").crop((0, 0, side, side))
    except Exception:  # what Pillow raises on damaged files is of many kinds
        return None


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()

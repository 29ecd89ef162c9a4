"""Open untrusted image files safely: known kinds only, and no more pixels than memory can hold."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from PIL import Image

from ..errors import FormatError

Source = str | os.PathLike[str] | IO[bytes]

KINDS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "SGI", "SUN", "TGA", "TIFF", "WEBP", "XBM")
"""The kinds that are read at all; some of the others that Pillow knows run other programs."""

MAX_PIXELS = 1 << 26
"""8192 x 8192: some hundred megabytes once decoded, which a file of a few kilobytes can claim."""


@contextmanager
def open_image(source: Source, kinds: Sequence[str] = KINDS) -> Iterator[Image.Image]:
    """The picture, open and not yet decoded.

    Raises Pillow's errors, of many kinds, and FormatError for a picture that is too large; the caller names it.
    """
    with Image.open(source, formats=tuple(kinds)) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise FormatError(f"claims {width}x{height} pixels; at most {MAX_PIXELS} are read")
        yield image

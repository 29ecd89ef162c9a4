"""Opening picture files that nobody vouches for: of known kinds only, and of no more pixels than memory can take."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from PIL import Image

from ..errors import FormatError

Source = str | os.PathLike[str] | IO[bytes]

KINDS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "SGI", "SUN", "TGA", "TIFF", "WEBP", "XBM")
"""What is read at all: of what else Pillow knows, some kinds run other programs."""

MAX_PIXELS = 1 << 26
"""8192 x 8192: some hundred megabytes once decoded, which a file of a few kilobytes can claim."""


@contextmanager
def open_image(source: Source, kinds: Sequence[str] = KINDS) -> Iterator[Image.Image]:
    """The picture, open and not yet decoded.

    Raises what Pillow raises, of many kinds, and FormatError for one too large, which the caller names.
    """
    with Image.open(source, formats=tuple(kinds)) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise FormatError(f"claims {width}x{height} pixels; at most {MAX_PIXELS} are read")
        yield image

"""Picture files as bytes, made in memory: the same for the same pixels."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

JPEG_QUALITY = 75
"""Of the published pictures."""


def png(pixels: np.ndarray, texts: Mapping[str, str] | None = None) -> bytes:
    """A PNG file of a picture (h, w, 3) uint8 RGB, and `texts` in it."""
    info = PngInfo()
    for key, text in ({} if texts is None else texts).items():
        info.add_text(key, text)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def jpeg(pixels: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """A JPEG file of a picture (h, w, 3) uint8 RGB."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()

"""Pictures of many kinds, as pycaffe's and as OpenCV's readers take them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from dgnam.am.starts import read_image as read_start
from dgnam.caffe.images.cv_codec import decode_image, read_image
from dgnam.caffe.io import load_image

FILE = "hostile.jpg"


def seeds() -> list[bytes]:
    draw = np.random.default_rng(0)
    rgb = Image.fromarray(draw.integers(0, 256, (12, 9, 3), np.uint8))
    deep = Image.fromarray(draw.integers(0, 65536, (5, 6), np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        _saved(rgb, "JPEG", exif=exif, quality=80),
        _saved(rgb, "JPEG", progressive=True),
        _saved(rgb.convert("CMYK"), "JPEG"),
        _saved(rgb.convert("L"), "JPEG"),
        _saved(rgb, "PNG"),
        _saved(rgb.convert("P"), "PNG", transparency=3),
        _saved(rgb.convert("RGBA"), "PNG"),
        _saved(deep, "PNG"),
        _saved(rgb.convert("1"), "PNG"),
        _saved(rgb, "BMP"),
        _saved(rgb, "PPM"),
        _saved(rgb, "TIFF", compression="tiff_lzw"),
        _saved(rgb, "WEBP", lossless=True),
        _saved(rgb, "GIF"),
        _saved(rgb, "JPEG2000"),
    ]


def read(path: Path) -> None:
    failure: Exception | None = None
    encoded = path.read_bytes()
    for reader in (
        lambda: load_image(str(path)),
        lambda: load_image(str(path), color=False),
        lambda: read_image(path),
        lambda: read_image(path, gray=True),
        lambda: decode_image(encoded, str(path), "native"),
        lambda: read_start(path, (6, 6), np.zeros(3)),
    ):
        try:
            reader()
        except RuntimeError as error:
            failure = error
    if failure is not None:
        raise failure


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()

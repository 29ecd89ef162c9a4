"""Image files decoded and encoded as by OpenCV in Caffe: (H, W, C) uint8, BGR.

Pillow decodes.  JPEGs equal OpenCV's if both use the same libjpeg; versions of libjpeg may differ by 1 in some pixels,
as may the gray of PNGs with 16 bits per channel.  As in OpenCV since 3.1, a JPEG's EXIF orientation is applied, except
for "native" images; OpenCV 2.4 never applied it.  OpenCV may return part of a truncated file; here it is an error.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...errors import CaffeError, CaffeFormatError, FormatError, closest, shortened
from ...files.images import open_image
from ...files.paths import StrPath, existing_file

Color = Literal["color", "gray", "native"]
"""The channels after decoding: 3, 1, or as many as in the file."""

_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP", "JPEG2000", "SUN")
"""The formats read by OpenCV; Pillow reads more, some by running other programs."""

_TURNED = ("JPEG",)
"""The kinds that OpenCV turns as their EXIF data say."""

_ENCODINGS = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "png": "PNG",
    "bmp": "BMP",
    "ppm": "PPM",
    "pgm": "PPM",
    "tif": "TIFF",
    "tiff": "TIFF",
    "webp": "WEBP",
}
_CHANNELS = {"ppm": 3, "pgm": 1}
_QUALITY = 95
"""OpenCV's default for JPEG."""

_ORIENTATION = 0x0112
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def read_image(path: StrPath, *, gray: bool = False) -> np.ndarray:
    """Read an image file in color or gray; errors name the file."""
    return decode_image(file_bytes(path), str(path), "gray" if gray else "color")


def file_bytes(path: StrPath) -> bytes:
    """Read an image file's bytes; errors name the file."""
    try:
        return existing_file(path).read_bytes()
    except OSError as error:
        raise CaffeError(f"{path}: can't be read ({error.strerror})") from None


def decode_image(
    encoded: bytes,
    what: str,
    color: Color,
    *,
    kinds: Sequence[str] = _FORMATS,
    upright: Sequence[str] = _TURNED,
) -> np.ndarray:
    """The picture in an image file's bytes; `what` names it in errors, which are CaffeFormatErrors.

    kinds: the kinds of files that are read; upright: those whose EXIF orientation is applied.
    """
    try:
        with open_image(io.BytesIO(encoded), kinds) as image:
            if color == "gray" and image.format in ("JPEG", "MPO"):
                image.draft("L", None)
            decoded = _channels(image, encoded, color)
            turn = None if color == "native" else _turn(image, upright)
    except FormatError as error:
        raise CaffeFormatError(f"{what}: {error}") from None
    except UnidentifiedImageError:
        raise CaffeFormatError(f"{what}: not an image of a supported format: {', '.join(kinds)}") from None
    except Exception as error:  # what Pillow raises on damaged files is of many kinds
        raise CaffeFormatError(f"{what}: not a readable image ({shortened(str(error), 300)})") from None
    return np.ascontiguousarray(decoded if turn is None else turn(decoded))


def encode_image(image: np.ndarray, encoding: str) -> bytes:
    """Encode an image as png, jpg or another format, with OpenCV's defaults: JPEG quality 95, lossless WebP.

    image: (H, W, C) uint8 BGR or gray.
    """
    kind = _ENCODINGS.get(encoding.lower())
    if kind is None:
        raise CaffeFormatError(
            f"images can't be encoded as '{encoding}'; known encodings, the closest first: "
            f"{closest(encoding, _ENCODINGS)}"
        )
    if image.shape[2] != _CHANNELS.get(encoding.lower(), image.shape[2]):
        raise CaffeFormatError(f"an image of {image.shape[2]} channels can't be encoded as '{encoding}'")
    out = io.BytesIO()
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else np.ascontiguousarray(image[..., ::-1]))
    picture.save(out, kind, quality=_QUALITY, lossless=True)
    return out.getvalue()


def has_extension(path: StrPath, encoding: str) -> bool:
    """Return whether a file's extension matches this encoding; jpeg matches jpg."""
    name = os.fspath(path)
    suffix = name.rpartition(".")[2].lower()
    return suffix == encoding.lower() or (encoding.lower() == "jpg" and suffix == "jpeg")


def _channels(image: Image.Image, encoded: bytes, color: Color) -> np.ndarray:
    """Return the decoded pixels with the requested channels; alpha is dropped unless native."""
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise CaffeFormatError("pixels of 32 bits are not supported")
    deep = image.mode.startswith("I") or (image.format == "PNG" and encoded[24] > 8)
    if deep and color == "native":
        raise CaffeFormatError("has more than 8 bits per channel; decode it to color or gray")
    if image.mode == "CMYK":
        return _from_cmyk(np.asarray(image), color)
    if image.mode in ("1", "L") or (deep and image.mode.startswith("I")):
        gray = np.asarray(image.convert("L")) if not deep else _top_byte(image)
        return np.repeat(gray[..., None], 3, 2) if color == "color" else gray[..., None]
    alpha = image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info
    if color == "native" and alpha:
        return np.asarray(image.convert("RGBA"))[..., [2, 1, 0, 3]]
    image.info.pop("transparency", None)
    if image.mode not in ("LA", "P", "PA", "RGB", "RGBA", "RGBX", "YCbCr"):
        raise CaffeFormatError(f"pixels of kind {image.mode} are not supported")
    rgb = np.asarray(image.convert("RGB"))
    return rgb[..., ::-1] if color != "gray" else _gray(rgb, image.format)[..., None]


def _top_byte(image: Image.Image) -> np.ndarray:
    return (np.asarray(image).astype(np.int64) >> 8 & 255).astype(np.uint8)


def _gray(rgb: np.ndarray, kind: str | None) -> np.ndarray:
    """Return the luminance by the format's decoder: weights of 15 bits, truncated or rounded, or of 14 bits."""
    red, green, blue = (rgb[..., k].astype(np.int32) for k in range(3))
    if kind == "PNG":
        mixed = 9797 * red + 19234 * green + 3737 * blue >> 15
        return np.where((red == green) & (red == blue), red, mixed).astype(np.uint8)
    if kind in ("WEBP", "JPEG2000"):
        return (9798 * red + 19235 * green + 3735 * blue + (1 << 14) >> 15).astype(np.uint8)
    return (4899 * red + 9617 * green + 1868 * blue + (1 << 13) >> 14).astype(np.uint8)


def _from_cmyk(cmyk: np.ndarray, color: Color) -> np.ndarray:
    """Convert CMYK by OpenCV's approximation, which assumes inverted inks, as stored by Adobe."""
    inks = 255 - cmyk.astype(np.int32)
    black = inks[..., 3:]
    rgb = black - ((255 - inks[..., :3]) * black >> 8)
    if color == "gray":
        return _gray(rgb, None)[..., None]
    return rgb[..., ::-1].astype(np.uint8)


def _turn(image: Image.Image, kinds: Sequence[str]) -> Callable[[np.ndarray], np.ndarray] | None:
    """The turn that the EXIF data of an image of one of these kinds asks for."""
    if image.format not in kinds and not (image.format == "MPO" and "JPEG" in kinds):
        return None
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF does not invalidate the image
        return None

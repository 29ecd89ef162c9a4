"""Image files as Caffe gets them from OpenCV: (H, W, C) uint8, channels in the order blue, green, red.

The decoding is Pillow's.  JPEGs come out as OpenCV's where both are built with the same libjpeg; two versions of it may
differ by 1 here and there, as may the gray of PNGs of 16 bits a channel.  As OpenCV does since 3.1, the orientation
that a JPEG's EXIF states is applied, but not when an image is taken as it is ("native"); OpenCV 2.4 never did.  Where a
file is cut short, OpenCV may give what there is of it, and here it is an error.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...errors import CaffeError, CaffeFormatError, FormatError, closest, shortened
from ...files.images import open_image
from ...files.paths import StrPath, existing_file

Colour = Literal["colour", "gray", "native"]
"""What an image is decoded to: 3 channels, 1 channel, or as many as the file has."""

_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP", "JPEG2000", "SUN")
"""The kinds of files that OpenCV reads; Pillow knows more, some of which run other programs."""

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
"""OpenCV's for JPEG."""

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
    """The picture in a file, in colour or in gray; an error names the file."""
    return decode_image(file_bytes(path), str(path), "gray" if gray else "colour")


def file_bytes(path: StrPath) -> bytes:
    """What is in an image file; an error names it."""
    try:
        return existing_file(path).read_bytes()
    except OSError as error:
        raise CaffeError(f"{path}: can't be read ({error.strerror})") from None


def decode_image(encoded: bytes, what: str, colour: Colour) -> np.ndarray:
    """The picture in an image file's bytes; `what` names it in errors, which are CaffeFormatErrors."""
    try:
        with open_image(io.BytesIO(encoded), _FORMATS) as image:
            if colour == "gray" and image.format in ("JPEG", "MPO"):
                image.draft("L", None)
            decoded = _channels(image, encoded, colour)
            turn = None if colour == "native" else _turn(image)
    except FormatError as error:
        raise CaffeFormatError(f"{what}: {error}") from None
    except UnidentifiedImageError:
        raise CaffeFormatError(f"{what}: not an image of a kind that can be read: {', '.join(_FORMATS)}") from None
    except Exception as error:  # what Pillow raises on damaged files is of many kinds
        raise CaffeFormatError(f"{what}: not a readable image ({shortened(str(error), 300)})") from None
    return np.ascontiguousarray(decoded if turn is None else turn(decoded))


def encode_image(image: np.ndarray, encoding: str) -> bytes:
    """An image file of a kind such as png or jpg, as OpenCV writes it by default: JPEG with quality 95, WebP lossless.

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
    """Whether a file's name says that it is of this encoding; jpeg and jpg are one."""
    name = os.fspath(path)
    suffix = name.rpartition(".")[2].lower()
    return suffix == encoding.lower() or (encoding.lower() == "jpg" and suffix == "jpeg")


def _channels(image: Image.Image, encoded: bytes, colour: Colour) -> np.ndarray:
    """The decoded pixels with the channels that are asked for, alpha dropped unless native."""
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise CaffeFormatError("pixels of 32 bits are not supported")
    deep = image.mode.startswith("I") or (image.format == "PNG" and encoded[24] > 8)
    if deep and colour == "native":
        raise CaffeFormatError("has more than 8 bits a channel, which only decoding to colour or gray brings to 8")
    if image.mode == "CMYK":
        return _from_cmyk(np.asarray(image), colour)
    if image.mode in ("1", "L") or (deep and image.mode.startswith("I")):
        gray = np.asarray(image.convert("L")) if not deep else _top_byte(image)
        return np.repeat(gray[..., None], 3, 2) if colour == "colour" else gray[..., None]
    alpha = image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info
    if colour == "native" and alpha:
        return np.asarray(image.convert("RGBA"))[..., [2, 1, 0, 3]]
    image.info.pop("transparency", None)
    if image.mode not in ("LA", "P", "PA", "RGB", "RGBA", "RGBX", "YCbCr"):
        raise CaffeFormatError(f"pixels of kind {image.mode} are not supported")
    rgb = np.asarray(image.convert("RGB"))
    return rgb[..., ::-1] if colour != "gray" else _gray(rgb, image.format)[..., None]


def _top_byte(image: Image.Image) -> np.ndarray:
    return (np.asarray(image).astype(np.int64) >> 8 & 255).astype(np.uint8)


def _gray(rgb: np.ndarray, kind: str | None) -> np.ndarray:
    """Luminance as the reader of that kind of file has it: weights of 15 bits, cut off or rounded, or of 14 bits."""
    red, green, blue = (rgb[..., k].astype(np.int32) for k in range(3))
    if kind == "PNG":
        mixed = 9797 * red + 19234 * green + 3737 * blue >> 15
        return np.where((red == green) & (red == blue), red, mixed).astype(np.uint8)
    if kind in ("WEBP", "JPEG2000"):
        return (9798 * red + 19235 * green + 3735 * blue + (1 << 14) >> 15).astype(np.uint8)
    return (4899 * red + 9617 * green + 1868 * blue + (1 << 13) >> 14).astype(np.uint8)


def _from_cmyk(cmyk: np.ndarray, colour: Colour) -> np.ndarray:
    """OpenCV's rough way from the four inks, which it takes to be stored inverted, as Adobe stores them."""
    inks = 255 - cmyk.astype(np.int32)
    black = inks[..., 3:]
    rgb = black - ((255 - inks[..., :3]) * black >> 8)
    if colour == "gray":
        return _gray(rgb, None)[..., None]
    return rgb[..., ::-1].astype(np.uint8)


def _turn(image: Image.Image) -> Callable[[np.ndarray], np.ndarray] | None:
    """What the EXIF of a JPEG says must be done to it."""
    if image.format not in ("JPEG", "MPO"):
        return None
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF, which is nothing to refuse an image for
        return None

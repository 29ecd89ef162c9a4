"""`scipy.misc` with its functions for pictures, which SciPy removed in 1.2: pictures are arrays, files are Pillow's.

Pictures are uint8, gray (h, w) or (h, w, channels) with 3 channels RGB or 4 RGBA.  Where an array is made a picture,
its values are stretched: its least becomes 0, its largest 255, unless it is uint8 already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageFilter
from scipy import special

comb, factorial, factorial2, factorialk = special.comb, special.factorial, special.factorial2, special.factorialk
logsumexp = special.logsumexp

_MODES = {3: ("RGB", "YCbCr"), 4: ("RGBA", "CMYK")}
_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "cubic": Image.Resampling.BICUBIC,
}
_FILTERS = ("blur", "contour", "detail", "edge_enhance", "edge_enhance_more", "emboss", "find_edges", "smooth")


def bytescale(data: Any, cmin: Any = None, cmax: Any = None, high: int = 255, low: int = 0) -> np.ndarray:
    """Stretch values from [cmin, cmax], by default their own range, to [low, high] as uint8; uint8 stays as it is."""
    data = np.asarray(data)
    if data.dtype == np.uint8:
        return data
    if not 0 <= low <= high <= 255:
        raise ValueError(f"bytescale: 0 <= low <= high <= 255 has to hold, and low is {low}, high {high}")
    cmin = data.min() if cmin is None else cmin
    cmax = data.max() if cmax is None else cmax
    if float(cmax) < float(cmin):
        raise ValueError(f"bytescale: `cmax` should be larger than `cmin`, and they are {cmax} and {cmin}")
    span = float(cmax) - float(cmin)
    if data.dtype.kind in "iub":
        data = data.astype(np.float64)
    scaled = (data - float(cmin)) * ((high - low) / (span if span else 1.0)) + low
    return (scaled.clip(low, high) + 0.5).astype(np.uint8)


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """Read a picture file; `flatten` makes it gray, float32."""
    with Image.open(name) as image:
        return fromimage(image, flatten=flatten, mode=mode)


def fromimage(im: Image.Image, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The array of a Pillow image."""
    if not isinstance(im, Image.Image):
        raise TypeError("fromimage takes a PIL image")
    if mode is not None:
        im = im.convert(mode) if mode != im.mode else im
    elif im.mode == "P":
        im = im.convert("RGBA" if "transparency" in im.info else "RGB")
    if flatten:
        im = im.convert("F")
    elif im.mode == "1":
        im = im.convert("L")
    return np.array(im)


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Write an array (h, w) or (h, w, 3 or 4) as a picture, stretched."""
    image = toimage(arr, channel_axis=2)
    if format is None:
        image.save(name)
    else:
        image.save(name, format)


def toimage(
    arr: Any,
    high: int = 255,
    low: int = 0,
    cmin: Any = None,
    cmax: Any = None,
    pal: Any = None,
    mode: str | None = None,
    channel_axis: int | None = None,
) -> Image.Image:
    """The Pillow image of an array, stretched; without `channel_axis` the first axis of 3 (or 4) has the channels."""
    data = np.asarray(arr)
    if np.iscomplexobj(data):
        raise ValueError("Cannot convert a complex-valued array.")
    if not (data.ndim == 2 or (data.ndim == 3 and {3, 4} & set(data.shape))):
        raise ValueError("'arr' does not have a suitable array shape for any mode.")
    if data.ndim == 2:
        return _one_channel(data, (high, low, cmin, cmax), pal, mode)
    axis = (data.shape.index(3) if 3 in data.shape else data.shape.index(4)) if channel_axis is None else channel_axis
    channels = data.shape[axis]
    if channels not in _MODES:
        raise ValueError("Channel axis dimension is not valid.")
    mode = _MODES[channels][0] if mode is None else mode
    if mode not in _MODES[channels]:
        raise ValueError("Invalid array shape for mode.")
    pixels = np.moveaxis(bytescale(data, high=high, low=low, cmin=cmin, cmax=cmax), axis, 2)
    return Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels).tobytes())


def _one_channel(data: np.ndarray, scale: tuple[int, int, Any, Any], pal: Any, mode: str | None) -> Image.Image:
    high, low, cmin, cmax = scale
    size = (data.shape[1], data.shape[0])
    if mode == "F":
        return Image.frombytes(mode, size, data.astype(np.float32).tobytes())
    if mode in (None, "L", "P"):
        image = Image.frombytes("L", size, bytescale(data, high=high, low=low, cmin=cmin, cmax=cmax).tobytes())
        if pal is not None:
            image.putpalette(np.asarray(pal, np.uint8).tobytes())
        elif mode == "P":
            image.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
        return image
    if mode == "1":
        return Image.fromarray((data > high).astype(np.uint8) * 255).convert("1", dither=Image.Dither.NONE)
    if mode == "I":
        cmin, cmax = (data.min() if cmin is None else cmin), (data.max() if cmax is None else cmax)
        stretched = (data * 1.0 - float(cmin)) * (high - low) / (float(cmax) - float(cmin)) + low
        return Image.frombytes(mode, size, stretched.astype(np.uint32).tobytes())
    raise ValueError("Invalid array shape for mode.")


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """Resize a picture: an int is a percentage, a float a factor, a tuple (height, width).  Stretched before."""
    image = toimage(arr, mode=mode)
    kind = type(size)
    if issubclass(kind, int | np.signedinteger):
        new = tuple((np.array(image.size) * (size / 100.0)).astype(int).tolist())
    elif issubclass(kind, float | np.floating):
        new = tuple((np.array(image.size) * size).astype(int).tolist())
    else:
        new = (int(size[1]), int(size[0]))
    return fromimage(image.resize((new[0], new[1]), resample=_RESAMPLING[interp]))


def imrotate(arr: Any, angle: float, interp: str = "bilinear") -> np.ndarray:
    """Rotate a picture counter-clockwise about its center by degrees."""
    return fromimage(toimage(arr).rotate(angle, resample=_RESAMPLING[interp]))


def face(gray: bool = False) -> np.ndarray:
    """The picture of a raccoon, by `scipy.datasets`, which downloads it once."""
    return _dataset("face", gray=gray)


def ascent() -> np.ndarray:
    """The picture of stairs, by `scipy.datasets`."""
    return _dataset("ascent")


def lena() -> np.ndarray:
    """The picture that SciPy removed."""
    raise OSError("scipy.misc.lena: SciPy no longer has this picture, for its license; read a file of yours instead")


def _dataset(name: str, **options: Any) -> np.ndarray:
    from scipy import datasets

    try:
        return np.asarray(getattr(datasets, name)(**options))
    except Exception as error:
        raise OSError(
            f"scipy.misc.{name}: SciPy no longer has this picture, and scipy.datasets.{name} can't get it "
            f"(it needs the package pooch and a network): {error}"
        ) from error


def imfilter(arr: Any, ftype: str) -> np.ndarray:
    """Apply one of Pillow's filters by its name: "blur", "sharpen", …"""
    if ftype not in (*_FILTERS, "smooth_more", "sharpen"):
        raise ValueError("Unknown filter type.")
    return fromimage(toimage(arr).filter(getattr(ImageFilter, ftype.upper())))

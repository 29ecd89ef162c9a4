"""Pillow and scikit-image as they were."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .. import files
from ..byte_strings import encoded
from ..items import cut
from .overlay import Made, Overlays

_Names = Callable[[], dict[str, Any]]


def _pil_image() -> dict[str, Any]:
    from PIL import Image

    def frombytes(mode: str, size: tuple[int, int], data: Any, *given: Any, **named: Any) -> Any:
        return Image.frombytes(mode, size, encoded(data), *given, **named)

    def opened(file: Any, *given: Any, **named: Any) -> Any:
        return Image.open(files.binary(file), *given, **named)

    def new(mode: str, size: Any, *given: Any, **named: Any) -> Any:
        return Image.new(mode, tuple(map(cut, size)), *given, **named)

    old = {"open": opened, "ANTIALIAS": Image.Resampling.LANCZOS, "LINEAR": Image.Resampling.BILINEAR, "new": new}
    return {**old, "CUBIC": Image.Resampling.BICUBIC, "frombytes": frombytes, "fromstring": frombytes}


def _skimage() -> dict[str, Any]:
    return {"filter": _skimage_filter()}


def _skimage_filter() -> ModuleType:
    """`skimage.filter`, which is now `skimage.filters`."""
    from . import served

    found = served("skimage.filters")
    assert found is not None
    return found


def _skimage_functions(name: str, **defaults: dict[str, Any]) -> _Names:
    """Functions of scikit-image that take its old options, and have its old defaults.

    A picture of three axes had channels in the last one.
    """

    def made(function: Any, old: dict[str, Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(image: Any, *given: Any, multichannel: Any = None, **named: Any) -> Any:
            named = {_SKIMAGE_OPTIONS.get(option, option): value for option, value in named.items()}
            given_names = list(inspect.signature(function).parameters)[1 : len(given) + 1]
            options = {option: value for option, value in old.items() if option not in given_names} | named
            if multichannel is not None:
                options["channel_axis"] = -1 if multichannel else None
            if np.ndim(image) != 3 and "channel_axis" in options:
                options["channel_axis"] = None
            return function(image, *given, **options)

        return call

    def names() -> dict[str, Any]:
        found = importlib.import_module(name)
        return {one: made(getattr(found, _SKIMAGE_NAMES.get(one, one)), old) for one, old in defaults.items()}

    return names


def _skimage_filters() -> dict[str, Any]:
    from skimage import filters

    def threshold_adaptive(image: Any, block_size: int, *given: Any, **named: Any) -> Any:
        return image > filters.threshold_local(image, block_size, *given, **named)

    old = _skimage_functions("skimage.filters", gaussian={}, gaussian_filter={})()
    return {**old, "threshold_adaptive": threshold_adaptive}


def _skimage_util() -> dict[str, Any]:
    return {"pad": np.pad}


def _skimage_io() -> dict[str, Any]:
    def imsave(name: Any, picture: Any, *given: Any, **named: Any) -> Any:
        from skimage import io, util

        picture = util.img_as_ubyte(picture) if np.asarray(picture).dtype.kind == "f" else picture
        return io.imsave(name, picture, *given, **named)

    return {**_skimage_functions("skimage.io", imread={})(), "imsave": imsave}


def _skimage_color() -> dict[str, Any]:
    from skimage import color

    def rgb2gray(rgb: Any) -> Any:
        """Gray pictures are themselves; transparency has no effect."""
        return np.ascontiguousarray(rgb) if np.ndim(rgb) == 2 else color.rgb2gray(np.asarray(rgb)[..., :3])

    return {"rgb2gray": rgb2gray, "rgb2grey": rgb2gray, "gray2rgb": color.gray2rgb, "grey2rgb": color.gray2rgb}


def _skimage_draw() -> dict[str, Any]:
    from skimage import draw

    return {"circle": lambda r, c, radius, shape=None: draw.disk((r, c), radius, shape=shape)}


def _skimage_measure() -> dict[str, Any]:
    """Measures of likeness, which are now in `skimage.metrics`."""
    from skimage import measure, metrics

    def similarity(
        x: Any, y: Any, *given: Any, dynamic_range: Any = None, multichannel: bool = False, **named: Any
    ) -> Any:
        names = ("win_size", "gradient", "data_range")
        named = {**dict(zip(names, given, strict=False)), **named}
        if named.get("data_range") is None:
            floats = np.asarray(x).dtype.kind == "f"
            named["data_range"] = 2.0 if floats and dynamic_range is None else dynamic_range
        return metrics.structural_similarity(x, y, channel_axis=-1 if multichannel else None, **named)

    def label(image: Any, neighbors: Any = None, *given: Any, **named: Any) -> Any:
        if neighbors is not None:
            named["connectivity"] = {4: 1, 8: np.ndim(image)}[neighbors]
        return measure.label(image, *given, **named)

    return {
        "compare_mse": metrics.mean_squared_error,
        "compare_nrmse": metrics.normalized_root_mse,
        "compare_psnr": metrics.peak_signal_noise_ratio,
        "compare_ssim": similarity,
        "label": label,
        "structural_similarity": similarity,
    }


_SKIMAGE_OPTIONS = {
    "as_grey": "as_gray",
    "max_iter": "max_num_iter",
    "n_iter_max": "max_num_iter",
    "sigma_range": "sigma_color",
    "visualise": "visualize",
}
_SKIMAGE_NAMES = {"gaussian_filter": "gaussian"}
_CHANNELS = {"channel_axis": -1}
_RESIZED = {"order": 1, "mode": "constant", "anti_aliasing": False}

OVERLAYS: Overlays = {
    "PIL.Image": _pil_image,
    "skimage": _skimage,
    "skimage.color": _skimage_color,
    "skimage.draw": _skimage_draw,
    "skimage.feature": _skimage_functions("skimage.feature", hog={}),
    "skimage.filters": _skimage_filters,
    "skimage.io": _skimage_io,
    "skimage.measure": _skimage_measure,
    "skimage.restoration": _skimage_functions(
        "skimage.restoration",
        denoise_bilateral=_CHANNELS,
        denoise_nl_means=_CHANNELS,
        denoise_tv_bregman=_CHANNELS,
        denoise_tv_chambolle={},
    ),
    "skimage.transform": _skimage_functions(
        "skimage.transform",
        rescale={**_RESIZED, **_CHANNELS},
        resize=_RESIZED,
        pyramid_expand=_CHANNELS,
        pyramid_gaussian=_CHANNELS,
        pyramid_laplacian=_CHANNELS,
        pyramid_reduce=_CHANNELS,
    ),
    "skimage.util": _skimage_util,
}

MADE: Made = {"skimage.filter": _skimage_filter}

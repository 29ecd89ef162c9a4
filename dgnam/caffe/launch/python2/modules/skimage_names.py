"""scikit-image as it was."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .overlay import Made, Overlays

_Names = Callable[[], dict[str, Any]]


def _skimage() -> dict[str, Any]:
    return {"filter": _skimage_filter()}


def _skimage_filter() -> ModuleType:
    """`skimage.filter`, which is now `skimage.filters`."""
    from . import served

    found = served("skimage.filters")
    assert found is not None
    return found


def _skimage_functions(name: str, doubles: bool = False, **defaults: dict[str, Any]) -> _Names:
    """Functions of scikit-image that take its old options, and have its old defaults.

    A picture of three axes had channels in the last one.

    doubles: their results were in double precision, from 0 to 1 or, with `preserve_range`, of the same values.
    """

    def made(function: Any, old: dict[str, Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(image: Any, *given: Any, multichannel: Any = None, **named: Any) -> Any:
            if doubles:
                image = np.asarray(image, float) if named.get("preserve_range") else _as_doubles(image)
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


def _skimage_transform() -> dict[str, Any]:
    """`resize` and `rescale` look up each pixel's place in the picture, without smoothing."""
    from skimage import transform

    functions = _skimage_functions(
        "skimage.transform",
        doubles=True,
        iradon={"circle": False},
        radon={"circle": False},
        resize={"order": 1, "mode": "constant", "anti_aliasing": False},
        rotate={},
        swirl={"mode": "constant"},
        warp={},
        **dict.fromkeys(("pyramid_expand", "pyramid_gaussian", "pyramid_laplacian", "pyramid_reduce"), _CHANNELS),
    )()

    def resize(
        image: Any,
        output_shape: Any,
        order: int = 1,
        mode: str = "constant",
        cval: float = 0,
        clip: bool = True,
        preserve_range: bool = False,
        anti_aliasing: Any = None,
        anti_aliasing_sigma: Any = None,
    ) -> Any:
        sides, new = np.shape(image), tuple(map(int, output_shape))
        options = {"order": order, "mode": mode, "cval": cval, "clip": clip, "preserve_range": preserve_range}
        if anti_aliasing or len(sides) not in (2, 3) or sides[2:] != (new + sides[2:])[2:3]:
            smoothed = {"anti_aliasing": bool(anti_aliasing), "anti_aliasing_sigma": anti_aliasing_sigma}
            return functions["resize"](image, new, **options, **smoothed)
        rows, columns = sides[0] / new[0], sides[1] / new[1]
        places = transform.AffineTransform(scale=(columns, rows), translation=(columns / 2 - 0.5, rows / 2 - 0.5))
        return functions["warp"](image, places, output_shape=new[:2], **options)

    def rescale(image: Any, scale: Any, *given: Any, multichannel: Any = None, **named: Any) -> Any:
        sides = np.array(np.shape(image))
        spatial = len(sides) - (len(sides) == 3 if multichannel is None else multichannel)
        new = [*np.round(np.broadcast_to(scale, spatial) * sides[:spatial]), *sides[spatial:]]
        return resize(image, new, *given, **named)

    return {**functions, "rescale": rescale, "resize": resize}


def _as_doubles(image: Any) -> np.ndarray:
    from skimage import util

    return np.asarray(util.img_as_float64(image))


def _skimage_filters() -> dict[str, Any]:
    """Edges are 0 at the border; a picture of three colors is blurred channel by channel."""
    from skimage import filters

    def edged(function: Any) -> Callable[..., Any]:
        def call(image: Any, mask: Any = None, **named: Any) -> Any:
            named = named if mask is None else {**named, "mask": mask}
            found = function(image, **named)
            found[[0, -1]] = 0
            found[:, [0, -1]] = 0
            return found

        return call

    def laplace(image: Any, ksize: int = 3, mask: Any = None) -> Any:
        return edged(functools.partial(filters.laplace, ksize=ksize))(image, mask)

    def gaussian(image: Any, *given: Any, multichannel: Any = None, **named: Any) -> Any:
        colored = np.shape(image)[2:] == (3,) if multichannel is None else multichannel
        return filters.gaussian(image, *given, channel_axis=-1 if colored else None, **named)

    def median(image: Any, selem: Any = None, *given: Any, **named: Any) -> Any:
        return filters.rank.median(image, selem, *given, **named)

    def threshold_adaptive(image: Any, block_size: int, *given: Any, **named: Any) -> Any:
        return image > filters.threshold_local(image, block_size, *given, **named)

    return {
        **{name: edged(getattr(filters, name)) for name in _EDGES},
        "gaussian": gaussian,
        "gaussian_filter": gaussian,
        "laplace": laplace,
        "median": median,
        "threshold_adaptive": threshold_adaptive,
    }


def _skimage_morphology() -> dict[str, Any]:
    """A footprint was a `selem`; what is smaller than a size was removed, not what has it too."""
    from skimage import morphology, segmentation

    def removing(function: Any, name: str, least: int) -> Callable[..., Any]:
        def call(ar: Any, *given: Any, **named: Any) -> Any:
            size, *given = given or [named.pop(name, least)]  # type: ignore[assignment]
            most = {"max_size": size - 1} if "max_size" in inspect.signature(function).parameters else {name: size}
            return function(ar, *given, **most, **named)

        return call

    options: dict[str, Any] = {name: {} for name in _MORPHOLOGY if hasattr(morphology, name)}
    return {
        **_skimage_functions("skimage.morphology", **options)(),
        "remove_small_holes": removing(morphology.remove_small_holes, "area_threshold", 64),
        "remove_small_objects": removing(morphology.remove_small_objects, "min_size", 64),
        "watershed": lambda *given, **named: segmentation.watershed(*given, **named).astype(np.int32),
    }


def _skimage_exposure() -> dict[str, Any]:
    from skimage import exposure

    def rescale_intensity(image: Any, *given: Any, **named: Any) -> Any:
        """Of the picture's type."""
        return exposure.rescale_intensity(image, *given, **named).astype(np.asarray(image).dtype)

    return {"rescale_intensity": rescale_intensity}


def _skimage_feature() -> dict[str, Any]:
    from skimage import feature

    def peak_local_max(image: Any, *given: Any, indices: bool = True, **named: Any) -> Any:
        found = feature.peak_local_max(image, *given, **named)
        if indices:
            return found
        mask = np.zeros(np.shape(image), bool)
        mask[tuple(found.T)] = True
        return mask

    return {
        **_skimage_functions("skimage.feature", hog={"block_norm": "L1"})(),
        "greycomatrix": feature.graycomatrix,
        "greycoprops": feature.graycoprops,
        "peak_local_max": peak_local_max,
    }


def _skimage_util() -> dict[str, Any]:
    from skimage import util

    return {"montage2d": util.montage, "pad": np.pad}


def _skimage_io() -> dict[str, Any]:
    from skimage import io, util

    def imread(name: Any, as_gray: bool = False, *given: Any, as_grey: bool = False, **named: Any) -> Any:
        picture = io.imread(name, False, *given, **named)
        return _skimage_color()["rgb2gray"](picture) if as_gray or as_grey else picture

    def imsave(name: Any, picture: Any, *given: Any, **named: Any) -> Any:
        picture = np.asarray(picture)
        if picture.dtype.kind == "f":
            picture = util.img_as_ubyte(picture)
        elif picture.dtype.itemsize > 2 or picture.dtype.kind == "b":
            picture = picture.astype(np.uint8)
        return io.imsave(name, picture, *given, **named)

    return {"imread": imread, "imsave": imsave}


def _skimage_color() -> dict[str, Any]:
    from skimage import color

    def rgb2gray(rgb: Any) -> Any:
        """Gray pictures are themselves; transparency has no effect."""
        return np.ascontiguousarray(rgb) if np.ndim(rgb) == 2 else color.rgb2gray(np.asarray(rgb)[..., :3])

    def gray2rgb(image: Any, alpha: Any = None) -> Any:
        """Colors are themselves."""
        if np.ndim(image) == 3 and np.shape(image)[2] in (3, 4):
            return np.asarray(image) if alpha else np.asarray(image)[..., :3]
        return color.gray2rgba(image) if alpha else color.gray2rgb(image)

    overlaid = _skimage_functions("skimage.color", label2rgb={"bg_label": -1})()["label2rgb"]

    def label2rgb(label: Any, image: Any = None, *given: Any, **named: Any) -> Any:
        """Label 0 has a color too; the picture below is gray."""
        if image is not None and named.get("kind", "overlay") == "overlay":
            image = gray2rgb(rgb2gray(image))
        return overlaid(np.asarray(label, int), image, *given, **named)

    return {
        "label2rgb": label2rgb,
        "rgb2gray": rgb2gray,
        "rgb2grey": rgb2gray,
        "gray2rgb": gray2rgb,
        "grey2rgb": gray2rgb,
    }


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
        image = image.astype(int) if np.asarray(image).dtype.kind == "b" else image
        if neighbors is not None:
            named["connectivity"] = {4: 1, 8: np.ndim(image)}[neighbors]
        return measure.label(image, *given, **named)

    return {
        "compare_mse": metrics.mean_squared_error,
        "compare_nrmse": _skimage_functions("skimage.metrics", normalized_root_mse={})()["normalized_root_mse"],
        "compare_psnr": metrics.peak_signal_noise_ratio,
        "compare_ssim": similarity,
        "label": label,
        "structural_similarity": similarity,
    }


_SKIMAGE_OPTIONS = {
    "as_grey": "as_gray",
    "max_iter": "max_num_iter",
    "n_iter_max": "max_num_iter",
    "norm_type": "normalization",
    "random_seed": "rng",
    "seed": "rng",
    "selem": "footprint",
    "sigma_range": "sigma_color",
    "visualise": "visualize",
}
_SKIMAGE_NAMES = {"gaussian_filter": "gaussian"}
_CHANNELS = {"channel_axis": -1}
_EDGES = [f"{name}{way}" for name in ("prewitt", "scharr", "sobel") for way in ("", "_h", "_v")]
_EDGES += ["roberts", "roberts_neg_diag", "roberts_pos_diag"]
_MORPHOLOGY = [f"{kind}{name}" for kind in ("", "binary_") for name in ("closing", "dilation", "erosion", "opening")]
_MORPHOLOGY += ["black_tophat", "white_tophat", "reconstruction"]

OVERLAYS: Overlays = {
    "skimage": _skimage,
    "skimage.color": _skimage_color,
    "skimage.draw": _skimage_draw,
    "skimage.exposure": _skimage_exposure,
    "skimage.feature": _skimage_feature,
    "skimage.filters": _skimage_filters,
    "skimage.io": _skimage_io,
    "skimage.measure": _skimage_measure,
    "skimage.morphology": _skimage_morphology,
    "skimage.restoration": _skimage_functions(
        "skimage.restoration",
        denoise_bilateral=_CHANNELS,
        denoise_nl_means=_CHANNELS,
        denoise_tv_bregman={},
        denoise_tv_chambolle={},
    ),
    "skimage.segmentation": _skimage_functions(
        "skimage.segmentation",
        felzenszwalb=_CHANNELS,
        quickshift=_CHANNELS,
        random_walker={},
        slic={"start_label": 0, **_CHANNELS},
    ),
    "skimage.transform": _skimage_transform,
    "skimage.util": lambda: {**_skimage_functions("skimage.util", random_noise={})(), **_skimage_util()},
}

MADE: Made = {"skimage.filter": _skimage_filter}

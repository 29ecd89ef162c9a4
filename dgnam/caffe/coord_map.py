"""pycaffe's `coord_map`: maps between the spatial coordinates of two tops of a net specification.

A map is (axis, scale, shift): index i of one top is index scale * i + shift of the other, in the axes after the channel
axis `axis` (None for any).  Scale and shift are a number, or an array with one entry for all spatial axes or one for
each.  FCN [1] uses it to crop an upsampled score map to the input image.

[1] Long, Shelhamer, Darrell: Fully Convolutional Networks for Semantic Segmentation, CVPR 2015.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import CaffeError
from .net_spec import Function, Top, layers

CoordMap = tuple[int | None, Any, Any]

IDENTITY: CoordMap = (None, 1, 0)

PASS_THROUGH_LAYERS = [
    *("AbsVal", "BatchNorm", "Bias", "BNLL", "Dropout", "Eltwise", "ELU", "Log", "LRN", "Exp", "MVN", "Power"),
    *("ReLU", "PReLU", "Scale", "Sigmoid", "Split", "TanH", "Threshold"),
]
"""Layers that preserve coordinates."""


class UndefinedMapException(CaffeError):  # noqa: N818 (pycaffe's name)
    """A layer defines no map between its bottoms' and tops' coordinates."""


class AxisMismatchException(CaffeError):  # noqa: N818 (pycaffe's name)
    """Two maps of different axes can't be composed."""


class CropError(CaffeError, AssertionError):
    """One top can't be cropped to the other; also an AssertionError, as in pycaffe."""


def coord_map(fn: Function) -> CoordMap:
    """Return the map from a layer's bottom to its top; raises UndefinedMapException if undefined."""
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, kernel, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (kernel - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, kernel, pad = conv_params(fn)
        return axis, stride, (kernel - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return IDENTITY
    if fn.type_name == "Crop":
        first, offset = crop_params(fn)
        return first - 1, 1, -offset
    raise UndefinedMapException(f"a {fn.type_name} layer defines no map between its bottoms' and tops' coordinates")


def conv_params(fn: Function) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Return the channel axis, and stride, dilated kernel extent and padding, each of shape (1,) or one per axis."""
    params = _params(fn, "pooling_param" if fn.type_name == "Pooling" else "convolution_param")
    apart = sorted({f"{what}_{axis}" for what in ("kernel", "stride", "pad") for axis in "hw"} & set(params))
    if apart or "kernel_size" not in params:
        given = f"this one has {', '.join(apart)}" if apart else "this one has no kernel_size"
        raise CropError(f"coordinates of a {fn.type_name} layer need kernel_size, stride and pad; {given}")
    extent = (_array(params["kernel_size"]) - 1) * _array(params.get("dilation", 1)) + 1
    return params.get("axis", 1), _array(params.get("stride", 1)), extent, _array(params.get("pad", 0))


def crop_params(fn: Function) -> tuple[int, np.ndarray]:
    """Return the first axis cropped by a Crop layer, and its offsets, (1,) or one per axis."""
    params = _params(fn, "crop_param")
    return params.get("axis", 2), _array(params.get("offset", 0))


def compose(base_map: CoordMap, next_map: CoordMap) -> CoordMap:
    """Return the composition: `next_map`, then `base_map`."""
    (axis, scale, shift), (next_axis, next_scale, next_shift) = base_map, next_map
    if axis is None:
        axis = next_axis
    elif next_axis is not None and next_axis != axis:
        raise AxisMismatchException(f"can't compose maps of the axes after {next_axis} and after {axis}")
    return axis, scale * next_scale, scale * next_shift + shift


def inverse(coord_map: CoordMap) -> CoordMap:
    """Return the inverse map."""
    axis, scale, shift = coord_map
    return axis, 1 / scale, -shift / scale


def coord_map_from_to(top_from: Top, top_to: Top) -> CoordMap:
    """Return the map between two tops through a common ancestor: i in `top_from` is scale * i + shift in `top_to`.

    Raises CaffeError, a RuntimeError, if layers with coordinate maps connect no blob to both.
    """
    from_maps = dict(_traced(top_from))
    for top, to_map in _traced(top_to):
        if top in from_maps:
            return compose(to_map, inverse(from_maps[top]))
    raise CaffeError(
        f"no map between the tops of a {top_from.fn.type_name} and a {top_to.fn.type_name} layer: "
        "layers with coordinate maps connect no blob to both"
    )


def crop(top_from: Top, top_to: Top) -> Top:
    """Return a Crop layer that crops `top_from` to the coordinates of `top_to`.

    Raises CropError, an AssertionError, if the two differ in scale or by a fraction of a pixel, or if `top_from` starts
    inside `top_to`.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    if not np.all(scale == 1):
        raise CropError(f"a top can't be cropped to one of another scale: a pixel is {scale} pixels there")
    if not np.all(shift <= 0):
        raise CropError(f"a top that starts {shift} pixels inside another can't be cropped to it")
    if not np.all(np.round(shift) == shift):
        raise CropError(f"a top can be cropped by whole pixels only, not by {-shift}")
    offset = [-int(n) for n in np.round(np.atleast_1d(shift))]
    first = 2 if axis is None else axis + 1  # without an axis the coordinates are the same, whichever is cropped
    return layers.Crop(top_from, top_to, crop_param={"axis": first, "offset": offset})


def _traced(top: Top) -> Iterator[tuple[Top, CoordMap]]:
    """Yield `top` and its ancestors, nearest first, each with its map into `top`.

    All paths to a blob count as equal, except that a path that determines the axis replaces one that does not: the blob
    and its ancestors are then yielded again.
    """
    maps, frontier = {top: IDENTITY}, deque([top])
    while frontier:
        found = frontier.popleft()
        yield found, maps[found]
        fn = found.fn
        for bottom in fn.inputs[:1] if fn.type_name == "Crop" else fn.inputs:  # Crop's second bottom only gives a size
            try:
                new = compose(maps[found], coord_map(fn))
            except UndefinedMapException:
                break
            if bottom not in maps or (maps[bottom][0] is None and new[0] is not None):
                maps[bottom] = new
                frontier.append(bottom)


def _params(fn: Function, message: str) -> Mapping[str, Any]:
    """Return a layer's parameters, given as a message or one by one."""
    return fn.params.get(message, fn.params)


def _array(numbers: Any) -> np.ndarray:
    return np.array(numbers, ndmin=1)

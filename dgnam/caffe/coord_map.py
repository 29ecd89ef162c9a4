"""pycaffe's `coord_map`: where the coordinates of one top of a net specification lie in another's.

A map is (axis, scale, shift): index i of one top is index scale * i + shift of the other, in the axes after the
channels'; `axis` is the channels' axis, None where any will do.  Scale and shift are a number for all these axes, or an
array with one for all or for each.  FCN [1] crops with it: an upsampled score map to the picture that it belongs to.

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
"""The layers whose tops have the coordinates of their bottoms."""


class UndefinedMapException(CaffeError):  # noqa: N818 (pycaffe's name)
    """A layer's tops have no coordinates that could be traced to its bottoms."""


class AxisMismatchException(CaffeError):  # noqa: N818 (pycaffe's name)
    """Two maps are of different axes, and can't follow one another."""


class CropError(CaffeError, AssertionError):
    """Two tops don't lie so that one can be cropped to the other; an AssertionError too, since pycaffe raised that."""


def coord_map(fn: Function) -> CoordMap:
    """The map of a layer's bottom into its top; raises UndefinedMapException where there is none."""
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
    raise UndefinedMapException(f"no coordinates of a {fn.type_name} layer's tops can be traced to its bottoms")


def conv_params(fn: Function) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """The channels' axis, and stride, extent of the kernel (dilated) and padding, each (1,) or one for each axis."""
    params = _params(fn, "pooling_param" if fn.type_name == "Pooling" else "convolution_param")
    apart = sorted({f"{what}_{axis}" for what in ("kernel", "stride", "pad") for axis in "hw"} & set(params))
    if apart or "kernel_size" not in params:
        given = f"this one has {', '.join(apart)}" if apart else "this one has no kernel_size"
        raise CropError(f"coordinates of a {fn.type_name} layer follow from kernel_size, stride and pad, and {given}")
    extent = (_array(params["kernel_size"]) - 1) * _array(params.get("dilation", 1)) + 1
    return params.get("axis", 1), _array(params.get("stride", 1)), extent, _array(params.get("pad", 0))


def crop_params(fn: Function) -> tuple[int, np.ndarray]:
    """The first axis that a Crop layer crops, and its offsets, (1,) or one for each axis."""
    params = _params(fn, "crop_param")
    return params.get("axis", 2), _array(params.get("offset", 0))


def compose(base_map: CoordMap, next_map: CoordMap) -> CoordMap:
    """`next_map`, and then `base_map`."""
    (axis, scale, shift), (next_axis, next_scale, next_shift) = base_map, next_map
    if axis is None:
        axis = next_axis
    elif next_axis is not None and next_axis != axis:
        raise AxisMismatchException(f"a map of the axes after {next_axis} can't follow one of those after {axis}")
    return axis, scale * next_scale, scale * next_shift + shift


def inverse(coord_map: CoordMap) -> CoordMap:
    """The map the other way round."""
    axis, scale, shift = coord_map
    return axis, 1 / scale, -shift / scale


def coord_map_from_to(top_from: Top, top_to: Top) -> CoordMap:
    """The map between two tops by way of a blob that both come from: i in `top_from` is scale * i + shift in `top_to`.

    Raises CaffeError, a RuntimeError, where layers with coordinates lead from no blob to both.
    """
    from_maps = dict(_traced(top_from))
    for top, to_map in _traced(top_to):
        if top in from_maps:
            return compose(to_map, inverse(from_maps[top]))
    raise CaffeError(
        f"no map between the tops of a {top_from.fn.type_name} and a {top_to.fn.type_name} layer: "
        "there is no blob from which layers with coordinates lead to both"
    )


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop layer that cuts out of `top_from` what lies at the coordinates of `top_to`.

    Raises CropError, an AssertionError, where the two differ in scale or by a part of a pixel, or where `top_from`
    begins within `top_to`.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    if not np.all(scale == 1):
        raise CropError(f"a top can't be cropped to one of another scale: a pixel of it is {scale} pixels there")
    if not np.all(shift <= 0):
        raise CropError(f"a top that begins {shift} pixels within another can't be cropped to that")
    if not np.all(np.round(shift) == shift):
        raise CropError(f"a top can be cropped by whole pixels alone, and not by {-shift}")
    offset = [-int(n) for n in np.round(np.atleast_1d(shift))]
    first = 2 if axis is None else axis + 1  # without an axis the coordinates are the same, whichever is cropped
    return layers.Crop(top_from, top_to, crop_param={"axis": first, "offset": offset})


def _traced(top: Top) -> Iterator[tuple[Top, CoordMap]]:
    """`top` and the blobs that it can be traced to, nearest first, each with the map of it into `top`.

    All ways to a blob are held for equal, but that one which tells the axis counts more than one which does not: then
    the blob, and what lies behind it, comes a second time.
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
    """A layer's parameters, given in a message of their own or, as mostly, one by one."""
    return fn.params.get(message, fn.params)


def _array(numbers: Any) -> np.ndarray:
    return np.array(numbers, ndmin=1)

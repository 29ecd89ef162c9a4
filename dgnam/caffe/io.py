"""pycaffe's `io`: conversion of arrays to and from Caffe's messages, and of pictures to and from a net's input.

A picture is (H, W, K) float32 in [0, 1], RGB if in color.  A net's input is (K, H, W), usually BGR in [0, 255] minus a
mean; `Transformer` converts between the two.

`images/load.py` reads picture files, `images/resize.py` resizes pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from ..errors import ArrayError, CaffeError, CaffeFormatError, closest, optional_module
from .images.load import load_image
from .images.resize import Size, resize, resize_image
from .proto import caffe_pb2

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "caffe_pb2",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize",
    "resize_image",
]


def __getattr__(name: str) -> Any:
    """Modules imported by pycaffe's io, which scripts use through it: caffe.io.skimage.io.imsave."""
    if name == "skimage":
        optional_module("skimage.io", "caffe.io.skimage", "scikit-image")
        return optional_module("skimage", "caffe.io.skimage", "scikit-image")
    if name == "zoom":
        return optional_module("scipy.ndimage", "caffe.io.zoom", "scipy").zoom
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'", name=name)


# Messages.


def blobproto_to_array(blob: caffe_pb2.BlobProto, return_diff: bool = False) -> np.ndarray:
    """Return a BlobProto's data, or its diff if `return_diff`, as float64 in its shape.

    The shape is `shape`, or the legacy `num, channels, height, width` if one of them is set.  Numbers stored as doubles
    are read too.  Raises ArrayError if the shape and the number of values differ.
    """
    single, double = (blob.diff, blob.double_diff) if return_diff else (blob.data, blob.double_data)
    legacy = ("num", "channels", "height", "width")
    if any(blob.HasField(axis) for axis in legacy):
        shape = [getattr(blob, axis) for axis in legacy]
    else:
        shape = list(blob.shape.dim)
    return _shaped(np.array(double if len(double) else single, dtype=np.float64), shape, "BlobProto")


def array_to_blobproto(arr: np.ndarray, diff: np.ndarray | None = None) -> caffe_pb2.BlobProto:
    """Convert an array of any shape to a BlobProto; `diff`, of the same shape, becomes its diff."""
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(arr.shape)
    blob.data.extend(_numbers(arr))
    if diff is not None:
        blob.diff.extend(_numbers(diff))
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[np.ndarray]) -> bytes:
    """Serialize arrays as a BlobProtoVector."""
    return caffe_pb2.BlobProtoVector(blobs=[array_to_blobproto(arr) for arr in arraylist]).SerializeToString()


def blobprotovector_str_to_arraylist(str: bytes) -> list[np.ndarray]:
    """Return the arrays of a serialized BlobProtoVector."""
    vector = caffe_pb2.BlobProtoVector()
    try:
        vector.ParseFromString(str)
    except DecodeError as error:
        raise CaffeFormatError(f"these {len(str)} bytes are not a BlobProtoVector ({error})") from None
    return [blobproto_to_array(blob) for blob in vector.blobs]


def array_to_datum(arr: np.ndarray, label: int | None = None) -> caffe_pb2.Datum:
    """Convert a (K, H, W) array to a Datum: uint8 as bytes, other types as floats."""
    if arr.ndim != 3:
        raise ArrayError(f"a Datum holds an array of 3 axes (channels, height, width); got shape {arr.shape}")
    datum = caffe_pb2.Datum()
    datum.channels, datum.height, datum.width = arr.shape
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(_numbers(arr))
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: caffe_pb2.Datum) -> np.ndarray:
    """Return a Datum's array (K, H, W), uint8 if stored as bytes, else float64; its label is `datum.label`."""
    if datum.encoded:
        raise ArrayError("the Datum holds an encoded image: decode its data with load_image(io.BytesIO(datum.data))")
    if len(datum.data):
        values = np.frombuffer(datum.data, dtype=np.uint8).copy()  # a copy, since bytes can't be written to
    else:
        values = np.array(datum.float_data, dtype=np.float64)
    return _shaped(values, [datum.channels, datum.height, datum.width], "Datum")


def _numbers(arr: np.ndarray) -> list[float]:
    return arr.astype(np.float64).ravel().tolist()


def _shaped(values: np.ndarray, shape: Sequence[int], what: str) -> np.ndarray:
    if any(n < 0 for n in shape):
        raise ArrayError(f"the {what} claims shape {tuple(shape)}: an axis can't be negative")
    try:
        return values.reshape(shape)
    except ValueError:
        raise ArrayError(f"the {what} claims shape {tuple(shape)} and holds {values.size} numbers") from None


# Preprocessing.


class _Steps(NamedTuple):
    """A Transformer's steps for one input; None for omitted ones."""

    transpose: Sequence[int] | None
    channel_swap: Sequence[int] | None
    raw_scale: Any
    mean: np.ndarray | None
    input_scale: Any


class Transformer:
    """Converts pictures to a net's inputs and back.

    inputs: the shape of each input, (N, K, H, W), by name.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]):
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, Any] = {}
        self.mean: dict[str, np.ndarray] = {}
        self.input_scale: dict[str, Any] = {}

    def preprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """Convert a picture (H', W', K) to the input `in_`: (K, H, W) float32, a copy.

        Steps: resize to the input's (H, W), transpose, swap channels, multiply by raw_scale, subtract the mean and
        multiply by input_scale; steps not set are omitted.  Raises ArrayError if the picture's axes or channels don't
        fit them.
        """
        shape, steps = self._shape(in_), self._steps(in_)
        out = np.array(data, dtype=np.float32)
        if out.shape[:2] != shape[2:]:
            out = resize_image(out, shape[2:])
        try:
            return _preprocessed(out, steps)
        except (ValueError, IndexError) as error:
            raise ArrayError(
                f"input '{in_}' of shape {shape} can't be made of a picture of shape {np.shape(data)}: {error}"
            ) from None

    def deprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """Invert `preprocess` except the resizing: (K, H, W) or (1, K, H, W) floats → a picture (H, W, K), a copy.

        Axes of length 1 are removed first, as in pycaffe, except those needed by the transposition.
        """
        self.__check_input(in_)
        steps = self._steps(in_)
        axes = 0 if steps.transpose is None else len(steps.transpose)
        out = data.copy().squeeze()
        if out.ndim < axes <= data.ndim:
            out = out.reshape(data.shape[data.ndim - axes :])
        if steps.input_scale is not None:
            out /= steps.input_scale
        if steps.mean is not None:
            out += steps.mean
        if steps.raw_scale is not None:
            out /= steps.raw_scale
        if steps.channel_swap is not None:
            out = out[np.argsort(steps.channel_swap), :, :]
        if steps.transpose is not None:
            out = out.transpose(np.argsort(steps.transpose))
        return out

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of the axes: (2, 0, 1) converts (H, W, K) to (K, H, W)."""
        axes = len(self._shape(in_)) - 1
        if len(order) != axes or sorted(axis % axes for axis in order) != list(range(axes)):
            raise CaffeError(f"input '{in_}' needs an order of all {axes} axes, as (2, 0, 1); got {tuple(order)}")
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of the channels after the transposition: (2, 1, 0) converts RGB to BGR."""
        channels = self._shape(in_)[1]
        if len(order) != channels or not all(-channels <= channel < channels for channel in order):
            raise CaffeError(f"input '{in_}' needs an order of {channels} channels; got {tuple(order)}")
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Set the factor applied before mean subtraction: 255 for a net with inputs in [0, 255]."""
        self.__check_input(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: np.ndarray) -> None:
        """Set the mean to subtract: one number per channel, (K,), or a mean image (K, H, W) or, for all channels alike,
        (1, H, W); for an input of one channel also (H, W), of the input's size.

        A mean image of another size than the input's is resized like pictures, including (K, 1, 1), whose edges then
        become lower than its center.  Raises ArrayError, a ValueError, for other shapes.
        """
        shape, mean = self._shape(in_)[1:], np.asarray(mean)
        channels = shape[0]
        if mean.ndim == 1 and len(mean) == channels:
            mean = mean[:, np.newaxis, np.newaxis]
        elif mean.ndim == 3 and mean.shape != shape and len(mean) in (1, channels) and mean.size:
            mean = _resized_mean(mean, shape[1:])
        elif mean.shape != shape and (1, *mean.shape) != shape:
            valid = f"({channels},), {shape}" + (f" or {shape[1:]}" if channels == 1 else "")
            raise ArrayError(
                f"input '{in_}': a mean of shape {mean.shape} can't be subtracted from {shape}; use shape {valid}, "
                f"or a mean image ({channels}, height, width), which is resized"
            )
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set the factor applied last, after mean subtraction."""
        self.__check_input(in_)
        self.input_scale[in_] = scale

    def _steps(self, in_: str) -> _Steps:
        return _Steps(
            transpose=self.transpose.get(in_),
            channel_swap=self.channel_swap.get(in_),
            raw_scale=self.raw_scale.get(in_),
            mean=self.mean.get(in_),
            input_scale=self.input_scale.get(in_),
        )

    def _shape(self, in_: str) -> tuple[int, ...]:
        self.__check_input(in_)
        return tuple(self.inputs[in_])

    def __check_input(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise CaffeError(f"'{in_}' is not an input of the net; its inputs: {closest(in_, self.inputs)}")


def _preprocessed(out: np.ndarray, steps: _Steps) -> np.ndarray:
    """Apply the steps to a resized picture, in place where possible."""
    if steps.transpose is not None:
        out = out.transpose(steps.transpose)
    if steps.channel_swap is not None:
        out = out[list(steps.channel_swap), :, :]
    if steps.raw_scale is not None:
        out *= steps.raw_scale
    if steps.mean is not None:
        out -= steps.mean
    if steps.input_scale is not None:
        out *= steps.input_scale
    return out


def _resized_mean(mean: np.ndarray, size: Size) -> np.ndarray:
    """Resize a mean image (K, H', W') to (K, H, W) float32."""
    low, high = float(mean.min()), float(mean.max())
    if low == high:
        return np.full((len(mean), *size), low, np.float32)
    unit = (mean - low) / (high - low)
    return resize_image(unit.transpose(1, 2, 0), size).transpose(2, 0, 1) * (high - low) + low


def oversample(images: Sequence[np.ndarray] | np.ndarray, crop_dims: Size) -> np.ndarray:
    """Crop each picture ten times: the four corners (upper left, upper right, lower left, lower right), the center, and
    the mirror images of these five.

    images: N pictures (H, W, K) of one size.
    crop_dims: (height, width).

    Returns (10 N, height, width, K) float32.
    """
    height, width, channels = images[0].shape
    h, w = (int(n) for n in crop_dims)
    if not (0 < h <= height and 0 < w <= width):
        raise ArrayError(f"no crops of {h}x{w} (height x width) fit into pictures of {height}x{width}")
    corners = [(top, left) for top in (0, height - h) for left in (0, width - w)]
    places = [*corners, ((height - h) // 2, (width - w) // 2)]
    crops = np.empty((len(images), 10, h, w, channels), dtype=np.float32)
    for of_image, image in zip(crops, images, strict=True):
        for crop, (top, left) in zip(of_image, places, strict=False):
            crop[...] = image[top : top + h, left : left + w]
        of_image[5:] = of_image[:5, :, ::-1]
    return crops.reshape(-1, h, w, channels)

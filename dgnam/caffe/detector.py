"""pycaffe's `Detector`: scores windows of pictures, as in R-CNN [1].

[1] Girshick, Donahue, Darrell, Malik: Rich feature hierarchies for accurate object detection and semantic
    segmentation, CVPR 2014.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import CaffeError, MissingPackageError
from . import io
from .classifier import input_transformer
from .net import Net, StrPath
from .proto import pb

Window = Sequence[float] | np.ndarray
"""A window in pixels: (top, left, bottom, right), the last two exclusive."""


class Detector(Net):
    """A net in phase TEST for windows of pictures, each warped to the size of its first input.

    model_file, pretrained_file: prototxt and weights.
    mean, input_scale, raw_scale, channel_swap: steps of `self.transformer`; see `io.Transformer`.
    context_pad: the border of the input, in pixels, filled with the window's surroundings; None or 0 for none.
    """

    def __init__(
        self,
        model_file: StrPath | pb.NetParameter,
        pretrained_file: StrPath | None,
        mean: np.ndarray | None = None,
        input_scale: Any = None,
        raw_scale: Any = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ):
        super().__init__(model_file, pb.TEST, weights=pretrained_file)
        self.transformer = input_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Iterable[tuple[str, Sequence[Window]]]) -> list[dict[str, Any]]:
        """Score windows.

        images_windows: pairs of a picture file and its windows.

        Returns a dict per window, in order: the given `window`, its `prediction` by the first output, `filename`.
        """
        inputs: list[np.ndarray] = []
        found: list[dict[str, Any]] = []
        for name, windows in images_windows:
            image = io.load_image(name)
            for window in windows:
                inputs.append(self.transformer.preprocess(self.inputs[0], self.crop(image, window)))
                found.append({"window": window, "filename": name})
        if not found:
            return []
        batch: dict[str, Any] = {self.inputs[0]: np.stack(inputs)}
        predictions = self.forward_all(**batch)[self.outputs[0]]
        return [{**of, "prediction": prediction} for of, prediction in zip(found, predictions, strict=True)]

    def detect_selective_search(self, image_fnames: Iterable[str]) -> list[dict[str, Any]]:
        """Score the windows proposed by Selective Search; see `detect_windows`.

        Needs the package selective_search_ijcv_with_python, which runs MATLAB.
        """
        try:
            selective_search = import_module("selective_search_ijcv_with_python")
        except ImportError:
            raise MissingPackageError(
                "detect_selective_search needs the package selective_search_ijcv_with_python (on GitHub: "
                "sergeyk/selective_search_ijcv_with_python), which runs MATLAB; detect_windows takes any windows"
            ) from None
        names = [os.path.abspath(name) for name in image_fnames]  # MATLAB runs in a folder of its own
        windows = selective_search.get_windows(names, cmd="selective_search_rcnn")
        return self.detect_windows(zip(names, windows, strict=False))

    def crop(self, im: np.ndarray, window: Window) -> np.ndarray:
        """Crop a window of the picture `im` (H, W, K).

        With `context_pad`, the window and its surroundings are warped to the size of the input; the surroundings fill
        that many pixels at each edge, and pixels outside the picture are `crop_mean`.
        """
        if self.context_pad is None or self.context_pad == 0:
            return _cut(im, window, window)
        return self._with_context(im, window, self.context_pad)

    def configure_crop(self, context_pad: int | None) -> None:
        """Set `context_pad`, `crop_dims` (the input's (h, w, K)) and `crop_mean`.

        `crop_mean` is the mean, or zeros, as a picture (h, w, K) before preprocessing.
        """
        name = self.inputs[0]
        width = self.blobs[name].width
        if context_pad is not None and not 0 <= 2 * context_pad < width:
            raise CaffeError(
                f"context_pad {context_pad} is too large: it must be less than half the input's width {width}"
            )
        back = np.argsort(self.transformer.transpose[name])
        self.crop_dims = np.array(self.blobs[name].shape[1:])[back]
        self.context_pad = context_pad
        mean = self.transformer.mean.get(name)
        if mean is None:
            self.crop_mean = np.zeros(self.crop_dims, dtype=np.float32)
            return
        swap, raw_scale = self.transformer.channel_swap.get(name), self.transformer.raw_scale.get(name)
        picture = mean.reshape((1,) * (3 - mean.ndim) + mean.shape).transpose(back)
        if swap is not None and picture.shape[2] > 1:
            picture = picture[:, :, np.argsort(swap)]
        self.crop_mean = picture / (1 if raw_scale is None else raw_scale)

    def _with_context(self, im: np.ndarray, window: Window, pad: int) -> np.ndarray:
        """Return the window in its context, (h, w, K), by pycaffe's arithmetic, where both ends are inclusive."""
        size = self.blobs[self.inputs[0]].width  # as in pycaffe, assumes a square input
        box = _widened(np.asarray(window, dtype=np.float64), size / (size - 2.0 * pad))
        scale = size / (box[2:] - box[:2] + 1)
        top, left = (round(max(0, -n) * s) for n, s in zip(box[:2], scale, strict=True))
        box = np.clip(box, 0, [*im.shape[:2], *im.shape[:2]])
        h, w = (round(n * s) for n, s in zip(box[2:] - box[:2] + 1, scale, strict=True))
        h, w = min(h, size - top), min(w, size - left)
        crop = np.ones(self.crop_dims, dtype=np.float32) * self.crop_mean
        crop[top : top + h, left : left + w] = io.resize_image(_cut(im, box, window), (h, w))
        return crop


def _widened(box: np.ndarray, scale: float) -> np.ndarray:
    """Scale a box about its center, in whole pixels."""
    half = (box[2:] - box[:2] + 1) / 2
    center = box[:2] + half
    return np.round(np.concatenate([center - scale * half, center + scale * half]))


def _cut(im: np.ndarray, box: Window, window: Window) -> np.ndarray:
    """Return the part of the picture in `box`; `window` is the caller's, for the error message."""
    top, left, bottom, right = (int(n) for n in box)
    part = im[top:bottom, left:right]
    if part.size == 0:
        raise CaffeError(
            f"the window (top, left, bottom, right) = {tuple(window)} does not overlap the picture of "
            f"{im.shape[0]}x{im.shape[1]} (height x width)"
        )
    return part

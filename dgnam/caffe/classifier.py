"""pycaffe's `Classifier`: scores pictures of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArrayError
from . import io
from .images.resize import Size
from .net import Net, StrPath
from .proto import pb


class Classifier(Net):
    """A net in phase TEST that classifies pictures (H, W, K), RGB in [0, 1], by its first input and first output.

    model_file, pretrained_file: prototxt and weights.
    image_dims: (height, width) to which pictures are resized before cropping; None for the input's size.
    mean, input_scale, raw_scale, channel_swap: steps of `self.transformer`; see `io.Transformer`.
    """

    def __init__(
        self,
        model_file: StrPath | pb.NetParameter,
        pretrained_file: StrPath | None,
        image_dims: Size | None = None,
        mean: np.ndarray | None = None,
        input_scale: Any = None,
        raw_scale: Any = None,
        channel_swap: Sequence[int] | None = None,
    ):
        super().__init__(model_file, pb.TEST, weights=pretrained_file)
        self.transformer = input_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims: Size = self.crop_dims if image_dims is None else image_dims

    def predict(self, inputs: Sequence[np.ndarray], oversample: bool = True) -> np.ndarray:
        """Return the first output for each picture, such as (N, C) probabilities of N pictures and C classes.

        inputs: N pictures (H, W, K), each resized to `image_dims`.
        oversample: average over ten crops (see `io.oversample`), as (N, C); False returns the net's output for the
            center crop.
        """
        pictures = np.stack([io.resize_image(picture, self.image_dims) for picture in inputs])
        crops = io.oversample(pictures, self.crop_dims) if oversample else self._centers(pictures)
        name = self.inputs[0]
        batch: dict[str, Any] = {name: np.stack([self.transformer.preprocess(name, crop) for crop in crops])}
        predictions = self.forward_all(**batch)[self.outputs[0]]
        return predictions.reshape(len(pictures), 10, -1).mean(1) if oversample else predictions

    def _centers(self, pictures: np.ndarray) -> np.ndarray:
        """Return the center crop of each picture, of the input's size."""
        (height, width), (h, w) = pictures.shape[1:3], self.crop_dims
        if h > height or w > width:
            raise ArrayError(
                f"image_dims {tuple(self.image_dims)} are too small: the net's input is {h}x{w} (height x width)"
            )
        top, left = (height - h) // 2, (width - w) // 2
        return pictures[:, top : top + h, left : left + w]


def input_transformer(
    net: Net, mean: np.ndarray | None, input_scale: Any, raw_scale: Any, channel_swap: Sequence[int] | None
) -> io.Transformer:
    """Return the Transformer from pictures (H, W, K) to the first input of `net`; steps that are None are omitted."""
    name = net.inputs[0]
    transformer = io.Transformer({name: net.blobs[name].shape})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer

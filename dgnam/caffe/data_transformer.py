"""transform_param: what is done to each image between a file and a top.

Of the image (C, H, W) the mean is taken off, the rest multiplied by `scale`, and of that a square of `crop_size` is
cut, anywhere in TRAIN and from the middle in TEST; with `mirror`, in either phase, every second one at random is turned
left to right.  The mean image is of the whole image's size; the part under the crop counts.
"""

from __future__ import annotations

import numpy as np
import torch

from ..errors import CaffeError, CaffeFormatError
from .images.cv_image import Colour
from .proto import pb, read_blobproto


class DataTransformer:
    """transform_param at work, for the layer that `layer` names in errors.

    random: where mirroring and random crops come from; needed where `needs_random` says so.
    """

    def __init__(
        self,
        param: pb.TransformationParameter,
        phase: int,
        layer: str,
        random: np.random.Generator | None = None,
    ):
        self.param = param
        self.layer = layer
        self._random = random
        self._anywhere = phase == pb.TRAIN
        self._mean = mean_of(param, layer)
        self._scale = np.float32(param.scale)

    @property
    def chooses_colour(self) -> bool:
        """Whether encoded data are to be decoded to colour or gray, whatever they are."""
        return self.param.force_color or self.param.force_gray

    @property
    def colour(self) -> Colour:
        """What encoded data are decoded to."""
        if self.param.force_color and self.param.force_gray:
            raise CaffeError(f"{self.layer}: transform_param has both force_color and force_gray; give one")
        return "colour" if self.param.force_color else "gray" if self.param.force_gray else "native"

    def shape(self, image: np.ndarray, what: str) -> tuple[int, int, int]:
        """The shape that an image (C, H, W) comes out in; one smaller than the crop is an error, which names `what`."""
        size = self.param.crop_size
        channels, height, width = image.shape
        if size > min(height, width):
            raise CaffeFormatError(f"{self.layer}: crop_size {size} is larger than {what}, which is {height}x{width}")
        return (channels, size, size) if size else (channels, height, width)

    def transform(self, image: np.ndarray, what: str) -> np.ndarray:
        """(C, H, W) numbers → (C, h, w) float32; `what` names the image in errors."""
        _, height, width = self.shape(image, what)
        mean = self._mean_for(image, what)
        # Caffe draws in this order: the mirror, then the rows, then the columns.
        mirrored = self.param.mirror and self._draw(2)
        top, left = (self._offset(have - cut) for have, cut in zip(image.shape[1:], (height, width), strict=True))
        window = np.s_[:, top : top + height, left : left + width]
        out = image[window].astype(np.float32)
        if mean is not None:
            out -= mean[window] if mean.shape[1:] == image.shape[1:] else mean
        out *= self._scale
        return out[..., ::-1] if mirrored else out

    def _offset(self, spare: int) -> int:
        if not self.param.crop_size:
            return 0
        return self._draw(spare + 1) if self._anywhere else spare // 2

    def _draw(self, choices: int) -> int:
        assert self._random is not None, "needs_random"
        return int(self._random.integers(choices))

    def _mean_for(self, image: np.ndarray, what: str) -> np.ndarray | None:
        """The mean, once it is known to fit the image: of its shape, or (C, 1, 1) or (1, 1, 1) values."""
        mean = self._mean
        if mean is None:
            return None
        if self.param.HasField("mean_file"):
            if mean.shape != image.shape:
                raise CaffeFormatError(
                    f"{self.layer}: the mean image {self.param.mean_file} is {mean.shape}, and {what} {image.shape}"
                )
        elif len(mean) not in (1, image.shape[0]):
            raise CaffeFormatError(
                f"{self.layer}: {len(mean)} mean_value entries, and {what} has {image.shape[0]} channels; "
                "give one, or one for each"
            )
        return mean


def needs_random(param: pb.TransformationParameter, phase: int) -> bool:
    """Whether anything is left to chance."""
    return param.mirror or (phase == pb.TRAIN and param.crop_size > 0)


def mean_of(param: pb.TransformationParameter, layer: str) -> np.ndarray | None:
    """The mean image (C, H, W), or the mean values as (1 or C, 1, 1), or None where there is no mean."""
    if param.HasField("mean_file") and param.mean_value:
        raise CaffeError(f"{layer}: transform_param has both mean_file and mean_value; give one")
    if param.mean_value:
        return np.array(param.mean_value, np.float32).reshape(-1, 1, 1)
    if not param.HasField("mean_file"):
        return None
    blob = read_blobproto(param.mean_file)
    if not 1 <= blob.ndim <= 4:
        raise CaffeError(f"{layer}: the mean image {param.mean_file} has {blob.ndim} axes, and 4 are wanted")
    shape = (*blob.shape, 1, 1, 1)[:4]
    if 0 in shape:
        raise CaffeError(f"{layer}: the mean image {param.mean_file} is empty: {blob.shape}")
    return blob.reshape(shape)[0]


def seeded(generator: torch.Generator | None) -> np.random.Generator:
    """Random numbers of one's own, with a seed from `generator`, None being torch's global one.

    So a data layer's stream depends on `set_random_seed` and on nothing that runs beside it.
    """
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))

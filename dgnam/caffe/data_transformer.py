"""transform_param: mean subtraction, scaling, cropping and mirroring of images.

The mean is subtracted from the image (C, H, W), the result is multiplied by `scale`, and a square of `crop_size` is cut
out, at a random position in TRAIN and at the center in TEST.  `mirror` flips images horizontally with probability 1/2,
in both phases.  A mean image has the size of the uncropped image and is cropped along.
"""

from __future__ import annotations

import numpy as np
import torch

from ..errors import CaffeError, CaffeFormatError
from .images.cv_codec import Color
from .proto import pb, read_blobproto


class DataTransformer:
    """Applies a `transform_param`.

    layer: the layer's name in error messages.
    random: the random numbers for mirroring and crops; required if `needs_random`.
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
    def chooses_color(self) -> bool:
        """Whether encoded data are always decoded to color or always to gray."""
        return self.param.force_color or self.param.force_gray

    @property
    def color(self) -> Color:
        """The channels to which encoded data are decoded."""
        if self.param.force_color and self.param.force_gray:
            raise CaffeError(f"{self.layer}: transform_param has both force_color and force_gray; use one")
        return "color" if self.param.force_color else "gray" if self.param.force_gray else "native"

    def shape(self, image: np.ndarray, what: str) -> tuple[int, int, int]:
        """Return the transformed shape of an image (C, H, W); one smaller than the crop is an error naming `what`."""
        size = self.param.crop_size
        channels, height, width = image.shape
        if size > min(height, width):
            raise CaffeFormatError(f"{self.layer}: crop_size {size} is larger than {what}, which is {height}x{width}")
        return (channels, size, size) if size else (channels, height, width)

    def transform(self, image: np.ndarray, what: str) -> np.ndarray:
        """Transform an image: (C, H, W) numbers → (C, h, w) float32; `what` names the image in errors."""
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
        """Return the mean, checked to fit the image: of its shape, (C, 1, 1) or (1, 1, 1)."""
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
    """Return whether the transformation is random."""
    return param.mirror or (phase == pb.TRAIN and param.crop_size > 0)


def mean_of(param: pb.TransformationParameter, layer: str) -> np.ndarray | None:
    """Return the mean image (C, H, W), the mean values as (1 or C, 1, 1), or None without a mean."""
    if param.HasField("mean_file") and param.mean_value:
        raise CaffeError(f"{layer}: transform_param has both mean_file and mean_value; use one")
    if param.mean_value:
        return np.array(param.mean_value, np.float32).reshape(-1, 1, 1)
    if not param.HasField("mean_file"):
        return None
    blob = read_blobproto(param.mean_file)
    if not 1 <= blob.ndim <= 4:
        raise CaffeError(f"{layer}: the mean image {param.mean_file} has {blob.ndim} axes; expected 4")
    shape = (*blob.shape, 1, 1, 1)[:4]
    if 0 in shape:
        raise CaffeError(f"{layer}: the mean image {param.mean_file} is empty: {blob.shape}")
    return blob.reshape(shape)[0]


def seeded(generator: torch.Generator | None) -> np.random.Generator:
    """Return a numpy generator seeded from `generator` (None: torch's global one).

    A data layer's random stream thus depends on `set_random_seed` only, and not on other threads.
    """
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))

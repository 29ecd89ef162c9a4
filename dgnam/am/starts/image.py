"""The code of a real image as the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...caffe.mode import exact
from ...caffe.modules.caffe_module import CaffeModule
from ...data.decode import read_picture
from ...errors import DgnamError
from ...files.checksums import sha256, sha256_of_array
from ...files.paths import existing_file
from ..borrow import borrowed
from ..framing import crop_mean

Encode = Callable[[np.ndarray], np.ndarray]
"""An encoder: from an image (1, 3, H, W) float32, BGR, mean-subtracted, to its code (1, *code_shape)."""


@dataclass(frozen=True)
class ImageStart:
    """The code of a picture file, for all seeds; the file is read once.

    path, encode, size, mean: arguments of `code_of_image`.
    """

    path: str | Path
    encode: Encode = field(compare=False)
    size: tuple[int, int]
    mean: np.ndarray = field(compare=False)

    @cached_property
    def code(self) -> np.ndarray:
        """(1, *code_shape) float32."""
        return code_of_image(self.path, self.encode, self.size, self.mean)

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        code = self.code
        if code.shape != (1, *shape):
            raise DgnamError(f"the code of {self.path} has shape {code.shape[1:]}, and the prior's codes {shape}")
        if not np.isfinite(code).all():
            raise DgnamError(f"the code of {self.path} is not finite")
        return np.repeat(code, len(seeds), axis=0)

    def as_dict(self) -> dict[str, Any]:
        mean = np.ascontiguousarray(self.mean, np.float32)
        digest = sha256_of_array(mean)
        return {
            "start": "image",
            "file": str(self.path),
            "sha256": sha256(existing_file(self.path)),
            "size": list(self.size),
            "mean": mean.tolist() if mean.ndim == 1 else f"image {'x'.join(map(str, mean.shape))}, sha256 {digest}",
            "code_sha256": sha256_of_array(self.code),
        }


def read_image(path: str | Path, size: tuple[int, int], mean: np.ndarray) -> np.ndarray:
    """A picture file as a network's input: (1, 3, *size) float32, BGR, mean-subtracted.

    size: height and width; the picture is resized to it without regard to its aspect ratio.
    mean: (3,) values, or a mean image (3, H, W) whose center crop is subtracted; BGR.
    """
    return image_of(read_picture(path), size, mean)


def image_of(picture: np.ndarray, size: tuple[int, int], mean: np.ndarray) -> np.ndarray:
    """The same of a picture (H, W, 3) uint8 RGB; Pillow resizes it: bilinear, antialiased, rounded to bytes."""
    resized = Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(resized).astype(np.float32)
    return (pixels.transpose(2, 0, 1)[::-1] - crop_mean(mean, size))[None]


def code_of_image(path: str | Path, encode: Encode, size: tuple[int, int], mean: np.ndarray) -> np.ndarray:
    """The code (1, *code_shape) of a picture file, float32.

    encode: from an image as of `read_image` to its code, after a whole forward pass, and so after the in-place ReLU of
        the code's layer.
    """
    return encode(read_image(path, size, mean)).astype(np.float32)


def encoder(module: CaffeModule, layer: str) -> Encode:
    """An `Encode` of a net: the first top of `layer` after a whole forward pass; the net is left as it was found."""
    plan = module.plan
    blob = plan.blob_names[plan.layers[plan.layer_index(layer)].tops[0]]

    def encode(image: np.ndarray) -> np.ndarray:
        with torch.no_grad(), exact(), borrowed(module):
            found = module(torch.from_numpy(image).to(module.device), keep=[blob])[blob]
        return found.cpu().numpy()

    return encode

"""Where a search starts: a random code, the code of a real image; see `code_file` and `facets` for more.

A `Start` gives a code to each seed; `synthesize` takes what it gives as `start_codes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

from ...caffe.modules.caffe_module import CaffeModule
from ...errors import DgnamError, FormatError, shortened
from ...files.images import open_image
from ...files.paths import existing_file
from ...runs.folder import sha256
from ..crop import centre

Encode = Callable[[np.ndarray], np.ndarray]


class Start(Protocol):
    """A start code to each seed."""

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        """(n, *shape) float32, the start code of each of n seeds; codes of another shape are an error."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """For a run's record: what decides the codes, as JSON can hold it."""
        ...


@dataclass(frozen=True)
class RandomStart:
    """The published start: N(0, 1), drawn from each seed."""

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        return np.concatenate([random_code(seed, (1, *shape)) for seed in seeds])

    def as_dict(self) -> dict[str, Any]:
        return {"start": "random"}


@dataclass(frozen=True)
class ImageStart:
    """The code of a real image, for all seeds.

    path, encode, size, mean: as `code_of_image` has them.
    """

    path: str | Path
    encode: Encode = field(compare=False)
    size: tuple[int, int]
    mean: np.ndarray = field(compare=False)

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        code = code_of_image(self.path, self.encode, self.size, self.mean)
        if code.shape != (1, *shape):
            raise DgnamError(f"the code of {self.path} has shape {code.shape[1:]}, and the prior's codes {shape}")
        if not np.isfinite(code).all():
            raise DgnamError(f"the code of {self.path} is not finite")
        return np.repeat(code, len(seeds), axis=0)

    def as_dict(self) -> dict[str, Any]:
        mean = np.ascontiguousarray(self.mean, np.float32)
        digest = hashlib.sha256(mean.tobytes()).hexdigest()
        return {
            "start": "image",
            "file": str(self.path),
            "sha256": sha256(existing_file(self.path)),
            "size": list(self.size),
            "mean": mean.tolist() if mean.ndim == 1 else f"image {'x'.join(map(str, mean.shape))}, sha256 {digest}",
        }


def random_code(seed: int, shape: Sequence[int]) -> np.ndarray:
    """N(0, 1) of `shape` as float32: what `np.random.seed(seed)` and then `np.random.normal(0, 1, shape)` draw."""
    return np.random.RandomState(seed).normal(0, 1, tuple(shape)).astype(np.float32)


def read_image(path: str | Path, size: tuple[int, int], mean: np.ndarray) -> np.ndarray:
    """A picture as a network takes it: (1, 3, *size) float32, BGR, minus the mean.

    size: height and width; the picture is resized straight to it, whatever its proportions (bilinear, on bytes).
    mean: (3,) values, or a mean image (3, H, W) of which the centre is taken; BGR.
    """
    try:
        with open_image(existing_file(path)) as picture:
            resized = picture.convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    except DgnamError as error:
        raise FormatError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except Exception as error:  # Pillow's many readers fail on damaged files in as many ways
        raise FormatError(f"{path}: not a readable picture ({shortened(str(error), 300)})") from None
    pixels = np.asarray(resized, np.float32)
    return (pixels.transpose(2, 0, 1)[::-1] - centre_of_mean(mean, size))[None]


def code_of_image(path: str | Path, encode: Encode, size: tuple[int, int], mean: np.ndarray) -> np.ndarray:
    """The code (1, *code_shape) of a picture.

    encode: an encoder from an image as `read_image` gives it to the code, after a whole forward pass (so after the
        ReLU that works in place on the code's layer).
    """
    return encode(read_image(path, size, mean)).astype(np.float32)


def encoder(module: CaffeModule, layer: str) -> Encode:
    """The codes that a net gives at the first top of `layer`, after a whole forward pass."""
    plan = module.eval().plan
    blob = plan.blob_names[plan.layers[plan.layer_index(layer)].tops[0]]

    def encode(image: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            found = module(torch.from_numpy(image).to(module.device), keep=[blob])[blob]
        return found.cpu().numpy()

    return encode


def centre_of_mean(mean: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mean to be subtracted from images of `size`: (3, 1, 1) from values, (3, *size) from a mean image."""
    mean = np.asarray(mean, np.float32)
    if mean.ndim == 1:
        return mean.reshape(-1, 1, 1)
    rows, columns = centre((mean.shape[1], mean.shape[2]), size)
    return mean[:, rows, columns]

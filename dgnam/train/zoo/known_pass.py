"""Whether published weights do what is known of them: a published forward pass, and a generator's inversion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ... import zoo
from ...caffe.io import Transformer, load_image
from ...caffe.modules.caffe_module import CaffeModule
from ...zoo.registry import KnownPass

MEAN = (104.0, 117.0, 123.0)

DISTORTED = 8
"""The pictures that an inversion is told from: one and its distortions."""


def probabilities(module: CaffeModule, known: KnownPass, picture: Path) -> dict[str, tuple[float, float]]:
    """The classes of a published forward pass, each with its probability here and there."""
    found = module(_input(module, picture, known.mean))
    values = next(iter(found.values()))[0].detach().numpy().ravel()
    return {name: (float(values[int(name)]), said) for name, said in known.probabilities.items()}


def rank_of_its_picture(generator: zoo.ModelEntry, module: CaffeModule, encoder: CaffeModule, picture: Path) -> int:
    """The place of a picture among its distortions, the nearest first, by their codes to that of its reconstruction.

    1 if the generator inverts the encoder: the image that it makes of the picture's code has a code nearer to that, by
    the cosine, than to the codes of the picture upside down, in other colors or with its quarters exchanged.
    """
    made = generator.generator
    assert made is not None
    images = _distorted(_input(encoder, picture, MEAN)[0].numpy())
    codes = _codes(encoder, images, made.layer)
    code = torch.from_numpy(codes[:1].reshape(1, *made.code_shape))
    with torch.no_grad():
        image = module(code)[made.output].numpy()
    side, start = images.shape[-1], (image.shape[-1] - images.shape[-1]) // 2
    window = image[:, :, start : start + side, start : start + side]
    found = _codes(encoder, window, made.layer).ravel()
    rows = codes.reshape(len(codes), -1)
    cosines = rows @ found / np.maximum(np.linalg.norm(rows, axis=1), np.finfo(np.float32).tiny)
    return 1 + int((cosines > cosines[0]).sum())


def _input(module: CaffeModule, picture: Path, mean: tuple[float, ...]) -> torch.Tensor:
    """The picture as the net takes it, (1, 3, height, width) BGR minus `mean`, prepared as pycaffe does."""
    name = module.input_names[0]
    shape = module.plan.blob_shapes[module.plan.inputs[0]]
    prepare = Transformer({name: (1, *shape[1:])})
    prepare.set_transpose(name, (2, 0, 1))
    prepare.set_mean(name, np.array(mean))
    prepare.set_raw_scale(name, 255)
    prepare.set_channel_swap(name, (2, 1, 0))
    return torch.from_numpy(np.asarray(prepare.preprocess(name, load_image(str(picture))), np.float32)[None])


def _codes(encoder: CaffeModule, images: np.ndarray, layer: str) -> np.ndarray:
    """The codes of images: the blob of that name after the whole pass, and so after its ReLU."""
    with torch.no_grad():
        return encoder(torch.from_numpy(np.ascontiguousarray(images)), keep=[layer])[layer].numpy()


def _distorted(image: np.ndarray) -> np.ndarray:
    """An image and its distortions, (8, 3, height, width)."""
    rows, columns = image.shape[1] // 2, image.shape[2] // 2
    return np.stack(
        [
            *(image, image[:, ::-1], image.transpose(0, 2, 1), -image, image[::-1], image[[1, 2, 0]], image[[2, 0, 1]]),
            np.roll(image, (rows, columns), (1, 2)),
        ]
    )

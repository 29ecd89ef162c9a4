"""The codes of pictures: each is read, preprocessed, and sent through an encoder in batches.

for names, rows in codes_of_pictures(encoder, "fc6", open_dataset("photos"), preprocessing):
    …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from ..am.borrow import borrowed
from ..caffe.mode import exact
from ..caffe.modules.caffe_module import CaffeModule
from ..data.dataset import Dataset
from ..data.picture import BrokenPictureError, DataError, Picture
from ..data.preprocessing import Preprocessing
from ..errors import DgnamError

MOST_REASONS = 5
"""The number of skipped pictures that are kept with their reasons."""


def codes_of_pictures(
    encoder: CaffeModule,
    layer: str,
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    batch_size: int = 64,
    limit: int | None = None,
    skip_broken: bool = False,
) -> Iterator[tuple[list[str], np.ndarray]]:
    """The names of the pictures and their codes (N, *code_shape) float32, batch by batch.

    The codes are the layer's first top as a whole forward pass leaves it, so after an in-place ReLU.
    limit: the most pictures to take; skip_broken: leave out unreadable ones instead of raising an error.
    """
    codes = PictureCodes(encoder, layer)
    inputs = Inputs(dataset, preprocessing, gray=codes.channels == 1, skip_broken=skip_broken)
    for names, batch in batches(iter(inputs), batch_size, limit):
        yield names, codes(batch, names).reshape(len(names), *codes.shape)


class PictureCodes:
    """From preprocessed pictures to codes; the encoder is left as it was found.

    shape: the shape of one code.
    channels: the number of channels of the input.
    """

    def __init__(self, encoder: CaffeModule, layer: str):
        plan = encoder.plan
        self.encoder, self.layer = encoder, layer
        self.channels = plan.blob_shapes[plan.inputs[0]][1]
        tops = plan.layers[plan.layer_index(layer)].tops
        if not tops:
            raise DgnamError(f"layer '{layer}' of net '{plan.name}' has no output to measure")
        self.blob = plan.blob_names[tops[0]]
        self.shape = plan.blob_shapes[tops[0]][1:]
        if not plan.blob_shapes[tops[0]]:
            raise DgnamError(f"layer '{layer}' of net '{plan.name}' gives one number for all pictures, and no code")
        # Later layers can't change the blob, so the whole pass may end with the last that writes to it.
        self.end = [w.name for w in plan.layers if self.blob in (plan.blob_names[top] for top in w.tops)][-1]

    def __call__(self, batch: np.ndarray, names: list[str]) -> np.ndarray:
        """(N, C, H, W) float32 → (N, n) float32; an error names the first picture whose code isn't finite."""
        device = self.encoder.device
        with torch.inference_mode(), exact():
            found = self.read(torch.from_numpy(batch).to(device))
        if len(found) != len(batch):
            raise DgnamError(f"layer '{self.layer}' gives {len(found)} codes for {len(batch)} pictures")
        rows = found.reshape(len(batch), -1).cpu().numpy()
        broken = np.flatnonzero(~np.isfinite(rows).all(1))
        if broken.size:
            raise DgnamError(f"{names[broken[0]]}: its code at layer '{self.layer}' is not finite")
        return rows

    def read(self, images: Tensor) -> Tensor:
        """The blob that holds the codes, for the encoder's own input."""
        with borrowed(self.encoder):
            return self.encoder(images, end=self.end, keep=[self.blob])[self.blob]


class Inputs:
    """The pictures of a dataset, preprocessed, with their names.

    skipped: how many unreadable pictures were left out; reasons: the errors of the first few.
    """

    def __init__(
        self, dataset: Dataset, preprocessing: Callable[[np.ndarray], np.ndarray], *, gray: bool, skip_broken: bool
    ):
        self.dataset, self.preprocessing, self.gray, self.skip_broken = dataset, preprocessing, gray, skip_broken
        self.skipped, self.reasons = 0, list[str]()

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        for _, name, prepared in self.placed():
            yield name, prepared

    def placed(self) -> Iterator[tuple[int, str, np.ndarray]]:
        """The same with each picture's place in the dataset."""
        for place, picture in enumerate(self.dataset):
            try:
                prepared = self._prepared(picture)
            except BrokenPictureError as error:
                if not self.skip_broken:
                    raise
                self.skipped += 1
                if len(self.reasons) < MOST_REASONS:
                    self.reasons.append(str(error))
            else:
                yield place, picture.name, prepared

    def _prepared(self, picture: Picture) -> np.ndarray:
        pixels = picture.read(self.gray)
        try:
            return self.preprocessing(pixels)
        except BrokenPictureError:
            raise
        except DataError as error:
            raise BrokenPictureError(f"{picture.name}: {error}") from None


def batches(
    inputs: Iterator[tuple[str, np.ndarray]], size: int, limit: int | None
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Names and images (N, C, H, W) in batches of `size`, the last perhaps smaller; `limit` pictures at most."""
    taken = islice(inputs, limit)
    while batch := list(islice(taken, size)):
        yield [name for name, _ in batch], np.stack([values for _, values in batch])

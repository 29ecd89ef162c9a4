"""The codes of pictures: each is read, prepared, and sent through an encoder in batches.

for names, rows in codes_of_pictures(encoder, "fc6", open_pictures("photos"), prepare):
    …
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch

from ..caffe.mode import exact
from ..caffe.modules.caffe_module import CaffeModule
from ..data.image_set import DataError
from ..data.network_input import NetworkInput
from ..data.pictures import BrokenPictureError, Picture, Pictures
from ..errors import DgnamError

_SHOWN = 5
"""How many of the pictures that were left out are kept with their reasons."""


def codes_of_pictures(
    encoder: CaffeModule,
    layer: str,
    pictures: Pictures,
    prepare: NetworkInput,
    *,
    batch_size: int = 64,
    limit: int | None = None,
    skip_broken: bool = False,
) -> Iterator[tuple[list[str], np.ndarray]]:
    """The names of the pictures and their codes (N, *code_shape) float32, batch by batch.

    The codes are the layer's first top as a whole forward pass leaves it, so after a ReLU in place.
    limit: how many pictures to take at most; skip_broken: leave out those that can't be read, in place of an error.
    """
    codes = PictureCodes(encoder.eval(), layer)
    feed = Feed(pictures, prepare, "gray" if codes.channels == 1 else "colour", skip_broken)
    for names, batch in batches(iter(feed), batch_size, limit):
        yield names, codes(batch, names).reshape(len(names), *codes.shape)


class PictureCodes:
    """From prepared pictures to codes.

    shape: of one code.
    channels: of the input.
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
        with torch.inference_mode(), exact(device):
            found = self.encoder(torch.from_numpy(batch).to(device), end=self.end, keep=[self.blob])[self.blob]
        if len(found) != len(batch):
            raise DgnamError(f"layer '{self.layer}' gives {len(found)} codes for {len(batch)} pictures")
        rows = found.reshape(len(batch), -1).cpu().numpy()
        broken = np.flatnonzero(~np.isfinite(rows).all(1))
        if broken.size:
            raise DgnamError(f"{names[broken[0]]}: its code at layer '{self.layer}' is not finite")
        return rows


class Feed:
    """Prepared pictures with their names; `skipped` and `reasons` tell of those left out."""

    def __init__(self, pictures: Pictures, prepare: NetworkInput, colour: Any, skip_broken: bool):
        self.pictures, self.prepare, self.colour, self.skip_broken = pictures, prepare, colour, skip_broken
        self.skipped, self.reasons = 0, list[str]()

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        for picture in self.pictures:
            try:
                prepared = self._prepared(picture)
            except BrokenPictureError as error:
                if not self.skip_broken:
                    raise
                self.skipped += 1
                if len(self.reasons) < _SHOWN:
                    self.reasons.append(str(error))
            else:
                yield picture.name, prepared

    def _prepared(self, picture: Picture) -> np.ndarray:
        pixels = picture.read(self.colour)
        try:
            return self.prepare(pixels)
        except DataError as error:
            raise BrokenPictureError(f"{picture.name}: {error}") from None


def batches(
    feed: Iterator[tuple[str, np.ndarray]], size: int, limit: int | None
) -> Iterator[tuple[list[str], np.ndarray]]:
    taken = islice(feed, limit)
    while batch := list(islice(taken, size)):
        yield [name for name, _ in batch], np.stack([values for _, values in batch])

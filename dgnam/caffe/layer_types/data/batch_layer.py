"""The base of layers reading images: batches, prefetched by a thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
import torch

from ....errors import CaffeFormatError
from ...blob import Blob
from ...data_transformer import DataTransformer, needs_random, seeded
from ...layer import BlobLayer, Context
from ...proto import pb

Batch = tuple[np.ndarray, np.ndarray]
"""Images (N, C, H, W) and labels (N,), float32."""


class BatchLayer(BlobLayer):
    """Base of layers with tops of images (N, C, H, W) and, optionally, their labels (N,).

    A thread loads the next batch during a pass, unless `prefetch` in data_param is 0.  Random numbers come from the
    layer's own generator, seeded at construction, so that prefetching does not change the batches.

    options_field: the layer's message in the prototxt, with `source`, the input, and `batch_size`, N.
    random: the layer's own random numbers, if `needs_random`.
    """

    bottoms = (0, 0)
    tops = (2, 2)

    options_field: ClassVar[str]
    random: np.random.Generator
    transformer: DataTransformer

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options: Any = getattr(definition, self.options_field)
        if not self.options.source:
            raise self.fail(f"needs a source in {self.options_field}")
        if self.options.batch_size < 1:
            raise self.fail("batch_size must be positive")
        self._pool = ThreadPoolExecutor(1) if definition.data_param.prefetch else None
        self._next: Future[Batch] | None = None

    def needs_random(self, phase: int) -> bool:
        """Return whether the layer uses random numbers."""
        return needs_random(self.definition.transform_param, phase)

    def begin(self, phase: int) -> tuple[int, int, int]:
        """Open the source; returns the shape (C, H, W) of the first batch's images."""
        raise NotImplementedError(self.type)

    def load(self) -> Batch:
        """Load the next batch; runs in the thread."""
        raise NotImplementedError(self.type)

    def set_up(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        random = seeded(context.generator) if self.needs_random(context.phase) else None
        if random is not None:
            self.random = random
        name = f"layer '{self.name}' ({self.type})"
        self.transformer = DataTransformer(self.definition.transform_param, context.phase, name, random)
        shape = self.begin(context.phase)
        for top, full in zip(tops, ((self.options.batch_size, *shape), (self.options.batch_size,)), strict=False):
            top.reshape(*full)

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        loading, self._next = self._next, None
        batch = self.load() if loading is None else loading.result()
        if self._pool is not None:
            self._next = self._pool.submit(self.load)
        for top, values in zip(tops, batch, strict=False):
            top.reshape(*values.shape)
            top.put_data(torch.from_numpy(values), fresh=True)

    def empty_batch(self, shape: tuple[int, int, int]) -> Batch:
        """Allocate a batch of images of this shape."""
        return np.empty((self.options.batch_size, *shape), np.float32), np.empty(self.options.batch_size, np.float32)

    def put(self, batch: Batch, index: int, image: np.ndarray, label: int, what: str) -> None:
        """Put an image into a batch; a shape other than the first image's is an error naming `what`."""
        images, labels = batch
        if image.shape != images.shape[1:]:
            raise CaffeFormatError(
                f"layer '{self.name}' ({self.type}): {what} has shape {image.shape}, the first image of its batch "
                f"{images.shape[1:]}; images of different sizes need a crop_size, a new size or a batch_size of 1"
            )
        images[index], labels[index] = image, label

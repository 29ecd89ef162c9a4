"""MemoryData: batches of arrays passed by `Net.set_input_arrays`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...blob import Blob
from ...layer import BlobLayer, Context, Shape, register
from ...proto import pb


@register("MemoryData")
class MemoryData(BlobLayer):
    """Tops: data (N, C, H, W) and labels, (N,) before the first pass and (N, 1, 1, 1) afterwards, as in Caffe.

    The arrays are served batch by batch, repeatedly, without transformation.
    """

    bottoms = (0, 0)
    tops = (2, 2)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.memory_data_param
        self.shape = (options.batch_size, options.channels, options.height, options.width)
        if min(self.shape) < 1:
            raise self.fail("needs positive batch_size, channels, height and width in memory_data_param")
        self._data: np.ndarray | None = None
        self._labels: np.ndarray | None = None
        self._at = 0

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [self.shape, self.shape[:1]]

    def set_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Serve these arrays from their start, without copying.

        data: (n * N, C, H, W) float32, contiguous.  labels: (n * N, 1, 1, 1) float32, contiguous.
        """
        self._check("data", data, self.shape[1:])
        self._check("labels", labels, (1, 1, 1))
        if len(data) != len(labels):
            raise self.fail(f"got {len(data)} items of data and {len(labels)} labels; there must be as many")
        if not len(data) or len(data) % self.shape[0]:
            raise self.fail(f"got {len(data)} items, and takes a multiple of its batch size {self.shape[0]}")
        self._data, self._labels, self._at = data, labels, 0

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        if self._data is None or self._labels is None:
            raise self.fail("has no data yet; pass arrays by set_input_arrays")
        part = slice(self._at, self._at + self.shape[0])
        for top, values in zip(tops, (self._data[part], self._labels[part]), strict=True):
            top.reshape(*values.shape)
            top.data[...] = values
        self._at = (self._at + self.shape[0]) % len(self._data)

    def _check(self, what: str, array: np.ndarray, item: Shape) -> None:
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or not array.flags["C_CONTIGUOUS"]:
            raise self.fail(f"its {what} must be a contiguous array of float32")
        if array.shape[1:] != item or array.ndim != 4:
            raise self.fail(f"its {what} must have shape (n, {', '.join(map(str, item))}); got {array.shape}")

"""MemoryData: batches of arrays that the caller hands over with `Net.set_input_arrays`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...blob import Blob
from ...layer import BlobLayer, Context, Shape, register
from ...proto import pb


@register("MemoryData")
class MemoryData(BlobLayer):
    """Tops: data (N, C, H, W) and labels, (N,) until the first pass and (N, 1, 1, 1) from then on, as in Caffe.

    The arrays are passed over batch by batch, and again from the beginning after their end.  They are not transformed.
    """

    bottoms = (0, 0)
    tops = (2, 2)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        options = definition.memory_data_param
        self.shape = (options.batch_size, options.channels, options.height, options.width)
        if min(self.shape) < 1:
            raise self.fail("give batch_size, channels, height and width in memory_data_param, all positive")
        self._data: np.ndarray | None = None
        self._labels: np.ndarray | None = None
        self._at = 0

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return [self.shape, self.shape[:1]]

    def set_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Begin to serve these arrays, which are not copied.

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
            raise self.fail("has no data yet; give it some with set_input_arrays")
        part = slice(self._at, self._at + self.shape[0])
        for top, values in zip(tops, (self._data[part], self._labels[part]), strict=True):
            top.reshape(*values.shape)
            top.data[...] = values
        self._at = (self._at + self.shape[0]) % len(self._data)

    def _check(self, what: str, array: np.ndarray, item: Shape) -> None:
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or not array.flags["C_CONTIGUOUS"]:
            raise self.fail(f"its {what} must be a contiguous array of float32")
        if array.shape[1:] != item or array.ndim != 4:
            raise self.fail(f"its {what} must have shape (n, {', '.join(map(str, item))}), and have {array.shape}")

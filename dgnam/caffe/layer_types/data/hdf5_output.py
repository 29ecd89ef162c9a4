"""HDF5Output: writes data and labels of one pass to a file."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np

from ....files.paths import replacing
from ...blob import Blob
from ...layer import BlobLayer, Context, Shape, register
from ...proto import pb

_LEGACY_AXES = 4


@register("HDF5Output")
class HDF5Output(BlobLayer):
    """Bottoms: data and labels with equal first axes, written as `data` and `label`, (N, C, H, W) float32.

    A file holds one pass; as in Caffe, a second pass is an error.
    """

    bottoms = (2, 2)
    tops = (0, 0)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.file_name = definition.hdf5_output_param.file_name
        self._written = False
        if not self.file_name:
            raise self.fail("needs a file_name in hdf5_output_param")

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        return []

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        data, labels = (self._legacy(blob.data) for blob in bottoms)
        if len(data) != len(labels):
            raise self.fail(f"its data have {len(data)} items and its labels {len(labels)}; there must be as many")
        if self._written:
            raise self.fail(f"{self.file_name} holds a pass already; give each pass a net, or copy the blobs yourself")
        with replacing(self.file_name) as part, h5py.File(part, "w") as file:
            file.create_dataset("data", data=data)
            file.create_dataset("label", data=labels)
        self._written = True

    def backward_blobs(
        self, context: Context, tops: Sequence[Blob], needs: Sequence[bool], bottoms: Sequence[Blob]
    ) -> None:
        """Leave the bottoms' diffs unchanged: there is no gradient."""

    def _legacy(self, values: np.ndarray) -> np.ndarray:
        if values.ndim > _LEGACY_AXES:
            raise self.fail(f"writes blobs of at most {_LEGACY_AXES} axes; got {values.shape}")
        return values.reshape(*values.shape, *[1] * (_LEGACY_AXES - values.ndim))

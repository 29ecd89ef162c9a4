"""The data layer of nets that see clips: a Python layer, as LRCN's nets have one.

    layer {
      name: "data" type: "Python" top: "data" top: "label"
      python_param {
        module: "dgnam.train.clip_data" layer: "ClipData"
        param_str: '{"source": "sports64-train", "resize": [80, 80], "window": 56, "label": "motion", "clips": 12}'
      }
    }

The trainers read these options and make the batches themselves.  In a net that `dgnam.caffe` runs, the layer does,
where Python layers are allowed (`caffe.allow_python_layers()`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..caffe import Layer
from ..caffe.proto import pb
from ..errors import DgnamError
from .data_layer import clip_layer
from .image_loader import ImageLoader

if TYPE_CHECKING:
    from ..caffe import Blob


class ClipData(Layer):
    """Frames (frames * clips, 3, window, window), BGR, mean-subtracted, all first ones first, and labels (clips,).

    Batches are random with seed 0, and in phase TEST in the order of the clips, cyclic.
    The images are looked for as the trainers do it, in $DGNAM_DATA.
    """

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        if len(top) != 2:
            raise DgnamError(f"ClipData has 2 tops, the frames and the labels, not {len(top)}")
        self.options = clip_layer(self.param_str)
        self.loader = ImageLoader(self.options.load(), self.options, seed=0)
        self.number = 0

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        for blob, shape in zip(top, self.options.shapes, strict=True):
            blob.reshape(*shape)

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        made = self.loader.prepared(self.number) if self.phase == pb.TRAIN else self.loader.in_order(self.number)
        self.number += 1
        for blob, values in zip(top, made, strict=True):
            blob.data[...] = values

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """There is nothing below a data layer."""

"""Python data layers: in a net that `dgnam.caffe` runs, they give the batches that the trainers make."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..caffe import Layer
from ..caffe.proto import pb
from ..errors import DgnamError
from .data_layer import DataLayer
from .image_loader import ImageLoader

if TYPE_CHECKING:
    from ..caffe import Blob


class PythonDataLayer(Layer):
    """Images and labels by the options in the layer's param_str.

    Batches are random with seed 0, and in phase TEST in order, cyclic, as `ImageLoader.in_order` cuts them.
    The images are looked for as the trainers do it, in $DGNAM_DATA.

    contents: what the two tops hold, for the error of another number of them.
    """

    contents: ClassVar[str]

    @staticmethod
    def read(text: str) -> DataLayer:
        """The options in a param_str."""
        raise NotImplementedError

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        if len(top) != 2:
            raise DgnamError(f"{type(self).__name__} has 2 tops, {self.contents}, not {len(top)}")
        self.options = self.read(self.param_str)
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

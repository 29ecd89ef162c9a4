"""E and C of a generator's training: one fixed net, read at several layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..caffe.modules.caffe_module import CaffeModule
from ..data.preprocessing import center_window


class Encoder:
    """The code and the comparator's features of pictures larger than the net's input, from their center.

    code_layer: whose first top is the code, as a whole forward pass leaves it: after a ReLU in place.
    comparator_layers: whose first tops are the features, likewise.

    code_shape: of one code, such as (4096,) or (256, 6, 6).
    feature_shapes: of each comparator layer's features of one picture.
    size: height and width of the window that is seen.
    """

    def __init__(self, net: CaffeModule, code_layer: str, comparator_layers: Sequence[str]):
        self.net = net.eval().requires_grad_(False)
        self.code_layer, self._code = code_layer, _blob(net, code_layer)
        self._features = [_blob(net, layer) for layer in comparator_layers]
        # Later layers can't change the blobs, so the pass may end with the last that writes to one of them.
        self._code_end = _last_writer(net, [self._code, *self._features])
        self._features_end = _last_writer(net, self._features)
        self.code_shape = tuple(net.plan.blob_shapes[net.plan.blob_index(self._code)][1:])
        self.feature_shapes = [tuple(net.plan.blob_shapes[net.plan.blob_index(name)][1:]) for name in self._features]
        height, width = net.plan.blob_shapes[net.plan.inputs[0]][2:]
        self.size = (height, width)

    def __call__(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, 3, H, W) → the code (N, …), and each comparator layer's blob."""
        blobs = self.net(self._window(images), end=self._code_end, keep=[self._code, *self._features])
        return blobs[self._code], [blobs[name] for name in self._features]

    def features(self, images: Tensor) -> list[Tensor]:
        """(N, 3, H, W) → each comparator layer's blob."""
        blobs = self.net(self._window(images), end=self._features_end, keep=self._features)
        return [blobs[name] for name in self._features]

    def _window(self, images: Tensor) -> Tensor:
        return images[(..., *center_window((images.shape[2], images.shape[3]), self.size))]


def _blob(net: CaffeModule, layer: str) -> str:
    """The first top of a layer; an unknown layer is an error that lists the closest."""
    return net.plan.blob_names[net.plan.layers[net.plan.layer_index(layer)].tops[0]]


def _last_writer(net: CaffeModule, blobs: Sequence[str]) -> str:
    """The last layer that has one of `blobs` as a top."""
    names = net.plan.blob_names
    return [w.name for w in net.plan.layers if any(names[top] in blobs for top in w.tops)][-1]

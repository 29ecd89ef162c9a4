"""What a generator is trained to lessen: how far its picture, and its features, are from the real one's, and what gives
it away to the discriminator.

Dosovitskiy & Brox [1]_ weigh sums over a picture, as Caffe's EuclideanLoss makes them; so a weight belongs to one size
of picture and one comparator.  The same terms as ratios, each of order one, serve pictures of any size.

.. [1] A. Dosovitskiy, T. Brox: Generating images with perceptual similarity metrics based on deep networks. NIPS 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import DgnamError

PIXEL_SCALE = 64.0
"""About one standard deviation of mean-subtracted pixels."""


@dataclass(frozen=True)
class Losses:
    """The published losses and their weights [1]_, for the generators of 256 px with CaffeNet's pool5 as comparator.

    image * |x - x'|^2 / 2 + feature * |C(x) - C(x')|^2 / 2 + adversarial * -log D(x', code), each a mean over pictures;
    x in grey levels of 255.
    """

    image: float = 2e-6
    feature: float = 0.01
    adversarial: float = 100.0

    form: ClassVar[str] = "sums"

    def __post_init__(self) -> None:
        for name, weight in asdict(self).items():
            if not (math.isfinite(weight) and weight >= 0):
                raise DgnamError(f"the weight of the {name} loss is {weight}; it must be a number of at least 0")

    def terms(
        self, fake: Tensor, real: Tensor, ours: Sequence[Tensor], theirs: Sequence[Tensor], score: Tensor
    ) -> dict[str, Tensor]:
        """The three losses before they are weighted, in float32.

        fake, real: (N, 3, H, W) BGR, mean-subtracted.  ours, theirs: the comparator's blobs of the two, a layer each.
        score: (N, 1), the discriminator's of `fake`; real above 0.
        """
        return {
            "image": _half_square(fake, real),
            "feature": torch.stack([_half_square(a, b) for a, b in zip(ours, theirs, strict=True)]).sum(),
            "adversarial": F.softplus(-score.float()).mean(),
        }

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of the terms."""
        weights = asdict(self)
        return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


PUBLISHED = Losses()


@dataclass(frozen=True)
class RelativeLosses(Losses):
    """Ratios in place of sums: for pictures of any size, and any layers to compare at.

    image * mean(((x - x') / 64)^2) + feature * mean over layers of |C(x) - C(x')|^2 / |C(x)|^2
    + adversarial * -log D(x', code)
    """

    image: float = 1.0
    feature: float = 1.0
    adversarial: float = 0.1

    form: ClassVar[str] = "ratios"

    def terms(
        self, fake: Tensor, real: Tensor, ours: Sequence[Tensor], theirs: Sequence[Tensor], score: Tensor
    ) -> dict[str, Tensor]:
        ratios = [
            (a.float() - b.float()).square().mean() / b.float().square().mean()
            for a, b in zip(ours, theirs, strict=True)
        ]
        return {
            "image": ((fake.float() - real) / PIXEL_SCALE).square().mean(),
            "feature": torch.stack(ratios).mean(),
            "adversarial": F.softplus(-score.float()).mean(),
        }


def _half_square(ours: Tensor, theirs: Tensor) -> Tensor:
    """Caffe's EuclideanLoss: half the squared distance, a mean over the batch."""
    return (ours.float() - theirs.float()).square().sum() / (2 * len(theirs))

"""Adversarial training, for nets whose gradients point where people see a difference.

Within a ball around each picture, the point that raises the loss most, by its gradient, is what the net learns from
[1]_.  Such a net compares pictures better than others: no speckle brings its features nearer to a photograph's [2]_.

    dgnam train prototxt/resnet-robust-mini/solver.prototxt --adversarial-radius 200 --data DIR --run runs/robust

.. [1] A. Madry et al.: Towards deep learning models resistant to adversarial attacks. ICLR 2018; here with one step.
.. [2] S. Santurkar et al.: Image synthesis with a single (robust) classifier. NeurIPS 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..caffe.modules.caffe_module import CaffeModule
from ..errors import DgnamError
from .passes import Passes

_LEAST_NORM = 1e-12


@dataclass(frozen=True)
class AdversarialExamples:
    """One step up the loss's gradient, from a random place in the ball to its edge.

    radius: of the ball around each image, in gray levels of 255, by the Euclidean norm over all pixels and channels.
    scale: what a gray level is in the net's images.
    """

    radius: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.radius) and self.radius > 0):
            raise DgnamError(f"adversarial radius {self.radius}: give a positive number of gray levels")

    def __call__(self, net: CaffeModule, images: Tensor, labels: Tensor, *, seed: int, passes: Passes) -> Tensor:
        """Images (N, C, H, W) at most `radius` from those given, with a larger loss as a rule.

        seed: of the random places.
        passes: what the pass is computed in.
        """
        radius = self.radius * abs(self.scale)
        draw = torch.Generator(images.device).manual_seed(seed)
        direction = torch.randn(images.shape, generator=draw, device=images.device)
        length = torch.rand((len(images), 1, 1, 1), generator=draw, device=images.device) ** 2
        start = (images + radius * _unit(direction) * length).requires_grad_(True)
        with passes():
            loss = net.loss(net(start, labels))
        (gradient,) = torch.autograd.grad(loss, start)
        moved = start.detach() + radius * _unit(gradient) - images
        norm = moved.flatten(1).norm(dim=1).clamp(min=_LEAST_NORM)[:, None, None, None]
        return images + moved * (radius / norm).clamp(max=1)


def _unit(values: Tensor) -> Tensor:
    """Each of (N, …) brought to a norm of 1."""
    return values / values.flatten(1).norm(dim=1).clamp(min=_LEAST_NORM)[:, None, None, None]

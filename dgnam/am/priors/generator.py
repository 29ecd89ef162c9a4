"""The learned prior: an image generator network, from its first input to its last top."""

from __future__ import annotations

import torch
from torch import Tensor

from ...caffe.module import CaffeModule


class GeneratorPrior:
    """A Caffe generator as a prior: `feat` to `deconv0` in the published ones (conv3's last top is `generated`).

    The module is put into eval mode and its parameters are frozen; `memory_format` is as in `CaffeTarget`.
    """

    def __init__(self, module: CaffeModule, memory_format: torch.memory_format = torch.channels_last):
        self.module = module.eval().requires_grad_(False)
        self.memory_format = memory_format
        plan = module.plan
        self.output = plan.blob_names[plan.layers[-1].tops[0]]
        self.code_shape = tuple(plan.blob_shapes[plan.inputs[0]][1:])
        height, width = plan.blob_shapes[plan.blob_index(self.output)][2:]
        self.image_size = (height, width)

    def __call__(self, codes: Tensor) -> Tensor:
        return self.module(codes)[self.output]

    def to(self, device: torch.device) -> None:
        self.module.to(device=device, memory_format=self.memory_format)  # type: ignore[call-overload]

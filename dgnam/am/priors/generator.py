"""The learned prior: a Caffe generator, from code to image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...caffe.modules.caffe_module import CaffeModule
from ...data.preprocessing import MEAN_BGR
from ...errors import DgnamError
from ..argument_types import checked
from ..borrow import borrowed
from ..torch_modules import from_module, placed, to_module
from .image_values import ImageValues


class GeneratorPrior:
    """A Caffe generator as a prior: `feat` to `deconv0` in the published ones (`generated` in conv3's).

    Its module is in eval mode and frozen during a pass, and left as it was found.

    output: the image's blob, (N, 3, H, W) or, in gray, (N, 1, H, W); None takes the last layer's first top.
    mean, std, scale, channels: the meaning of its values, as in `ImageValues`; by default BGR minus the mean.
    memory_format: as in `CaffeTarget`.

    The net has one input, of any name, with the code's shape after the batch axis: (4096,), or (C, H, W) for the code
    of a convolutional layer.
    """

    @checked
    def __init__(
        self,
        module: CaffeModule,
        memory_format: torch.memory_format = torch.channels_last,
        *,
        output: str | None = None,
        mean: float | Sequence[float] = MEAN_BGR,
        std: float | Sequence[float] = 1.0,
        scale: float = 1.0,
        channels: str = "BGR",
    ):
        self.module = self.running = module
        self.memory_format = memory_format
        self.values = ImageValues(mean, std, scale, channels)
        self.code_shape = _code_shape(module)
        self.output, self.image_size = _output(module, output)
        self.gray = module.plan.blob_shapes[module.plan.blob_index(self.output)][1] == 1

    def __call__(self, codes: Tensor) -> Tensor:
        with borrowed(self.running):
            made = self.running(to_module(codes, self.running), keep=[self.output])[self.output]
        return self.values.images(from_module(made, codes.device))

    def to(self, device: torch.device) -> None:
        self.running = placed(self.module, device)
        self.running.to(memory_format=self.memory_format)  # type: ignore[call-overload]


def _code_shape(module: CaffeModule) -> tuple[int, ...]:
    """Shape of one code: of the net's only input, without the batch axis."""
    plan = module.plan
    if len(plan.inputs) != 1:
        raise DgnamError(
            f"net '{plan.name}': a generator has one input, its code, and this has {len(plan.inputs)}: "
            f"{', '.join(module.input_names) or 'it reads its own data'}"
        )
    shape = tuple(plan.blob_shapes[plan.inputs[0]])
    if len(shape) < 2:
        raise DgnamError(
            f"net '{plan.name}': input '{module.input_names[0]}' has shape {shape}; a code has a batch axis and at "
            "least one more, as in `shape { dim: 1 dim: 4096 }`"
        )
    return shape[1:]


def _output(module: CaffeModule, name: str | None) -> tuple[str, tuple[int, int]]:
    """The image's blob, and its height and width."""
    plan = module.plan
    if name is None:
        tops = plan.layers[-1].tops if plan.layers else ()
        if not tops:
            raise DgnamError(
                f"net '{plan.name}': its last layer has no top that could be the image; name one: output=…"
            )
        name = plan.blob_names[tops[0]]
    shape = tuple(plan.blob_shapes[plan.blob_index(name)])
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise DgnamError(
            f"net '{plan.name}': a generator's output is an image (N, 3, H, W), and '{name}' has shape {shape}; a gray "
            "image is (N, 1, H, W), and another blob may be named: output=…"
        )
    return name, (shape[2], shape[3])

"""A torch module as a prior.

TorchPrior(dcgan, (100, 1, 1))                                          # tanh, RGB
TorchPrior(decoder, (64,), mean=0, std=1)                               # sigmoid, RGB
TorchPrior(deepsim, (4096,), mean=MEAN_BGR, std=1, scale=1, channels="BGR")
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ...errors import DgnamError, shortened
from ..argument_types import check_types
from ..rows import row_fault
from ..torch_modules import at_work, checked_module, from_module, placed, tensors_in, to_module
from .image_values import ImageValues


class TorchPrior:
    """A torch module from codes (N, *code_shape) to images (N, 3, H, W) or, in gray, (N, 1, H, W).

    Its output may hold more, as long as there is one such tensor in it.  The module is left as it was found; during a
    pass it is in eval mode with frozen parameters, and codes come to it on its device and in its precision.

    code_shape: shape of one code, without the batch axis; n stands for (n,).
    image_size: height and width of its images; None measures them.
    mean, std, scale, channels: the meaning of its output, as in `ImageValues`; by default a tanh's, [-1, 1].

    Raises DgnamError at once for a module that fails on such codes or whose output is not (N, 3, H, W).
    """

    def __init__(
        self,
        module: nn.Module,
        code_shape: int | Sequence[int],
        image_size: tuple[int, int] | None = None,
        *,
        mean: float | Sequence[float] = 0.5,
        std: float | Sequence[float] = 0.5,
        scale: float = 1 / 255,
        channels: str = "RGB",
    ):
        self.module = self.running = checked_module(module, "TorchPrior", "codes")
        numbers = {"mean": mean, "std": std, "scale": scale, "channels": channels}
        check_types(TorchPrior.__init__, {"code_shape": code_shape, "image_size": image_size, **numbers})
        self.code_shape = tuple(int(n) for n in (code_shape if isinstance(code_shape, Iterable) else (code_shape,)))
        if not self.code_shape or min(self.code_shape) < 1:
            raise DgnamError(f"code_shape {self.code_shape}: give one size or more, each at least 1")
        self.values = ImageValues(mean, std, scale, channels)
        found = self._try()
        if image_size is not None and tuple(image_size) != found:
            raise DgnamError(f"the module gives images of {found}, and image_size is {tuple(image_size)}")
        self.image_size = found

    def __call__(self, codes: Tensor) -> Tensor:
        return self.values.images(self._output(codes))

    def to(self, device: torch.device) -> None:
        self.running = placed(self.module, device)

    def _try(self) -> tuple[int, int]:
        """Size of its images, from trial passes of one code and of two."""
        codes = torch.randn(2, *self.code_shape, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
        with torch.no_grad():
            fault = row_fault("a prior's module", self._output, codes)
            if fault is not None:
                raise DgnamError(fault)
            height, width = self._output(codes[:1]).shape[2:]
        return height, width

    def _output(self, codes: Tensor) -> Tensor:
        """The image in the module's output, (N, 3, H, W) or (N, 1, H, W) float32."""
        try:
            with at_work(self.running):
                output = self.running(to_module(codes, self.running))
        except Exception as error:  # a module may raise anything
            reason = shortened(str(error), 300)
            raise DgnamError(f"the module cannot take codes of shape {tuple(codes.shape)}: {reason}") from error
        found = [tensor for _, tensor in tensors_in(output)]
        images = [one for one in found if one.dim() == 4 and len(one) == len(codes) and one.shape[1] in (1, 3)]
        if len(images) != 1:
            shapes = ", ".join(str(tuple(one.shape)) for one in found)
            shapes = shapes if isinstance(output, Tensor) else f"a {type(output).__name__} of {shapes}"
            raise DgnamError(
                f"a prior's module gives images (N, 3, H, W), and this gives {shapes} for codes of shape "
                f"{tuple(codes.shape)}; gray images are (N, 1, H, W)"
            )
        return from_module(images[0], codes.device)

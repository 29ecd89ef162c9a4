"""A torch module as a prior.

TorchPrior(dcgan, (100, 1, 1))                                          # tanh, RGB
TorchPrior(decoder, (64,), mean=0, std=1)                               # sigmoid, RGB
TorchPrior(deepsim, (4096,), mean=MEAN_BGR, std=1, scale=1, channels="BGR")
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...errors import DgnamError, shortened
from .image_values import ImageValues


class TorchPrior:
    """A torch module from codes (N, *code_shape) to images (N, 3, H, W), in eval mode with frozen parameters.

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
        if not isinstance(module, nn.Module):
            raise DgnamError(f"a TorchPrior takes a torch.nn.Module, and this is a {type(module).__name__}")
        self.code_shape = (code_shape,) if isinstance(code_shape, int) else tuple(int(n) for n in code_shape)
        if not self.code_shape or min(self.code_shape) < 1:
            raise DgnamError(f"code_shape {self.code_shape}: give one size or more, each at least 1")
        self.module = module.eval().requires_grad_(False)
        self.values = ImageValues(mean, std, scale, channels)
        found = self._try()
        if image_size is not None and tuple(image_size) != found:
            raise DgnamError(f"the module gives images of {found}, and image_size is {tuple(image_size)}")
        self.image_size = found

    def __call__(self, codes: Tensor) -> Tensor:
        return self.values.images(self.module(codes))

    def to(self, device: torch.device) -> None:
        self.module.to(device)

    def _try(self) -> tuple[int, int]:
        """Size of its images, from a trial pass of two codes (batch norm needs more than one)."""
        tensors = (*self.module.parameters(), *self.module.buffers())
        device = next((tensor.device for tensor in tensors), torch.device("cpu"))
        codes = torch.zeros(2, *self.code_shape, device=device)
        try:
            with torch.no_grad():
                output = self.module(codes)
        except Exception as error:  # a module may raise anything
            reason = shortened(str(error), 300)
            raise DgnamError(f"the module cannot take codes of shape {tuple(codes.shape)}: {reason}") from error
        if not isinstance(output, Tensor):
            raise DgnamError(
                f"a prior's module gives one tensor (N, 3, H, W), and this gives a {type(output).__name__}"
            )
        if output.dim() != 4 or tuple(output.shape[:2]) != (2, 3):
            raise DgnamError(
                f"a prior's module gives images (N, 3, H, W), and this gives {tuple(output.shape)} for codes of shape "
                f"{tuple(codes.shape)}"
            )
        return output.shape[2], output.shape[3]

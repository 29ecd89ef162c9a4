"""The method for CaffeNet as one would write it in torch, without this package: what the loop is measured against."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn


class Normalization(nn.LocalResponseNorm):
    """Local response normalization in float32, since torch's has no bfloat16 on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float()).to(x.dtype)


class CaffeNet(nn.Module):
    """CaffeNet: images (N, 3, 227, 227) to probabilities (N, 1000)."""

    size = 227

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, 4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            Normalization(5, 1e-4, 0.75, 1),
            nn.Conv2d(96, 256, 5, padding=2, groups=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            Normalization(5, 1e-4, 0.75, 1),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, 3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1, groups=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(9216, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(4096, 1000),
            nn.Softmax(1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


class Generator(nn.Module):
    """DeePSiM's generator for fc6: codes (N, 4096) to images (N, 3, 256, 256)."""

    def __init__(self) -> None:
        super().__init__()
        dense: list[nn.Module] = []
        for _ in range(3):
            dense += [nn.Linear(4096, 4096), nn.LeakyReLU(0.3, inplace=True)]
        self.dense = nn.Sequential(*dense, nn.Unflatten(1, (256, 4, 4)))
        upward = ((256, 256, 4), (256, 512, 3), (512, 256, 4), (256, 256, 3), (256, 128, 4), (128, 128, 3))
        layers: list[nn.Module] = []
        for inputs, outputs, side in (*upward, (128, 64, 4), (64, 32, 4)):
            stride = 2 if side == 4 else 1
            layers += [nn.ConvTranspose2d(inputs, outputs, side, stride, 1), nn.LeakyReLU(0.3, inplace=True)]
        self.upward = nn.Sequential(*layers, nn.ConvTranspose2d(32, 3, 4, 2, 1))

    def forward(self, codes: Tensor) -> Tensor:
        return self.upward(self.dense(codes))


class ByHand:
    """The loop of the method on both, channels last, in a precision."""

    def __init__(self, device: str = "cpu", precision: str = "float32"):
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        whole = CaffeNet()
        parts = nn.Sequential(whole.features, whole.classifier[:-1]), Generator()  # up to fc8
        self.target, self.generator = (net.eval().to(device, dtype).requires_grad_(False) for net in parts)
        for net in parts:
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device, self.dtype = device, dtype

    def step(self, codes: Tensor, size: float = 8.0) -> Tensor:
        """The codes (N, 4096) after a step; each row climbs the unit of its number."""
        codes = codes.detach().requires_grad_()
        images = self.generator(codes.to(self.dtype)).float()[..., 14:241, 14:241]
        seen = images.detach().requires_grad_()
        rows = torch.arange(len(codes), device=self.device)
        scores = self.target(seen.to(self.dtype)).float()[rows, rows]
        (gradient,) = torch.autograd.grad(scores.sum(), seen)
        change = size / gradient.abs().mean((1, 2, 3), keepdim=True) * gradient
        (gradient,) = torch.autograd.grad(images, codes, change)
        moved = codes.detach() + size / gradient.abs().mean(1, keepdim=True) * gradient
        return moved.clamp(0, 12) * 0.99

    def seconds(self, batch: int, steps: int = 2, clock: Callable[[], float] = time.perf_counter) -> float:
        """Seconds of a step of so many images, the mean of `steps` after a first one that is not counted."""
        codes = torch.randn(batch, 4096, generator=torch.Generator().manual_seed(0)).to(self.device)
        codes = self.step(codes)
        self._wait()
        began = clock()
        for _ in range(steps):
            codes = self.step(codes)
        self._wait()
        return (clock() - began) / steps

    def _wait(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize(self.device)

"""Fourier coefficients in decorrelated colors as the code: no learned prior, but natural images' spectrum and colors.

Gradient ascent in this basis favors low spatial frequencies and gray, as natural images do, and forbids nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...data.preprocessing import MEAN_BGR
from ..argument_types import checked

COLORS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
"""A square root of the covariance of ImageNet's colors, RGB, from decorrelated ones: Lucid's numbers."""

_DARKEST = 1 / 512
"""Half a gray level: a sigmoid reaches neither black nor white."""


class FourierPrior:
    """Images from their Fourier coefficients: Olah et al. 2017 (Feature visualization), as in their code (Lucid).

        t = irfft2(codes / max(f, 1 / the longer side) ** decay * sqrt(H * W)) / 4
        RGB = sigmoid(COLORS / its largest column norm @ t)

    with f the frequency in cycles a pixel: every coefficient of the code moves the image by as much as natural images
    vary at its frequency.  Codes are (2, 3, height, width // 2 + 1), real and imaginary parts of three decorrelated
    colors, of which the first is brightness; 0 is the mid-gray image.

    decay: power of the frequency; 1 is that of natural images' amplitudes, 0 weighs all frequencies alike.
    """

    @checked
    def __init__(self, size: tuple[int, int], decay: float = 1.0):
        height, width = size
        self.image_size, self.decay = (int(height), int(width)), float(decay)
        self.code_shape: tuple[int, ...] = (2, 3, height, width // 2 + 1)
        frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
        lowest = 1 / max(height, width)
        scale = np.sqrt(height * width) / np.maximum(frequencies, lowest) ** decay / 4
        with torch.inference_mode(False):  # so that gradients can pass them
            self._scale = torch.from_numpy(scale)
            self._colors = torch.from_numpy(COLORS / np.linalg.norm(COLORS, axis=0).max())
        self._mean = torch.tensor(MEAN_BGR[::-1], dtype=torch.float64).view(3, 1, 1)

    def __call__(self, codes: Tensor) -> Tensor:
        spectrum = torch.complex(codes[:, 0], codes[:, 1]) * self._scale.to(codes)
        uncorrelated = torch.fft.irfft2(spectrum, s=self.image_size)
        rgb = torch.sigmoid(torch.einsum("ij,njhw->nihw", self._colors.to(codes), uncorrelated))
        return (255 * rgb - self._mean.to(codes)).flip(1)

    def codes_of(self, images: np.ndarray) -> np.ndarray:
        """The codes (N, *code_shape) float32 of images (N, 3, *image_size), BGR, mean-subtracted.

        Black and white, which a sigmoid does not reach, come out half a gray level away.
        """
        levels = (torch.from_numpy(np.asarray(images, np.float64)).flip(1) + self._mean) / 255
        levels = levels.clamp(_DARKEST, 1 - _DARKEST)
        uncorrelated = torch.einsum("ij,njhw->nihw", self._colors.inverse(), torch.logit(levels))
        spectrum = torch.fft.rfft2(uncorrelated) / self._scale
        return torch.stack([spectrum.real, spectrum.imag], 1).to(torch.float32).numpy()

    def to(self, device: torch.device) -> None:
        return None

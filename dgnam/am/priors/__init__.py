"""The map from code to image: a learned generator, or the pixels themselves."""

from .clip_prior import ClipPrior
from .fourier import FourierPrior
from .generator import GeneratorPrior
from .image_values import ImageValues
from .pixels import PixelPrior
from .prior import Prior
from .torch_prior import TorchPrior

__all__ = ["ClipPrior", "FourierPrior", "GeneratorPrior", "ImageValues", "PixelPrior", "Prior", "TorchPrior"]

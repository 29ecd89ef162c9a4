"""What maps a code to an image: a learned generator, or the pixels themselves."""

from .generator import GeneratorPrior
from .pixels import PixelPrior
from .prior import Prior

__all__ = ["GeneratorPrior", "PixelPrior", "Prior"]

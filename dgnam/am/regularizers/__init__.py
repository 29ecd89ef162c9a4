"""The hand-designed priors of pixels, each alone; `Rules` joins them, and `recipes` has the published combinations."""

from .clipping import ColourRange, NormBall, SmallContribution, SmallNorm
from .focus import CentreBias, CentreOnly
from .penalties import L1Penalty, L2Penalty, NormPower, Penalty, TotalVariation
from .smoothing import Blur, Denoise

__all__ = [
    "Blur",
    "CentreBias",
    "CentreOnly",
    "ColourRange",
    "Denoise",
    "L1Penalty",
    "L2Penalty",
    "NormBall",
    "NormPower",
    "Penalty",
    "SmallContribution",
    "SmallNorm",
    "TotalVariation",
]

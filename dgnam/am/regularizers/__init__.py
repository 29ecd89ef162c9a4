"""Regularizers of codes and of pixels, each on its own; `CompositeRegularizer` joins them, presets.py combines them."""

from .blur import Blur
from .bounds import CLIPS, Bounds, act_range_bounds, clip_by_name, color_bounds, unit_box
from .center import CenterBias, CenterOnly
from .color import ColorRange, NormBall
from .composite import CompositeRegularizer
from .denoise import Denoise
from .during import During
from .each_frame import EachFrame
from .l2_decay import L2Decay
from .norm_penalty import NormPenalty
from .norms import L1Penalty, L2Penalty, NormPower
from .penalty import Penalty
from .regularizer import Regularizer, StepContext
from .small_pixels import ClipSmallContribution, ClipSmallNorm
from .smoothness import Smoothness
from .total_variation import TotalVariation

__all__ = [
    "CLIPS",
    "Blur",
    "Bounds",
    "CenterBias",
    "CenterOnly",
    "ClipSmallContribution",
    "ClipSmallNorm",
    "ColorRange",
    "CompositeRegularizer",
    "Denoise",
    "During",
    "EachFrame",
    "L1Penalty",
    "L2Decay",
    "L2Penalty",
    "NormBall",
    "NormPenalty",
    "NormPower",
    "Penalty",
    "Regularizer",
    "Smoothness",
    "StepContext",
    "TotalVariation",
    "act_range_bounds",
    "clip_by_name",
    "color_bounds",
    "unit_box",
]

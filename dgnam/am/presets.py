"""Presets: the hand-designed priors of pixels compared in the paper, and later ones, with their published constants.

    preset = pixel_preset("yosinski2015", target.size)
    jobs = Jobs([Unit("fc8", 3)], [preset.settings], seeds=range(4))
    results = synthesize(target, preset.prior, jobs, clip=preset.clip, start_codes=preset.start)

    facet = dataclasses.replace(pixel_preset("nguyen2016", target.size), start=MeanImageStart.of(*pictures))

Lengths in pixels are the published ones, for images of 227; give `scale`, such as 56 / 227, for smaller ones.  Rates of
gradient ascent are the published ones for such images, and larger for smaller images, by `gain`.  The constants are
from each paper and its authors' code; docstrings say where neither has one, and give ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DgnamError, closest
from .jitter import Jitter
from .priors import FourierPrior, PixelPrior, Prior
from .random_affine import RandomAffine
from .regularizers import (
    Blur,
    Bounds,
    CenterOnly,
    ClipSmallContribution,
    ClipSmallNorm,
    ColorRange,
    CompositeRegularizer,
    Denoise,
    During,
    L2Decay,
    L2Penalty,
    NormBall,
    NormPower,
    Regularizer,
    TotalVariation,
    color_bounds,
)
from .settings import Settings, without_prior
from .starts import NoiseStart, RandomStart, Start, ZeroStart
from .steps import AdaGradStep, AdamStep, FixedIncreaseStep, GradientStep, Linear, Phases, UpdateRule

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class PixelPreset:
    """All arguments of an ascent in pixels but its objectives and seeds.

    clip: the loop's clip, before the regularizers; None if a regularizer does it, or nothing.
    source: publication and code of the constants.
    """

    prior: Prior
    settings: Settings
    clip: Bounds | None
    start: Start
    source: str

    def start_codes(self, seeds: Sequence[int]) -> np.ndarray:
        """(n, *code_shape) float32, for a job of each seed."""
        return self.start.codes(seeds, self.prior.code_shape)


def pixel_preset(name: str, size: Size, scale: float = 1.0, gain: float | None = None) -> PixelPreset:
    """The preset of this name for a target of `size`, height and width.

    scale: factor of lengths in pixels (the radius of a blur, the width of a jitter).
    gain: factor of the objective for steps that follow its gradient's magnitude (Simonyan, Yosinski); a higher one
        makes more contrast.  None takes `default_gain`, 1 for images of about 227 pixels.
    """
    if name not in PIXEL_PRESETS:
        known = closest(name, PIXEL_PRESETS, limit=len(PIXEL_PRESETS))
        raise DgnamError(f"there is no pixel prior '{name}'; the known ones, the closest first: {known}")
    if len(size) != 2 or min(size) < 2:
        raise DgnamError(f"size {size}: give height and width, each at least 2 pixels")
    gain = default_gain(size) if gain is None else gain
    for what, number in (("scale", scale), ("gain", gain)):
        if not (math.isfinite(number) and number > 0):
            raise DgnamError(f"{what} {number}: give a finite number above 0")
    return PIXEL_PRESETS[name](size, scale, gain)


def default_gain(size: Size) -> float:
    """The cube of 227 / the side of an image of `size`, rounded, at least 1.

    Fewer pixels must each change more for the same change of a unit, and a small net's gradient by a pixel is no larger
    than CaffeNet's.  This accounts for the square; the cube is ours, measured on caffenet-mini (56 pixels: 67), where
    the square lets Yosinski's strongest decay erase the image.
    """
    return float(max(1, round((227**2 / (size[0] * size[1])) ** 1.5)))


def pixels(size: Size, scale: float, gain: float) -> PixelPreset:
    """The control without a prior: the published steps in pixels, clipped to colors."""
    return PixelPreset(
        PixelPrior(size), without_prior(), color_bounds(size), RandomStart(), "the control of this project"
    )


def simonyan2014(size: Size, scale: float, gain: float) -> PixelPreset:
    """Gradient ascent on the score minus lambda * |x|^2 from the zero image; the mean image is added afterwards.

    Their Sec. 2.  The paper has neither lambda nor the rate nor the number of steps, and there is no code; ours are
    lambda 5e-5 and a rate of 100, which together shrink x by 1 % a step, as does the default of Yosinski's code, and
    200 steps.  No clip.
    """
    settings = Settings(200, Linear(100 * gain, 100 * gain), L2Penalty(5e-5 / gain), GradientStep())
    return PixelPreset(PixelPrior(size), settings, None, ZeroStart(), _SIMONYAN)


def yosinski2015(size: Size, scale: float, gain: float) -> PixelPreset:
    """Row 3 of their Table 1, of most of their figures, the smoothest: little decay and a wide blur."""
    return _yosinski(size, 1000, 100 * gain, GradientStep(), L2Decay(1 - 0.0001), Blur(1.0 * scale, 4))


def yosinski2015_b(size: Size, scale: float, gain: float) -> PixelPreset:
    """Row 1 of their Table 1: a narrow blur, and the half of the pixels with the smallest norms clipped."""
    return _yosinski(size, 500, 100 * gain, FixedIncreaseStep(2.0), Blur(0.5 * scale, 4), ClipSmallNorm(50))


def yosinski2015_c(size: Size, scale: float, gain: float) -> PixelPreset:
    """Row 2 of their Table 1: strong decay, and the fifth of the pixels with the smallest norms clipped."""
    return _yosinski(size, 750, 100 * gain, GradientStep(), L2Decay(1 - 0.3), ClipSmallNorm(20))


def yosinski2015_d(size: Size, scale: float, gain: float) -> PixelPreset:
    """Row 4 of their Table 1: a narrow blur, and all but the tenth of the pixels that contributes most clipped."""
    return _yosinski(size, 1000, 1e8, FixedIncreaseStep(2.0), Blur(0.5 * scale, 4), ClipSmallContribution(90))


def nguyen2016(size: Size, scale: float, gain: float) -> PixelPreset:
    """Denoising by total variation, less and less of it, and late steps in the center only.

    The five phases, with steps, step sizes and weights, are those of their code for the center bias.  Theirs also
    enlarge the image by 1.2 before the second and the third, crop it at random, and maximize the unit's probability in
    the first two; ours has one size and one objective.  They start from noise of 8 around the gray 175, or from the
    mean image of a cluster (`MeanImageStart`).  (Their other script, for mean images, has smaller steps, 1 to 2.)
    """
    weights = [Denoise(start, end, steps) for steps, _, _, start, end in _PHASES]
    firsts = np.cumsum([0, *(steps for steps, *_ in _PHASES)]).tolist()
    parts: list[Regularizer] = [During(firsts[k], firsts[k + 1], weights[k]) for k in range(len(_PHASES))]
    parts.append(During(firsts[3], firsts[4], CenterOnly(50 / 227)))
    schedule = Phases.of([(steps, first, last) for steps, first, last, _, _ in _PHASES])
    settings = Settings(schedule.n_iters, schedule, CompositeRegularizer(tuple(parts)))
    return PixelPreset(PixelPrior(size), settings, color_bounds(size), NoiseStart(8, gray=175), _NGUYEN)


def mahendran2016(size: Size, scale: float, gain: float) -> PixelPreset:
    """Total variation, a soft and a hard bound of colors, and jitter.

    B = 80 is the magnitude of a natural image's colors, mean-subtracted, and 6.5 pixels the distance over which they
    vary.  The penalties are the mean over pixels of |x|^6 / B^6 and of the squared variation times (6.5 / B)^2; a
    color's norm is at most 2 B; 300 steps of AdaGrad with a momentum of 0.9 and a rate of 0.05 B^2 / 6 for each pixel;
    the start is uniform noise with a 0.95 quantile of B / sqrt(3).  The jitter's width is a quarter of the layer's
    stride: 8 for 32, the stride of CaffeNet's layers from pool5 on, with an image 7 pixels larger.
    The activation is divided by the unit's maximum over real images, and multiplied by 10000 / the area of its
    receptive field (355 of 227 pixels for fc8).  That maximum is not known here; ours is 30, so weight the objective by
    30 / the unit's own.  Their ReLUs have a slope of 0.05 below 0; ours have none.
    """
    jitter = max(1, round(8 * scale))
    outer = (size[0] + jitter - 1, size[1] + jitter - 1)
    weight = 10000 / (355 / 227) ** 2 / (size[0] * size[1]) / _GREATEST
    regularizer = CompositeRegularizer(
        (NormPower(_B**-6 / weight, 6), TotalVariation((6.5 * scale / _B) ** 2 / weight, 2), NormBall(2 * _B))
    )
    rate = outer[0] * outer[1] * 0.05 * _B**2 / 6 * weight
    settings = Settings(300, Linear(rate, rate), regularizer, AdaGradStep(0.9), Jitter(jitter))
    start = NoiseStart(_B / math.sqrt(3) / 0.9, uniform=True)
    return PixelPreset(PixelPrior(outer), settings, None, start, _MAHENDRAN)


def olah2017(size: Size, scale: float, gain: float) -> PixelPreset:
    """Fourier coefficients of decorrelated colors by Adam, under random shifts, scalings and rotations.

    Their code's defaults: 512 steps of 0.05 from coefficients of deviation 0.01, `standard_transforms`, no penalty; a
    sigmoid keeps colors displayable.  Theirs show the net images of any size; ours have the target's.
    """
    moves = RandomAffine(round(8 * scale), 0.1, 10, round(4 * scale))
    settings = Settings(512, Linear(0.05, 0.05), L2Decay(1.0), AdamStep(), moves)
    return PixelPreset(FourierPrior(size), settings, None, NoiseStart(0.01), _OLAH)


def _yosinski(size: Size, steps: int, rate: float, update_rule: UpdateRule, *parts: Regularizer) -> PixelPreset:
    """From noise of 10 around the mean; after its regularizers each step clips pixels to colors."""
    settings = Settings(steps, Linear(rate, rate), CompositeRegularizer((*parts, ColorRange())), update_rule)
    return PixelPreset(PixelPrior(size), settings, None, NoiseStart(10), _YOSINSKI)


_B = 80.0
_GREATEST = 30.0

_PHASES = (
    (190, 11.0, 11.0, 0.001, 0.05),
    (150, 6.0, 6.0, 0.01, 0.08),
    (150, 1.0, 1.0, 0.01, 2.0),
    (30, 3.0, 3.0, 0.1, 2.0),
    (10, 6.0, 3.0, 0.01, 2.0),
)
"""Of each: steps, first and last step size, start and end of the denoising's weight."""

_SIMONYAN = (
    "Simonyan, Vedaldi, Zisserman: Deep inside convolutional networks: visualising image classification models and "
    "saliency maps. ICLR workshop 2014, arXiv:1312.6034, Sec. 2"
)
_YOSINSKI = (
    "Yosinski, Clune, Nguyen, Fuchs, Lipson: Understanding neural networks through deep visualization. ICML deep "
    "learning workshop 2015, arXiv:1506.06579, Table 1; code: yosinski/deep-visualization-toolbox, optimize_image.py"
)
_NGUYEN = (
    "Nguyen, Yosinski, Clune: Multifaceted feature visualization: uncovering the different types of features learned "
    "by each neuron in deep neural networks. ICML visualization workshop 2016, arXiv:1602.03616; code: "
    "Evolving-AI-Lab/mfv, act_max.tvd.center.py"
)
_MAHENDRAN = (
    "Mahendran, Vedaldi: Visualizing deep convolutional neural networks using natural pre-images. IJCV 2016, "
    "arXiv:1512.02017; code: aravindhm/nnpreimage, core/get_defaults.m and nnpreimage.m"
)

_OLAH = (
    "Olah, Mordvintsev, Schubert: Feature visualization. Distill 2017, doi:10.23915/distill.00007; code: "
    "tensorflow/lucid, optvis/param/spatial.py, param/color.py, transform.py and render.py"
)

PIXEL_PRESETS: dict[str, Callable[[Size, float, float], PixelPreset]] = {
    "pixels": pixels,
    "simonyan2014": simonyan2014,
    "yosinski2015": yosinski2015,
    "yosinski2015-b": yosinski2015_b,
    "yosinski2015-c": yosinski2015_c,
    "yosinski2015-d": yosinski2015_d,
    "nguyen2016": nguyen2016,
    "mahendran2016": mahendran2016,
    "olah2017": olah2017,
}
"""The presets by name."""

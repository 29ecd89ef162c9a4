"""The hand-designed priors of pixels that the paper compares with, as they were published, by name.

    recipe = pixel_recipe("yosinski2015", target.size)
    jobs = [Job(Unit("fc8", 3), seed, recipe.settings) for seed in range(4)]
    results = synthesize(target, recipe.prior, jobs, clip=recipe.clip, start_codes=recipe.start)

    facet = dataclasses.replace(pixel_recipe("nguyen2016", target.size), start=MeanImageStart.of(*pictures))

Lengths in pixels are the published ones, for images of 227: for smaller ones `scale` may be given, as 56 / 227.  Rates
of gradient ascent are the published ones for such images, and for smaller ones more, by `gain`.  The constants are
facts from each paper and its authors' code; where neither has one, the docstring says so, and what ours is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DgnamError, closest
from .jitter import Jitter
from .priors import PixelPrior, Prior
from .regularizers import (
    Blur,
    CentreOnly,
    ColourRange,
    Denoise,
    L2Penalty,
    NormBall,
    NormPower,
    SmallContribution,
    SmallNorm,
    TotalVariation,
)
from .regularizers.bounds import Bounds
from .regularizers.regularizer import During, Regularisation, Rules, Shrink
from .settings import Settings, without_prior
from .starts.pixels import NoiseStart, ZeroStart
from .starts.start import RandomStart, Start
from .steps.schedule import Linear, Phases
from .steps.update_rule import AdaGrad, Ascent, Plain, Progress

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that a search in pixels takes but its objectives and seeds.

    clip: what the loop clips to, before the rules; None where the rules do it in their own place, or nothing does.
    source: the publication and the code that the constants are from.
    """

    prior: Prior
    settings: Settings
    clip: Bounds | None
    start: Start
    source: str

    def start_codes(self, seeds: Sequence[int]) -> np.ndarray:
        """(n, *code_shape) float32: what `synthesize` takes, for a job of each seed."""
        return self.start.codes(seeds, self.prior.code_shape)


def pixel_recipe(name: str, size: Size, scale: float = 1.0, gain: float | None = None) -> Recipe:
    """The recipe of this name for a target of `size`, height and width.

    scale: what lengths in pixels are multiplied with (the radius of a blur, the width of a jitter).
    gain: what the objective is multiplied with where the step follows its gradient's size (Simonyan, Yosinski), so that
        a higher one makes more contrast; None: `default_gain`, which is 1 for images of about 227 pixels.
    """
    if name not in PIXEL_RECIPES:
        known = closest(name, PIXEL_RECIPES, limit=len(PIXEL_RECIPES))
        raise DgnamError(f"there is no pixel prior '{name}'; the known ones, the closest first: {known}")
    if len(size) != 2 or min(size) < 2:
        raise DgnamError(f"size {size}: give height and width, each at least 2 pixels")
    gain = default_gain(size) if gain is None else gain
    for what, number in (("scale", scale), ("gain", gain)):
        if not (math.isfinite(number) and number > 0):
            raise DgnamError(f"{what} {number}: give a finite number above 0")
    return PIXEL_RECIPES[name](size, scale, gain)


def default_gain(size: Size) -> float:
    """The cube of 227 / the side of an image of `size`, as a whole number, and at least 1.

    The fewer the pixels, the more each must change to change a unit as much, and a small net's gradient by a pixel is
    no larger than CaffeNet's.  That alone asks for the square; the cube is ours, measured on caffenet-mini (56 pixels:
    67), where with the square Yosinski's strongest decay leaves nothing of the image.
    """
    return float(max(1, round((227**2 / (size[0] * size[1])) ** 1.5)))


def pixels(size: Size, scale: float, gain: float) -> Recipe:
    """No prior at all, the control: the published steps in pixels, clipped to colours."""
    prior = PixelPrior(size)
    return Recipe(prior, without_prior(), prior.bounds, RandomStart(), "the control of this project")


def simonyan2014(size: Size, scale: float, gain: float) -> Recipe:
    """The score minus an L2 penalty, lambda * |x|^2, climbed from the zero image; the mean image is added afterwards.

    Their Sec. 2.  Neither lambda nor the rate nor the number of steps is in the paper, and there is no code; ours:
    lambda 5e-5 and a rate of 100, which together shrink x by 1 % a step, as the default of Yosinski's code does, and
    200 steps.  Nothing is clipped.
    """
    settings = Settings(200, Linear(100 * gain, 100 * gain), L2Penalty(5e-5 / gain), Plain())
    return Recipe(PixelPrior(size), settings, None, ZeroStart(), _SIMONYAN)


def yosinski2015(size: Size, scale: float, gain: float) -> Recipe:
    """Row 3 of their Table 1, which made most of their figures and the smoothest: little decay, and a wide blur."""
    rules = (Shrink(1 - 0.0001), Blur(1.0 * scale, 4))
    return _yosinski(size, 1000, 100 * gain, Plain(), rules)


def yosinski2015_b(size: Size, scale: float, gain: float) -> Recipe:
    """Row 1 of their Table 1: a narrow blur, and half of the pixels, those of the least norm, empty."""
    return _yosinski(size, 500, 100 * gain, Progress(2.0), (Blur(0.5 * scale, 4), SmallNorm(50)))


def yosinski2015_c(size: Size, scale: float, gain: float) -> Recipe:
    """Row 2 of their Table 1: strong decay, and a fifth of the pixels, those of the least norm, empty."""
    return _yosinski(size, 750, 100 * gain, Plain(), (Shrink(1 - 0.3), SmallNorm(20)))


def yosinski2015_d(size: Size, scale: float, gain: float) -> Recipe:
    """Row 4 of their Table 1: a narrow blur, and all but a tenth of the pixels, those that contribute, empty."""
    return _yosinski(size, 1000, 1e8, Progress(2.0), (Blur(0.5 * scale, 4), SmallContribution(90)))


def nguyen2016(size: Size, scale: float, gain: float) -> Recipe:
    """Denoising by total variation, ever less of it, and late steps in the middle alone.

    The five phases are those of their code for the centre bias: steps, step sizes and weights.  Theirs enlarge the
    image by 1.2 before the second and the third and see it through windows at random places, and take the first two
    for the unit's probability; ours has one size and one objective.  They start from noise of 8 around the grey 175,
    or from the mean image of a cluster, which is `MeanImageStart`.  (Their other script, for mean images, has smaller
    steps, 1 to 2.)
    """
    weights = [Denoise(start, end, steps) for steps, _, _, start, end in _PHASES]
    firsts = np.cumsum([0, *(steps for steps, *_ in _PHASES)]).tolist()
    rules: list[Regularisation] = [During(firsts[k], firsts[k + 1], weights[k]) for k in range(len(_PHASES))]
    rules.append(During(firsts[3], firsts[4], CentreOnly(50 / 227)))
    schedule = Phases.of([(steps, first, last) for steps, first, last, _, _ in _PHASES])
    prior = PixelPrior(size)
    settings = Settings(schedule.n_iters, schedule, Rules(tuple(rules)))
    return Recipe(prior, settings, prior.bounds, NoiseStart(8, grey=175), _NGUYEN)


def mahendran2016(size: Size, scale: float, gain: float) -> Recipe:
    """Total variation, a bounded range both soft and hard, and jitter.

    B = 80 is the size of a natural image's colours, less the mean, and 6.5 pixels the distance over which they vary.
    The penalties are the mean over pixels of |x|^6 / B^6 and of the squared variation times (6.5 / B)^2; a colour's
    norm is at most 2 B; 300 steps of `AdaGrad` with a momentum of 0.9 and a rate of 0.05 B^2 / 6 for each pixel; the
    start is uniform noise whose 0.95 quantile is B / sqrt(3).  The jitter has a quarter of the layer's stride as
    its width: 8 for 32, that of CaffeNet's layers from pool5 on, so that the image is 7 pixels larger.
    The activation is divided by the greatest that the unit has on real images, and multiplied with 10000 / the area of
    its receptive field (355 of 227 pixels for fc8).  That greatest activation belongs to a unit and is not known
    here; ours: 30, so for another give the objective, a `Unit`, the weight 30 / it.  Their ReLUs leak 0.05 of what is
    below 0 on the way; ours don't.
    """
    jitter = max(1, round(8 * scale))
    outer = (size[0] + jitter - 1, size[1] + jitter - 1)
    weight = 10000 / (355 / 227) ** 2 / (size[0] * size[1]) / _GREATEST
    rules = Rules(
        (NormPower(_B**-6 / weight, 6), TotalVariation((6.5 * scale / _B) ** 2 / weight, 2), NormBall(2 * _B))
    )
    rate = outer[0] * outer[1] * 0.05 * _B**2 / 6 * weight
    settings = Settings(300, Linear(rate, rate), rules, AdaGrad(0.9), Jitter(jitter))
    start = NoiseStart(_B / math.sqrt(3) / 0.9, uniform=True)
    return Recipe(PixelPrior(outer), settings, None, start, _MAHENDRAN)


def _yosinski(size: Size, steps: int, rate: float, ascent: Ascent, rules: tuple[Regularisation, ...]) -> Recipe:
    """The start is noise of 10 around the mean; after the rules of a step each pixel is clipped to colours."""
    settings = Settings(steps, Linear(rate, rate), Rules((*rules, ColourRange())), ascent)
    return Recipe(PixelPrior(size), settings, None, NoiseStart(10), _YOSINSKI)


_B = 80.0
_GREATEST = 30.0

# Steps, the first and last step size, and the weights of the denoising.
_PHASES = (
    (190, 11.0, 11.0, 0.001, 0.05),
    (150, 6.0, 6.0, 0.01, 0.08),
    (150, 1.0, 1.0, 0.01, 2.0),
    (30, 3.0, 3.0, 0.1, 2.0),
    (10, 6.0, 3.0, 0.01, 2.0),
)

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

PIXEL_RECIPES: dict[str, Callable[[Size, float, float], Recipe]] = {
    "pixels": pixels,
    "simonyan2014": simonyan2014,
    "yosinski2015": yosinski2015,
    "yosinski2015-b": yosinski2015_b,
    "yosinski2015-c": yosinski2015_c,
    "yosinski2015-d": yosinski2015_d,
    "nguyen2016": nguyen2016,
    "mahendran2016": mahendran2016,
}
"""The recipes by name."""

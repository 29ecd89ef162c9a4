"""The hooks do nothing by default."""

import numpy as np

from dgnam.am import (
    Bounds,
    CenterBias,
    CenterOnly,
    ClipSmallContribution,
    ClipSmallNorm,
    ColorRange,
    Denoise,
    L1Penalty,
    L2Penalty,
    NormBall,
    NormPower,
    Regularizer,
    Smoothness,
)
from tests.am.regularizers.images import IMAGES, at


def test_hooks_are_no_ops():
    plain = Regularizer()
    assert plain.penalty_gradient(IMAGES) is None
    assert plain.mask(IMAGES, at(0)) is IMAGES
    codes = np.ones((1, 2))
    assert plain.project(codes, at(0)) is codes
    assert plain.label == "Regularizer"


def test_the_parts_of_file_names():
    own = {
        "center0.22": CenterOnly(),
        "bias0.5": CenterBias(0.5),
        "colors": ColorRange(),
        "ball160": NormBall(160),
        "tvd1-0.25": Denoise(1, 0.25, 3),
        "l2_0.1": L2Penalty(0.1),
        "l1_2": L1Penalty(2),
        "norm3_0.5": NormPower(0.5, 3),
        "norm30pct": ClipSmallNorm(30),
        "contribution7.5pct": ClipSmallContribution(7.5),
        "smooth0.1": Smoothness(0.1),
        "clip": Bounds(0, 1),
    }
    assert [one.label for one in own.values()] == list(own)

"""The hooks do nothing by default."""

import numpy as np

from dgnam.am import Regularizer
from tests.am.regularizers.images import IMAGES, at


def test_hooks_are_no_ops():
    plain = Regularizer()
    assert plain.penalty_gradient(IMAGES) is None
    assert plain.mask(IMAGES, at(0)) is IMAGES
    codes = np.ones((1, 2))
    assert plain.project(codes, at(0)) is codes
    assert plain.label == "Regularizer"

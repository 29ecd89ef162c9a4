"""Several regularizers as one."""

import pytest
import torch

from dgnam.am import (
    Blur,
    CenterOnly,
    ColorRange,
    CompositeRegularizer,
    During,
    L1Penalty,
    L2Decay,
    L2Penalty,
    TotalVariation,
)
from dgnam.errors import DgnamError
from tests.am.regularizers.images import IMAGES, at


def test_penalties_add_up_and_projections_come_in_order():
    composite = CompositeRegularizer((L2Decay(0.5), L2Penalty(1.0), ColorRange(), L1Penalty(3.0)))
    assert torch.allclose(composite.penalty_gradient(IMAGES), -2 * IMAGES - 3 * IMAGES.sign())
    assert torch.equal(composite.project(IMAGES, at(0)), ColorRange().project(IMAGES * 0.5, at(0)))
    assert not torch.equal(composite.project(IMAGES, at(0)), ColorRange().project(IMAGES, at(0)) * 0.5)


def test_no_penalty_without_one_among_the_parts():
    assert CompositeRegularizer((L2Decay(0.5), Blur(1.0))).penalty_gradient(IMAGES) is None


def test_masks_of_all_parts_apply():
    mask = During(2, 3, CenterOnly(0.2))
    composite = CompositeRegularizer((L2Decay(0.5), mask))
    assert torch.equal(composite.mask(IMAGES, at(2)), mask.mask(IMAGES, at(2)))


def test_parts_get_the_step():
    composite = CompositeRegularizer((CompositeRegularizer((Blur(1.0, 4),)), L2Decay(0.5)))
    assert torch.equal(composite.project(IMAGES, at(3)), IMAGES * 0.5)
    assert torch.equal(composite.project(IMAGES, at(4)), Blur(1.0).project(IMAGES, at(0)) * 0.5)


def test_composites_are_values_with_a_label():
    composite = CompositeRegularizer((L2Decay(0.9999), Blur(1.0, 4), TotalVariation(0.01)))
    assert composite == CompositeRegularizer((L2Decay(0.9999), Blur(1.0, 4), TotalVariation(0.01)))
    assert len({composite, CompositeRegularizer((Blur(1.0, 4),))}) == 2
    assert composite.label == "0.9999+blur1x4+tv2_0.01"


@pytest.mark.parametrize("parts", [(), [L2Decay(0.5)]])
def test_parts_other_than_a_filled_tuple_raise(parts):
    with pytest.raises(DgnamError, match="a tuple of one or more regularizers"):
        CompositeRegularizer(parts)

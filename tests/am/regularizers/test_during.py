"""A regularizer for some of the steps."""

import pytest
import torch

from dgnam.am import Blur, CenterOnly, CompositeRegularizer, During, L2Decay, L2Penalty
from dgnam.errors import DgnamError
from tests.am.regularizers.images import IMAGES, at


def test_a_regularizer_counts_its_steps_from_0():
    during = During(10, 20, Blur(1.0, 4))
    changed = [step for step in range(30) if not torch.equal(during.project(IMAGES, at(step)), IMAGES)]
    assert changed == [10, 14, 18]


def test_a_mask_holds_for_its_steps():
    during = During(2, 3, CenterOnly(0.2))
    assert torch.equal(during.mask(IMAGES, at(1)), IMAGES)
    assert (during.mask(IMAGES, at(2))[:, :, 0] == 0).all()


def test_l2_decay_may_hold_for_some_steps():
    during = During(1, 2, L2Decay(0.5))
    assert torch.equal(during.project(IMAGES, at(1)), IMAGES / 2)
    assert during.label == "0.5@1-2"


@pytest.mark.parametrize("regularizer", [L2Penalty(1.0), CompositeRegularizer((Blur(1.0),))])
def test_possible_penalties_raise(regularizer):
    with pytest.raises(DgnamError, match="without a penalty"):
        During(0, 10, regularizer)


def test_no_steps_raise():
    with pytest.raises(DgnamError, match="first < until"):
        During(10, 10, Blur(1.0))

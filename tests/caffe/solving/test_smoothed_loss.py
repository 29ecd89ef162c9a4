import numpy as np
import pytest

from dgnam.caffe.solving.smoothed_loss import SmoothedLoss


def test_the_mean_goes_over_the_last_losses_alone():
    smoothed = SmoothedLoss(2)
    assert [smoothed.add(loss, i) for i, loss in enumerate([1, 2, 4, 8])] == pytest.approx([1, 1.5, 3, 6])


def test_it_rounds_to_float32_as_caffe_does():
    assert SmoothedLoss(1).add(0.1, 0) == float(np.float32(0.1)) != 0.1

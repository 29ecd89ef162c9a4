"""The gain of frames in their order."""

import numpy as np
import pytest

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import frame_orders, frozen_order, order_gain, reversed_order
from dgnam.measure.statistics import decide, mean


def gains(activation, clips, order=None):
    """The order gain of clips (N, T, d) by an activation of clips (M, T, d)."""
    orders = frame_orders(clips.shape[1], 100)
    permuted = np.stack([activation(clips[:, order]) for order in orders], 1)
    return order_gain(activation(clips if order is None else clips[:, order]), permuted)


def moving(draw, count=22):
    """Clips of 16 frames that drift along one direction."""
    return np.arange(16)[None, :, None] * np.ones(8) + draw.normal(0, 1, (count, 16, 8))


def forward_motion(clips):
    return np.clip(np.diff(clips, axis=1), -2, 2).mean((1, 2))


def test_a_net_that_sees_motion_gains_by_order():
    clips = moving(np.random.default_rng(0))
    assert decide(mean(gains(forward_motion, clips)), above=1).outcome == "holds"
    assert gains(forward_motion, clips, reversed_order(16)).max() < -1
    assert abs(gains(forward_motion, clips, frozen_order(16))).max() < 1


def test_a_net_that_averages_frames_gains_nothing():
    """In float32, where the order of summation leaves rounding errors."""
    clips = moving(np.random.default_rng(1)).astype(np.float32)
    found = gains(lambda x: 10 + np.cumsum(x, 1)[:, -1].sum(1), clips)
    assert abs(found).max() < 0.2
    assert decide(mean(found, level=0.90), within=0.2).outcome == "holds"


def test_clips_in_a_random_order_gain_nothing():
    clips = np.random.default_rng(2).normal(size=(200, 16, 8))
    found = mean(gains(forward_motion, clips))
    assert found.low < 0 < found.high


def test_gain_by_hand():
    assert order_gain([5.0], [[1.0, 2.0, 3.0]]).tolist() == pytest.approx([3])
    assert order_gain([0.0], [[0.0, 0.0]]).tolist() == [0]


def test_orders_are_different_permutations():
    orders = frame_orders(16)
    assert orders.shape == (100, 16)
    assert (np.sort(orders, axis=1) == np.arange(16)).all()
    assert len({tuple(order) for order in orders}) == 100
    assert tuple(range(16)) not in {tuple(order) for order in orders}
    assert (frame_orders(16) == orders).all()
    assert len(frame_orders(3, 5)) == 5


def test_reversed_and_frozen():
    assert reversed_order(4).tolist() == [3, 2, 1, 0]
    assert frozen_order(4).tolist() == [2, 2, 2, 2]


def test_bad_arguments():
    with pytest.raises(ArrayError, match="3 frames have 5 other orders, and 6 were asked for"):
        frame_orders(3, 6)
    with pytest.raises(DgnamError, match="frames 1 must be at least 2"):
        frame_orders(1)
    with pytest.raises(ArrayError, match="two orders or more"):
        order_gain([1.0], [[1.0]])
    with pytest.raises(ArrayError, match="lengths differ"):
        order_gain([1.0], [[1.0, 2.0]] * 2)

"""Agreement of maps, its sweep and its nulls."""

from functools import partial

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from dgnam.errors import ArrayError
from dgnam.measure import iou_at_equal_area, iou_sweep, map_spearman, other_units_null, shifted_null


def maps(seed, count=30, side=32):
    return gaussian_filter(np.random.default_rng(seed).normal(size=(count, side, side)), (0, 3, 3))


def test_iou_by_hand():
    first = np.arange(100.0).reshape(1, 10, 10)
    assert iou_at_equal_area(first, first, 0.1).tolist() == [1]
    assert iou_at_equal_area(first, -first, 0.1).tolist() == [0]
    assert iou_at_equal_area(first, np.roll(first, 5), 0.1).tolist() == pytest.approx([5 / 15])


def test_only_the_order_of_values_counts():
    a, b = maps(0), maps(1)
    assert (iou_at_equal_area(a, b, 0.1) == iou_at_equal_area(np.exp(a), 5 * b, 0.1)).all()
    np.testing.assert_allclose(map_spearman(a, b), map_spearman(np.exp(a), 5 * b))


def test_unrelated_noise_comes_to_chance():
    draw = np.random.default_rng(2)
    a, b = draw.normal(size=(2, 200, 20, 20))
    for share, found in zip((0.05, 0.1, 0.2), iou_sweep(a, b), strict=True):
        assert found.mean() == pytest.approx(share / (2 - share), rel=0.15)


def test_ties_do_not_agree_by_their_order():
    """Two maps that are zero nearly everywhere: agreement at 20 % of the area is by chance."""
    first, second = np.zeros((2, 100, 20, 20))
    first[:, 0, 0] = second[:, 19, 19] = 1
    assert iou_at_equal_area(first, second, 0.2).mean() == pytest.approx(0.2 / 1.8, rel=0.1)


def test_sweep_has_a_row_for_each_share():
    a, b = maps(3), maps(4)
    found = iou_sweep(a, b, (0.05, 0.5))
    assert found.shape == (2, 30)
    assert (found[1] == iou_at_equal_area(a, b, 0.5)).all()


def test_spearman_equals_scipys():
    a, b = maps(5, 3), maps(6, 3)
    wanted = [spearmanr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
    assert map_spearman(a, b).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("agreement", [partial(iou_at_equal_area, share=0.1), map_spearman], ids=["iou", "spearman"])
def test_planted_agreement_stands_out_of_both_nulls_and_none_does_not(agreement):
    a = maps(7)
    related, unrelated = a + 0.5 * maps(8), maps(9)
    for null in (lambda b: shifted_null(agreement, a, b, count=50), lambda b: other_units_null(agreement, a, b)):
        beaten = (agreement(a, related) > np.quantile(null(related), 0.95, axis=0)).mean()
        assert beaten > 0.9
        chance = (agreement(a, unrelated) > np.quantile(null(unrelated), 0.95, axis=0)).mean()
        assert chance < 0.25


def test_other_units_see_a_common_center_bias():
    """Maps that agree only in being high at the center agree with those of others, but not with shifted ones."""
    y, x = np.mgrid[:32, :32]
    center = np.exp(-((y - 16) ** 2 + (x - 16) ** 2) / 100)
    a, b = 3 * center + maps(10), 3 * center + maps(11)
    value = map_spearman(a, b).mean()
    assert value > shifted_null(map_spearman, a, b).mean() + 0.3
    assert value == pytest.approx(other_units_null(map_spearman, a, b).mean(), abs=0.05)


def test_null_shapes_and_no_shift_by_nothing():
    a = np.arange(4.0).reshape(1, 2, 2)
    null = shifted_null(map_spearman, a, a, count=60)
    assert null.shape == (60, 1)
    assert (null < 1).all()
    assert other_units_null(map_spearman, maps(12, 5), maps(13, 5)).shape == (4, 5)


def test_bad_arguments():
    with pytest.raises(ArrayError, match="shapes differ"):
        map_spearman(np.ones((2, 3, 3)), np.ones((2, 3, 4)))
    with pytest.raises(ArrayError, match="second: map 1 is constant"):
        map_spearman(maps(0, 2), np.stack([maps(1, 1)[0], np.ones((32, 32))]))
    with pytest.raises(ArrayError, match="share 5: give one between 0 and 1"):
        iou_at_equal_area(maps(0), maps(1), 5)
    with pytest.raises(ArrayError, match="two or more"):
        other_units_null(map_spearman, maps(0, 1), maps(1, 1))

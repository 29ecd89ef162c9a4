"""Pictures of two methods paired at equal activation."""

import numpy as np
import pytest

from dgnam.errors import ArrayError, DgnamError
from dgnam.experiments.claims import AT_EQUAL_ACTIVATION, claims
from dgnam.experiments.equal_activation import pair, unpaired
from dgnam.experiments.pictures import Pictures


def searches(*activations, units=(4, 7)):
    """A search for each row of activations of the units; a picture shows its search's place and its unit."""
    made = []
    for place, values in enumerate(activations):
        images = np.array([[place, unit, 0] for unit in units], np.float32).reshape(len(units), 3, 1, 1)
        made.append(Pictures(images, units, (0,), np.array(values, np.float32).reshape(len(units), 1)))
    return made


def places(pictures):
    """Which search each picture is of; it still shows its own unit."""
    assert pictures.images[:, 1].ravel().tolist() == list(pictures.units)
    return pictures.images[:, 0].ravel().tolist()


def test_of_equal_activations_those_that_reach_most():
    ours = searches([1, 2], [5, 4], [20, 9])
    theirs = searches([1.05, 2.1], [5.2, 8.5], [7, 9.2])
    pairs = pair(ours, theirs)
    assert (places(pairs.ours), places(pairs.theirs), pairs.share) == ([1, 2], [1, 2], 1)
    assert pairs.ours.measured.ravel().tolist() == [5, 9]
    assert pairs.theirs.measured.ravel().tolist() == pytest.approx([5.2, 9.2])


def test_units_without_equal_ones_are_left_out():
    pairs = pair(searches([10, 1], [30, 3]), searches([15, 1.05], [100, 40]))
    assert (pairs.ours.units, pairs.theirs.units, pairs.share) == ([7], [7], 0.5)
    assert (places(pairs.ours), places(pairs.theirs)) == ([0], [0])
    assert pairs.theirs.measured.ravel().tolist() == pytest.approx([1.05])


def test_none_may_be_left():
    pairs = pair(searches([10, 1]), searches([15, 2]))
    assert (len(pairs.ours), len(pairs.theirs), pairs.share) == (0, 0, 0)
    with pytest.raises(ArrayError, match="no units have pictures of equal activation"):
        unpaired(level=0.95)


def test_negative_activations_are_compared_by_their_distance():
    pairs = pair(searches([-5, -1], [2, 3]), searches([-4.9, -3], [9, 3.1]))
    assert (places(pairs.ours), places(pairs.theirs), pairs.share) == ([0, 1], [0, 1], 1)


def test_a_part_at_equal_activation_has_the_bound_of_the_part():
    claim = claims()["sec3.1-previous"]
    assert claim.bound(f"KID, yosinski2015{AT_EQUAL_ACTIVATION}") == claim.bounds["KID, yosinski2015"]
    with pytest.raises(DgnamError, match="has no part 'KID, yosinsky2015"):
        claim.bound(f"KID, yosinsky2015{AT_EQUAL_ACTIVATION}")

"""What experiments make: units and seeds at each scale, networks and real pictures."""

import numpy as np
import pytest
from PIL import Image

from dgnam.api.targets import open_target
from dgnam.experiments.making import evenly
from tests.experiments.an_experiment import context


@pytest.mark.parametrize(("scale", "count", "seeds"), [("smoke", 4, 1), ("small", 200, 1), ("full", 200, 5)])
def test_the_scale_is_how_many_units_and_seeds(scale, count, seeds):
    made = context(scale=scale)
    assert (len(made.units), made.units[0], made.units[-1]) == (count, 0, 199)
    assert made.seeds == list(range(3, 3 + seeds))


def test_units_are_spread_evenly_over_both_halves():
    chosen = evenly(range(200), 20)
    assert (len(chosen), chosen[0], chosen[-1]) == (20, 0, 199)
    assert set(np.diff(chosen)) <= {9, 11, 13}


@pytest.mark.parametrize("count", [4, 6, 8, 20, 40, 50, 80, 100, 120, 150, 184, 199])
def test_units_of_odd_index_are_spread_as_well_as_all(count):
    """Classes are in an order, animals first, and the outside judge sees those of odd index."""
    chosen = np.array(evenly(range(200), count))
    odd = chosen[chosen % 2 == 1]
    assert (len(chosen), len(set(chosen.tolist()))) == (count, count)
    assert (np.diff(chosen) > 0).all()
    assert abs(len(odd) - count / 2) <= 1
    assert abs((odd < 100).sum() - len(odd) / 2) <= 1


def test_of_few_units_some_are_left_out():
    assert evenly([5, 7, 9], 1) == [5]
    assert evenly([5, 7, 9], 2) == [7, 9]
    assert evenly([5, 7, 9], 3) == evenly([5, 7, 9], None) == [5, 7, 9]
    assert evenly([5, 7, 9, 11, 13], 2) == [5, 9 + 2]


def test_another_network_s_units_of_the_same_classes():
    target, units = context([0, 3, 199]).with_matching_units("net", open_target("googlenet-mini"))
    assert units == [0, 3, 199]
    assert target.target.size == (56, 56)
    assert target.scores.startswith("net.")


def test_pictures_of_another_size_are_resized_before_the_crop(tmp_path):
    (tmp_path / "tinyimagenet64").mkdir()
    for side, name in ((64, "a"), (128, "b")):
        Image.fromarray(np.full((side, side, 3), side, np.uint8)).save(tmp_path / "tinyimagenet64" / f"{name}.png")
    (tmp_path / "tinyimagenet64" / "val.txt").write_text("a.png 0\nb.png 1\n")
    made = context()
    made.arguments = {**made.arguments, "data": tmp_path}
    shown, labels = made.shown(made.held_out)
    assert shown.shape == (2, 56, 56, 3)
    assert shown[:, 0, 0, 0].tolist() == [64, 128]
    assert labels.tolist() == [0, 1]

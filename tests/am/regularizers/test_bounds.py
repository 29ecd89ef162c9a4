"""Bounds of codes, and the files that hold them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from dgnam.am import Bounds, StepContext, act_range_bounds, clip_by_name, color_bounds, unit_box
from dgnam.errors import DgnamError, FormatError
from dgnam.zoo import read_act_range

PUBLISHED = Path(__file__).parents[3].parent / "shared" / "data" / "act_range_3x_fc6.txt"


def test_code_is_clipped_to_0_and_act_range():
    bounds = act_range_bounds(np.array([1.0, 2.0, 3.0], np.float32))
    assert np.array_equal(bounds.clip(np.array([[-1.0, 2.5, 2.5]])), [[0, 2, 2.5]])


def test_bounds_may_be_one_number_for_all():
    assert np.array_equal(Bounds(-1, 1).shaped((2,)).clip(np.array([[-3.0, 0.5]])), [[-1, 0.5]])


def test_project_clips_arrays_and_tensors_alike():
    bounds = act_range_bounds(np.array([1.0, 2.0, 3.0], np.float32))
    codes = torch.tensor([[-1.0, 2.5, torch.nan]])
    found = bounds.project(codes, StepContext(0, codes))
    assert found.dtype == torch.float32
    assert np.array_equal(found, bounds.project(codes.numpy(), StepContext(0, codes)), equal_nan=True)


def test_color_bounds_are_black_and_white():
    bounds = color_bounds((2, 2))
    assert bounds.lower.shape == bounds.upper.shape == (3, 2, 2)
    assert bounds.lower[:, 0, 0].tolist() == [-104, -117, -123]
    assert bounds.upper[:, 0, 0].tolist() == [151, 138, 132]


def test_clip_leaves_nan():
    assert np.isnan(act_range_bounds(np.ones(1)).clip(np.array([[np.nan]]))).all()


def test_bounds_take_the_shape_of_a_convolutional_code():
    assert act_range_bounds(np.arange(24.0)).shaped((6, 2, 2)).upper.shape == (6, 2, 2)


def test_bounds_of_another_size_raise():
    with pytest.raises(DgnamError, match=r"bounds are of 3 neurons.*has 4"):
        act_range_bounds(np.ones(3)).shaped((4,))


def test_published_text_of_integers_is_read(tmp_path):
    (tmp_path / "fc6.txt").write_text("12 11 13")
    assert np.array_equal(read_act_range(tmp_path / "fc6.txt"), np.float32([12, 11, 13]))


def test_hdf5_of_ours_is_read(tmp_path):
    with h5py.File(tmp_path / "act_range.h5", "w") as file:
        file["act_range"] = np.array([1.5, 2.5], np.float64)
    values = read_act_range(tmp_path / "act_range.h5")
    assert values.dtype == np.float32
    assert values.tolist() == [1.5, 2.5]


def test_published_act_range_of_fc6():
    if not PUBLISHED.exists():
        pytest.skip("the published act_range_3x_fc6.txt is missing: ../shared/data is not there")
    values = read_act_range(PUBLISHED)
    assert values.shape == (4096,)
    assert values[:5].tolist() == [12, 11, 13, 13, 12]


@pytest.mark.parametrize("text", ["", "1 2 x", "1 nan", "1 inf"])
def test_act_range_rejects_text_without_numbers(tmp_path, text):
    (tmp_path / "broken.txt").write_text(text)
    with pytest.raises(FormatError, match=r"broken\.txt"):
        read_act_range(tmp_path / "broken.txt")


def test_hdf5_without_the_dataset_raises(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["codes"] = [1.0]
    with pytest.raises(FormatError, match=r"other\.h5.*'codes'"):
        read_act_range(tmp_path / "other.h5")


def test_unit_box_is_minus_1_to_1_by_default():
    assert unit_box().shaped((3,)).clip(np.array([[-3.0, 0.5, 9.0]])).tolist() == [[-1, 0.5, 1]]
    assert unit_box(0, 1).clip(np.array([[-3.0, 0.5]])).tolist() == [[0, 0.5]]


@pytest.mark.parametrize("ends", [(1, -1), (1, 1), (float("nan"), 1), (0, float("inf"))])
def test_unit_box_of_unordered_or_infinite_ends_raises(ends):
    with pytest.raises(DgnamError, match=r"unit box \[.*two finite ends"):
        unit_box(*ends)


def test_clips_by_name():
    upper = np.array([1.0, 2.0], np.float32)
    assert clip_by_name("none", upper) is None
    assert (clip_by_name("unit").lower, clip_by_name("unit", upper).upper) == (-1, 1)
    assert np.array_equal(clip_by_name("act_range", upper).upper, upper)
    assert not clip_by_name("act_range", upper).lower.any()


def test_unknown_clip_lists_the_closest():
    with pytest.raises(DgnamError, match="clip 'actrange': give one of act_range"):
        clip_by_name("actrange")
    with pytest.raises(DgnamError, match="'act_range': this prior has no act_range"):
        clip_by_name("act_range")


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (1.0, -1.0, "each lower one at most"),
        (0.0, float("nan"), "NaN"),
        (np.zeros(3), np.array([1.0, 1.0, -1.0]), "each lower one at most"),
        (np.zeros(3), np.ones(4), "3 lower and 4 upper values"),
    ],
)
def test_unordered_or_nan_bounds_raise(lower, upper, message):
    with pytest.raises(DgnamError, match=message):
        Bounds(lower, upper)


def test_bounds_are_copied_to_a_device_once():
    """Told of the meta device, since that is no CPU."""
    bounds, codes = Bounds(-1.0, np.ones(3, np.float32)), torch.zeros(2, 3, device="meta", dtype=torch.float16)
    lower, upper = bounds._like(codes)
    assert (lower.device.type, lower.shape, upper.shape, upper.dtype) == ("meta", (), (3,), torch.float16)
    again = bounds._like(codes)
    assert (again[0] is lower, again[1] is upper) == (True, True)
    assert bounds._like(codes.float())[0] is not lower
    assert bounds._like(torch.zeros(2, 3))[1].tolist() == [1, 1, 1]

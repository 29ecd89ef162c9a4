"""What statistics take as arrays."""

import numpy as np
import pytest
import torch

from dgnam.errors import ArrayError
from dgnam.measure.arrays import as_numpy, features, finite, labels, per_unit, pictures, same_length, whole_numbers


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool]
)
def test_tensors_of_any_type(dtype):
    values = torch.tensor([0, 1, 1]).to(dtype)
    assert finite(values, "values").tolist() == [0, 1, 1]


def test_doubles_keep_their_digits():
    third = torch.tensor([1 / 3], dtype=torch.float64, requires_grad=True)
    assert finite(third, "values")[0] == 1 / 3


def test_features_are_rows_and_units_means():
    assert features(np.ones((4, 2, 3)), "features").shape == (4, 6)
    assert per_unit([[1, 3], [5, 5]], "values").tolist() == [2, 5]


def test_large_finite_numbers_stay():
    assert finite(np.array([1e300]), "values")[0] == 1e300


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: finite([1, None], "scores"), "scores: numbers are needed, and these are object"),
        (lambda: finite([1j], "scores"), "complex"),
        (lambda: finite(3.0, "scores", 1), "1 dimensions are needed"),
        (lambda: finite([[0, 1], [np.inf, 2]], "scores"), r"scores: inf at \(1, 0\)"),
        (lambda: features([1, 2], "features"), "a row for each of 1 or more pictures"),
        (lambda: labels([0.5], "classes"), "classes: whole numbers or names"),
        (lambda: labels(["a", None], "classes"), "object"),
        (lambda: labels([["a"]], "classes"), r"\(1, 1\)"),
        (lambda: whole_numbers([True], "places"), "bool"),
        (lambda: same_length(a=3, b=[1]), "a, b: arrays are needed, and one is a single value"),
        (lambda: pictures(np.zeros((2, 4, 4), np.uint8), "shown"), r"shown: pictures \(N, H, W, 3\) uint8"),
        (lambda: as_numpy([[1], [1, 2]], "rows"), "rows: not an array"),
    ],
)
def test_what_cannot_be_used_has_one_clear_error(call, message):
    with pytest.raises(ArrayError, match=message):
        call()


@pytest.mark.parametrize("shape", [(0, 2, 2, 3), (1, 2, 2, 4), (2, 2, 3)])
def test_what_is_no_picture(shape):
    with pytest.raises(ArrayError, match=r"pictures \(N, H, W, 3\) uint8 are needed"):
        pictures(np.zeros(shape, np.uint8), "shown")

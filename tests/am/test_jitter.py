"""Shifts by the seed and the step."""

import pytest
import torch

from dgnam.am import Jitter
from dgnam.errors import DgnamError


def test_shift_depends_on_seed_and_step():
    shifts = [Jitter(8).shift(seed, step) for seed in range(4) for step in range(50)]
    assert shifts == [Jitter(8).shift(seed, step) for seed in range(4) for step in range(50)]
    assert len(set(shifts[:50])) > 25
    assert shifts[:50] != shifts[50:100]


@pytest.mark.parametrize(("pixels", "reach"), [(1, {0}), (2, {-1, 0}), (5, {-2, -1, 0, 1, 2})])
def test_there_are_as_many_shifts_along_each_axis(pixels, reach):
    shifts = [Jitter(pixels).shift(0, step) for step in range(200)]
    assert {down for down, _ in shifts} == {right for _, right in shifts} == reach


def test_image_is_rolled_by_the_shift():
    image = torch.arange(3 * 6 * 5.0).view(3, 6, 5)
    down, right = Jitter(5).shift(7, 3)
    moved = Jitter(5)(image, 7, 3)
    assert moved[1, (2 + down) % 6, (4 + right) % 5] == image[1, 2, 4]


def test_no_shift_at_all_is_an_error():
    with pytest.raises(DgnamError, match=r"Jitter\(0\)"):
        Jitter(0)

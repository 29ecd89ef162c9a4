"""The published start."""

import numpy as np

from dgnam.am import RandomStart, random_code


def test_start_code_is_numpys_normal_by_the_seed():
    np.random.seed(7)
    drawn = np.random.normal(0, 1, (1, 4096))
    assert np.array_equal(random_code(7, (1, 4096)), drawn.astype(np.float32))


def test_start_code_leaves_the_global_random_state():
    before = np.random.get_state()[1].copy()
    random_code(0, (1, 8))
    assert np.array_equal(before, np.random.get_state()[1])


def test_each_seed_has_its_published_code():
    codes = RandomStart().codes([3, 0, 3], (2, 4))
    assert codes.shape == (3, 2, 4)
    assert np.array_equal(codes[1:2], random_code(0, (1, 2, 4)))
    assert np.array_equal(codes[0], codes[2])


def test_it_is_recorded_by_its_name():
    assert RandomStart().as_dict() == {"start": "random"}

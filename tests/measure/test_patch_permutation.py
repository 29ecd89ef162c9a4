"""Permuted patches."""

import numpy as np
import pytest
import torch

from dgnam.errors import ArrayError
from dgnam.measure import permutation_drop, permute_patches


def patches(image, grid):
    side = image.shape[1] // grid
    return [image[:, side * i : side * (i + 1), side * j : side * (j + 1)] for i in range(grid) for j in range(grid)]


@pytest.mark.parametrize("grid", [2, 4, 7])
def test_the_same_patches_in_another_order(grid):
    images = np.random.default_rng(0).normal(size=(5, 3, 28, 28)).astype(np.float32)
    mixed = permute_patches(images, grid=grid)
    assert mixed.dtype == np.float32
    for before, after in zip(images, mixed, strict=True):
        assert (before != after).any()
        assert {p.tobytes() for p in patches(before, grid)} == {p.tobytes() for p in patches(after, grid)}


def test_never_the_own_order():
    images = np.arange(4.0).reshape(1, 1, 2, 2).repeat(500, 0)
    assert not (permute_patches(images, grid=2) == images).all((1, 2, 3)).any()


def test_the_seed_decides():
    images = torch.rand(3, 3, 8, 8)
    assert (permute_patches(images) == permute_patches(images)).all()
    assert (permute_patches(images, seed=1) != permute_patches(images)).any()


def test_the_drop_tells_an_object_from_a_texture():
    """A detector of one large shape, and one of small fragments wherever they are."""
    shape = np.kron(np.random.default_rng(1).normal(size=(4, 4)), np.ones((8, 8)))[None, None]
    images = shape + 0.1 * np.random.default_rng(2).normal(size=(30, 1, 32, 32))
    drops = {}
    for name, score in {
        "object": lambda x: (x * shape).mean((1, 2, 3)),
        "texture": lambda x: np.abs(x).mean((1, 2, 3)),
    }.items():
        mixed = np.stack([score(permute_patches(images, seed=seed)) for seed in range(5)], 1)
        drops[name] = permutation_drop(score(images), mixed)
    assert drops["object"].min() > 0.2
    assert abs(drops["texture"]).max() < 1e-9


def test_drop_by_hand():
    assert permutation_drop([3, 5], [[1, 2], [5, 5]]).tolist() == [1.5, 0]
    assert permutation_drop([3, 5], [1, 5]).tolist() == [2, 0]


def test_bad_arguments():
    with pytest.raises(ArrayError, match="multiples of 4"):
        permute_patches(np.ones((1, 3, 10, 12)))
    with pytest.raises(ArrayError, match="multiples of 4"):
        permute_patches(np.ones((3, 12, 12)))
    with pytest.raises(ArrayError, match="lengths differ"):
        permutation_drop([1, 2], [1])


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (2, 0, 8, 8), (2, 3, 0, 8)])
def test_no_pictures_are_an_error(shape):
    with pytest.raises(ArrayError, match="of one picture or more"):
        permute_patches(np.zeros(shape))

"""Class activation maps are exact, and blobs are counted."""

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import class_activation_maps, find_blobs


def test_the_mean_of_a_map_is_the_judges_score():
    judge = zoo.load("judge-mini").eval()
    images = torch.randn(3, 3, 56, 56, generator=torch.Generator().manual_seed(0)) * 50
    with torch.no_grad():
        blobs = judge(images, keep=["res5b", "fc"])
    weights, bias = judge.weights()["fc"]
    classes = np.array([3, 100, 199])
    maps = class_activation_maps(blobs["res5b"], weights, classes)
    assert maps.shape == (3, *blobs["res5b"].shape[2:])
    scores = blobs["fc"].numpy()[np.arange(3), classes]
    np.testing.assert_allclose(maps.mean((1, 2)) + bias[classes], scores, rtol=1e-4, atol=1e-4)


def bumps(centers, side=32, width=2.0):
    y, x = np.mgrid[:side, :side]
    return sum((np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * width**2)) for a, b in centers), np.zeros((side, side)))


def test_planted_blobs_are_counted():
    maps = np.stack([bumps([(16, 16)]), bumps([(6, 6), (25, 25), (6, 25)]), bumps([(5, 5)]) + 0.4 * bumps([(25, 25)])])
    found = find_blobs(maps)
    assert found.counts.tolist() == [1, 3, 1]
    assert found.largest.tolist() == pytest.approx([1, 1 / 3, 1])


def test_scale_does_not_matter():
    maps = np.random.default_rng(0).normal(size=(20, 7, 7))
    assert (find_blobs(maps).counts == find_blobs(100 * maps).counts).all()


def test_corners_do_not_connect():
    assert find_blobs([[[1, 0], [0, 1]]]).counts.tolist() == [2]
    assert find_blobs([[[1, 1], [0, 1]]]).counts.tolist() == [1]


def test_a_map_without_evidence_has_no_blob():
    found = find_blobs([[[-1.0, -2.0]], [[0.0, 0.0]]])
    assert found.counts.tolist() == [0, 0]
    assert found.largest.tolist() == [0, 0]


def test_interpolation_joins_no_separate_blobs():
    maps = bumps([(1, 1), (5, 5)], side=7, width=0.7)[None]
    found = find_blobs(maps, (56, 56))
    assert found.counts.tolist() == [2]
    assert found.largest[0] == pytest.approx(0.5, abs=0.05)


def test_bad_arguments():
    features, weights = np.ones((2, 3, 4, 4)), np.ones((5, 3))
    with pytest.raises(ArrayError, match="whole numbers from 0 to 4"):
        class_activation_maps(features, weights, [0, 5])
    with pytest.raises(ArrayError, match=r"classes: whole numbers \(N,\)"):
        class_activation_maps(features, weights, [0.0, 1.0])
    with pytest.raises(ArrayError, match="lengths differ: features 2, classes 1"):
        class_activation_maps(features, weights, [0])
    with pytest.raises(ArrayError, match="of 3 channels"):
        class_activation_maps(features, np.ones((5, 4)), [0, 1])
    with pytest.raises(ArrayError, match="3 dimensions"):
        find_blobs(np.ones((4, 4)))


@pytest.mark.parametrize("size", [(0, 0), (3, 0), 5, (3,), ("a", "b"), (2.5, 3)])
def test_sizes_are_two_whole_numbers(size):
    with pytest.raises(DgnamError, match=r"size|height|width"):
        find_blobs(np.ones((1, 4, 4)), size)

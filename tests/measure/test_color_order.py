"""The classifier of colors' order, against ridge regression by hand."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import fit_color_order


def pictures(count, seed):
    """Pictures that are redder than blue."""
    draw = np.random.default_rng(seed)
    return (draw.random((count, 5, 4, 3)) * (255, 180, 90)).astype(np.uint8)


def shares(shown):
    """The roots of the shares of 6x6x6 colors."""
    found = np.zeros((len(shown), 6, 6, 6))
    for row, picture in zip(found, shown, strict=True):
        for color in picture.reshape(-1, 3):
            red, green, blue = (int(level) * 6 // 256 for level in color)
            row[red, green, blue] += 1
    return np.sqrt(found.reshape(len(shown), -1) / (shown.shape[1] * shown.shape[2]))


def test_weights_are_those_of_ridge_regression():
    shown = pictures(12, 0)
    found = fit_color_order(shown)
    rows = np.concatenate([shares(shown), shares(shown[..., [2, 0, 1]])])
    scale = rows.std(0) + 1e-6
    standard = (rows - rows.mean(0)) / scale
    wanted = np.repeat([-1.0, 1.0], 12)
    weights = np.linalg.solve(standard.T @ standard + 0.1 * 24 * np.eye(216), standard.T @ wanted)
    assert np.allclose(found.weights, weights / scale, atol=1e-9)
    scores = standard @ weights
    assert np.allclose(found.score(shown), scores[:12], atol=1e-6)
    assert found.score(shown).max() < 0 < found.score(shown[..., [2, 0, 1]]).min()


def test_the_order_of_new_pictures_is_told():
    found = fit_color_order(pictures(60, 1))
    new = pictures(40, 2)
    assert (found.score(new) < 0).mean() > 0.9
    assert (found.score(new[..., [2, 0, 1]]) > 0).mean() > 0.9


def test_pictures_that_do_not_tell():
    assert fit_color_order(pictures(2, 3)).weights.shape == (216,)
    with pytest.raises(ArrayError, match="1 pictures whose colors do not tell"):
        fit_color_order(pictures(1, 3))
    with pytest.raises(ArrayError, match="3 pictures whose colors do not tell"):
        fit_color_order(np.full((3, 2, 2, 3), 90, np.uint8))

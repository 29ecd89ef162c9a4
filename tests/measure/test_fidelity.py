"""Density and coverage."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import density_and_coverage


def by_loops(real, synthetic, k):
    radii = [np.sort(np.linalg.norm(real - x, axis=1))[k] for x in real]
    inside = np.array(
        [[np.linalg.norm(x - y) < radius for y in synthetic] for x, radius in zip(real, radii, strict=True)]
    )
    return inside.sum() / (k * len(synthetic)), inside.any(1).mean()


def test_equals_loops():
    draw = np.random.default_rng(0)
    real, synthetic = draw.normal(size=(30, 3)), draw.normal(0.5, 1, (20, 3))
    found = density_and_coverage(real, synthetic, 3)
    assert (found.density, found.coverage) == pytest.approx(by_loops(real, synthetic, 3))


def test_other_real_pictures_come_to_the_expected_values():
    draw = np.random.default_rng(1)
    n, m, k = 400, 300, 5
    found = [density_and_coverage(draw.normal(size=(n, 4)), draw.normal(size=(m, 4))) for _ in range(30)]
    i = np.arange(1, k + 1)
    assert np.mean([f.density for f in found]) == pytest.approx(1, abs=0.02)
    assert np.mean([f.coverage for f in found]) == pytest.approx(1 - np.prod((n - i) / (m + n - i)), abs=0.01)


def test_far_pictures_have_neither():
    draw = np.random.default_rng(2)
    found = density_and_coverage(draw.normal(size=(100, 4)), 50 + draw.normal(size=(100, 4)))
    assert (found.density, found.coverage) == (0, 0)


def test_one_picture_repeated_covers_little():
    real = np.random.default_rng(3).normal(size=(200, 4))
    found = density_and_coverage(real, np.zeros((200, 4)))
    assert found.density > 0.3
    assert found.coverage < 0.2


def test_half_of_the_classes_cover_half():
    draw = np.random.default_rng(4)
    centers = 20 * draw.normal(size=(10, 6))
    real = np.repeat(centers, 50, 0) + draw.normal(size=(500, 6))
    half = np.repeat(centers[:5], 100, 0) + draw.normal(size=(500, 6))
    assert density_and_coverage(real, half).coverage == pytest.approx(0.5, abs=0.03)


def test_too_few_real_pictures():
    with pytest.raises(ArrayError, match="6 or more pictures"):
        density_and_coverage(np.ones((5, 2)), np.ones((5, 2)))

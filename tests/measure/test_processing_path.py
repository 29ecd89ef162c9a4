"""Path similarity is on the scale of real pictures."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import path_similarity


def layer(draw, classes, per_class, mix=1.0, d=200, centers=None):
    """Activations: a pattern of the class, and one of the picture."""
    labels = np.repeat(np.arange(classes), per_class)
    return mix * centers[labels] + draw.normal(size=(len(labels), d)), labels


@pytest.fixture
def planted():
    draw = np.random.default_rng(0)
    centers = draw.normal(size=(20, 200))
    real, labels = layer(draw, 20, 15, centers=centers)
    return draw, centers, real, labels


def test_the_scale_by_loops(planted):
    _, _, real, labels = planted
    found = path_similarity(real[:1], labels[:1], real, labels)
    table = np.corrcoef(real)
    equal = labels[:, None] == labels
    off = ~np.eye(len(labels), dtype=bool)
    assert found.same == pytest.approx(table[equal & off].mean())
    assert found.different == pytest.approx(table[~equal].mean())


def test_other_real_pictures_come_to_1_and_those_of_other_classes_to_0(planted):
    draw, centers, real, labels = planted
    more, theirs = layer(draw, 20, 10, centers=centers)
    assert path_similarity(more, theirs, real, labels).values.mean() == pytest.approx(1, abs=0.05)
    assert path_similarity(more, (theirs + 1) % 20, real, labels).values.mean() == pytest.approx(0, abs=0.05)


def test_a_planted_half_is_found(planted):
    """Half of the class pattern's share of the variance: 0.25 / 1.25 against 1 / 2, by correlations with real ones."""
    draw, centers, real, labels = planted
    weak, theirs = layer(draw, 20, 50, mix=0.5, centers=centers)
    wanted = (0.5 / np.sqrt(1.25 * 2)) / (1 / 2)
    assert path_similarity(weak, theirs, real, labels).values.mean() == pytest.approx(wanted, abs=0.05)


def test_maps_are_flattened_and_scale_and_offset_do_not_matter(planted):
    _, _, real, labels = planted
    plain = path_similarity(real, labels, real, labels).values
    shaped = path_similarity(7 + 3 * real.reshape(-1, 2, 10, 10), labels, real, labels).values
    np.testing.assert_allclose(plain, shaped)


def test_bad_arguments(planted):
    _, _, real, labels = planted
    alike = np.array([[1.0, 0, 0], [0, 1, 0]] * 2)  # each picture is like one of the other class
    with pytest.raises(ArrayError, match="no scale"):
        path_similarity(alike, [0, 0, 1, 1], alike, [0, 0, 1, 1])
    with pytest.raises(ArrayError, match="real: no picture of class 99"):
        path_similarity(real[:1], [99], real, labels)
    with pytest.raises(ArrayError, match="1 classes, the smallest of 300"):
        path_similarity(real, labels, real, np.zeros(300, int))
    with pytest.raises(ArrayError, match="synthetic, minus each row's mean: row 1 is 0"):
        path_similarity([[1, 2], [3, 3]], [0, 0], real[:, :2], labels)
    with pytest.raises(ArrayError, match="numbers of features differ"):
        path_similarity(real[:, :3], labels, real, labels)

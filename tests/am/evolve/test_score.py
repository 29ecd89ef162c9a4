"""Scores: a unit as a black box, and what scores may be."""

import numpy as np
import pytest
import torch

from dgnam.am import CaffeTarget, Diversity, Unit
from dgnam.am.evolve import UnitScore, check_scores
from dgnam.data.preprocessing import preprocess
from dgnam.errors import DgnamError


@pytest.fixture
def target(tiny_modules):
    return CaffeTarget(tiny_modules[0])


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(0).randint(0, 256, (5, 32, 32, 3)).astype(np.uint8)


def test_a_unit_sees_the_preprocessed_center(target, images):
    center = torch.from_numpy(preprocess(images[:, 2:30, 2:30]))
    wanted = target(center, ["fc8", "conv5"])
    objective = 2 * Unit("fc8", 3) - Unit("conv5", 1, (2, 4))
    expected = 2 * wanted["fc8"][:, 3] - wanted["conv5"][:, 1, 2, 4]
    found = UnitScore(target, objective, batch_size=2)(images)
    assert (found.shape, found.dtype) == ((5,), np.float64)
    assert np.abs(found - expected.numpy()).max() < 1e-5 * np.abs(expected.numpy()).max()


def test_pictures_of_another_size_are_resized(target):
    assert UnitScore(target, Unit("fc8", 3))(np.zeros((2, 9, 9, 3), np.uint8)).shape == (2,)


def test_diversity_sees_all_pictures_at_once(target, images):
    together = UnitScore(target, Diversity("fc6"), batch_size=1)(images)
    assert (together < 0).all()


def test_no_pictures_no_scores(target):
    assert UnitScore(target, Unit("fc8", 3))(np.zeros((0, 28, 28, 3), np.uint8)).shape == (0,)


def test_unknown_unit_raises_at_once(target):
    with pytest.raises(DgnamError, match="layer 'fc8' has 10 units"):
        UnitScore(target, Unit("fc8", 10))
    with pytest.raises(DgnamError, match="batch_size 0"):
        UnitScore(target, Unit("fc8", 1), batch_size=0)


def test_scores_as_lists_columns_and_tensors():
    for scores in ([1, 2], np.array([[1.0], [2.0]]), torch.tensor([1.0, 2.0]), (True, 2)):
        assert (check_scores(scores, 2) == [1, 2]).all()
    assert (check_scores(torch.tensor([1.0, 2.0], requires_grad=True), 2) == [1, 2]).all()


def test_complex_scores_are_no_numbers():
    with pytest.raises(DgnamError, match="complex"):
        check_scores(np.array([1j, 2]), 2)


def test_scores_of_every_form():
    assert check_scores([1, 2], 2).tolist() == [1, 2]
    assert check_scores(torch.tensor([[1.0], [2.0]], requires_grad=True), 2).tolist() == [1, 2]
    given = np.ma.masked_array([1.0, np.inf], [False, True])
    assert np.isnan(check_scores(given, 2)).tolist() == [False, True]
    assert np.isnan(check_scores(np.ma.masked_all(2), 2, some=False)).all()
    for wrong, words in (
        *(([1j, 2], "complex"), (["a", "b"], "not numbers"), ([1, 2, 3], r"shape \(3,\)"), ([[1, 2]], "shape")),
        *((np.ma.masked_all(2), "all 2 trials are lost"), ([1, np.nan], r"1 of 2 .*\(nan of picture 1\)")),
    ):
        with pytest.raises(DgnamError, match=words):
            check_scores(wrong, 2)
    for bad, words in (([np.nan] * 3, r"picture 2\)"), ([np.nan] * 4, "picture 2, …")):
        with pytest.raises(DgnamError, match=words):
            check_scores(bad, len(bad))


def test_a_hundred_pictures_at_once(target):
    sizes, score = [], UnitScore(target, Unit("fc8", 3))
    read = score._read
    score._read = lambda pictures: sizes.append(len(pictures)) or read(pictures)
    score(np.zeros((101, 28, 28, 3), np.uint8))
    assert (score.batch_size, sizes) == (100, [100, 1])
    assert UnitScore(target, Unit("fc8", 3), batch_size=1).batch_size == 1

"""Scores: a unit as a black box, a callable by its import path, and the loop around them."""

import sys

import numpy as np
import pytest
import torch

from dgnam.am import CaffeTarget, Diversity, Unit
from dgnam.am.evolve import Genetic, UnitScore, check_scores, evolve, load_score
from dgnam.data.image_set import preprocess
from dgnam.errors import DgnamError
from tests.am.evolve.bowl import PixelsOfCode, bowl


@pytest.fixture
def target(tiny_modules):
    return CaffeTarget(tiny_modules[0])


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(0).randint(0, 256, (5, 32, 32, 3)).astype(np.uint8)


def test_a_unit_sees_the_preprocessed_centre(target, images):
    centre = torch.from_numpy(preprocess(images[:, 2:30, 2:30]))
    wanted = target(centre, ["fc8", "conv5"])
    objective = 2 * Unit("fc8", 3) - Unit("conv5", 1, (2, 4))
    expected = 2 * wanted["fc8"][:, 3] - wanted["conv5"][:, 1, 2, 4]
    found = UnitScore(target, objective, batch_size=2)(images)
    assert (found.shape, found.dtype) == ((5,), np.float64)
    assert np.abs(found - expected.numpy()).max() < 1e-5 * np.abs(expected.numpy()).max()


def test_pictures_of_another_size_are_resized(target):
    assert UnitScore(target, Unit("fc8", 3))(np.zeros((2, 9, 9, 3), np.uint8)).shape == (2,)


def test_an_objective_that_compares_pictures_sees_them_all_at_once(target, images):
    together = UnitScore(target, Diversity("fc6"), batch_size=1)(images)
    assert (together < 0).all()


def test_no_pictures_no_scores(target):
    assert UnitScore(target, Unit("fc8", 3))(np.zeros((0, 28, 28, 3), np.uint8)).shape == (0,)


def test_a_unit_that_is_not_there_is_an_error_at_once(target):
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


def test_a_callable_is_evolved_and_goes_on(tmp_path):
    seen = []

    def score(images):
        seen.append(images.shape)
        return bowl(images)

    one = evolve(score, PixelsOfCode(), Genetic(population=6), generations=3, progress=False, folder=tmp_path / "run")
    assert seen == [(6, 2, 2, 3)] * 3
    assert one.best.score == max(scores.max() for scores in one.scores)
    with pytest.raises(DgnamError, match="is no score"):
        evolve(3, PixelsOfCode(), generations=1, progress=False)


def test_the_generations_of_a_callable_that_fails_are_kept(tmp_path):
    from dgnam.am.evolve import Search

    calls = []

    def score(images):
        calls.append(1)
        if len(calls) == 3:
            raise TimeoutError("the electrode is out")
        return bowl(images)

    with pytest.raises(TimeoutError, match="electrode"):
        evolve(score, PixelsOfCode(), generations=5, progress=False, folder=tmp_path / "run")
    assert Search.resume(tmp_path / "run", PixelsOfCode()).generation == 2


def test_a_callable_by_its_import_path(tmp_path, monkeypatch):
    (tmp_path / "my_neuron_of_test.py").write_text("def rate(images):\n    return images.mean((1, 2, 3))\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    score = load_score("my_neuron_of_test:rate")
    assert score(np.full((2, 1, 1, 3), 7, np.uint8)).tolist() == [7, 7]
    with pytest.raises(DgnamError, match="my_neuron_of_test has no callable 'rat'; it has rate"):
        load_score("my_neuron_of_test:rat")


@pytest.mark.parametrize("path", ["module", "module:", ":function", ""])
def test_a_path_without_its_parts_says_what_a_score_is(path):
    with pytest.raises(DgnamError, match=r"write package\.module:function; a score takes pictures .n, H, W, 3. uint8"):
        load_score(path)


def test_a_module_that_is_not_there():
    with pytest.raises(DgnamError, match="No module named 'no_such_module'"):
        load_score("no_such_module:f")

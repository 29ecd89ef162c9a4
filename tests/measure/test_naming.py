"""Naming between chance and ceiling, and agreement of raters."""

import numpy as np
import pytest

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import above_chance, cohens_kappa, normalized_accuracy


def test_above_chance_by_hand():
    assert above_chance(0.6, 0.2, 1.0) == pytest.approx(0.5)
    assert above_chance(np.array([0.2, 0.8]), 0.2, 0.8).tolist() == [0, 1]


def test_a_planted_accuracy_is_found():
    draw = np.random.default_rng(0)
    correct, ceiling = draw.random((200, 2)) < 0.4, draw.random((200, 2)) < 0.7
    found = normalized_accuracy(correct, ceiling, 0.1)
    assert found.value == pytest.approx((correct.mean() - 0.1) / (ceiling.mean() - 0.1))
    assert found.low < 0.5 < found.high
    guesses = normalized_accuracy(draw.random((200, 2)) < 0.1, ceiling, 0.1)
    assert guesses.low < 0 < guesses.high


def test_the_ceiling_is_uncertain_too():
    draw = np.random.default_rng(1)
    correct = draw.random(200) < 0.4
    many, few = (normalized_accuracy(correct, draw.random(n) < 0.7, 0.0) for n in (2000, 20))
    assert few.high - few.low > many.high - many.low
    assert few.n == 20


def test_kappa_by_hand():
    """Cohen's table of 20, 5, 10, 15: agreed 0.7, expected 0.5."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(first, second).value == pytest.approx(0.4)


def test_kappa_of_raters_who_guess_and_who_agree():
    draw = np.random.default_rng(2)
    first = draw.integers(0, 10, 300)
    guessed = cohens_kappa(first, draw.integers(0, 10, 300), resamples=1000)
    assert guessed.low < 0.01
    assert abs(guessed.value) < 0.06
    assert cohens_kappa(first, first, resamples=100).value == 1
    half = np.where(draw.random(300) < 0.5, first, draw.integers(0, 10, 300))
    found = cohens_kappa(first, half, resamples=1000)
    assert found.low < 0.5 < found.high
    assert found.n == 300


def test_bad_arguments():
    with pytest.raises(ArrayError, match="no better than chance"):
        normalized_accuracy([1, 0], [0, 0], 0.1)
    with pytest.raises(ArrayError, match="give the one label cat throughout"):
        cohens_kappa(["cat"] * 3, ["cat"] * 3)
    with pytest.raises(ArrayError, match="lengths differ: first 2, second 3"):
        cohens_kappa(["a", "b"], ["a", "b", "c"])


def test_a_ceiling_that_may_be_chance_is_an_error():
    with pytest.raises(ArrayError, match=r"not surely better than chance, 0\.1"):
        normalized_accuracy([1, 1, 0, 1] * 5, [0, 0, 0, 0, 1], 0.1)
    for chance in ("x", None, np.nan):
        with pytest.raises(DgnamError, match="chance"):
            normalized_accuracy([1, 0], [1, 1], chance)


@pytest.mark.parametrize("named", [0, 1])
def test_units_that_are_all_alike_have_no_interval(named):
    with pytest.raises(ArrayError, match=f"correct: {named} in each unit"):
        normalized_accuracy([named] * 20, [1, 1, 0, 1] * 5, 0.1)


def test_resamples_whose_ceiling_is_at_chance_do_not_turn_the_sign():
    correct, ceiling = np.array([1, 1, 0, 1] * 5), np.arange(24) < 6  # 0.25, and at most 0.1 in some resamples
    found = normalized_accuracy(correct, ceiling, 0.1)
    assert 1 < found.low < found.value < found.high

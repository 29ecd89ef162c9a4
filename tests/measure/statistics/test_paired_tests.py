"""McNemar, sign flips and Holm's correction."""

import numpy as np
import pytest

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure.statistics import Estimate, holm, mcnemar, sign_flip, spearman_p


def rejected(test, *, runs, draw):
    return sum(test(draw) < 0.05 for _ in range(runs)) / runs


def test_mcnemar_by_hand():
    """6 against 0 of 10: p = 2 / 2^6."""
    first, second = np.array([1] * 8 + [0] * 2), np.array([1] * 2 + [0] * 8)
    found = mcnemar(first, second)
    assert (found.first_only, found.second_only) == (6, 0)
    assert found.p_value == pytest.approx(2 / 64)
    assert found.odds_ratio.value == np.inf
    assert found.odds_ratio.as_dict()["high"] is None


def test_mcnemar_finds_a_planted_odds_ratio():
    draw = np.random.default_rng(0)
    second = draw.random(2000) < 0.5
    first = np.where(second, draw.random(2000) < 0.9, draw.random(2000) < 0.3)  # 0.15 against 0.05: 3
    found = mcnemar(first, second)
    assert found.odds_ratio.low < 3 < found.odds_ratio.high
    assert found.odds_ratio.low > 1
    assert found.p_value < 1e-6


def test_mcnemar_rejects_no_more_than_it_says():
    share = rejected(
        lambda draw: mcnemar(draw.random(100) < 0.5, draw.random(100) < 0.5).p_value,
        runs=150,
        draw=np.random.default_rng(1),
    )
    assert share <= 0.09


def test_mcnemar_of_equal_flags():
    found = mcnemar([1, 0, 1], [1, 0, 1])
    assert (found.first_only, found.second_only, found.p_value) == (0, 0, 1)
    assert found.odds_ratio == Estimate(1, 0, np.inf, 3, 0.95)


def test_sign_flip_by_hand():
    """All of 5 positive: 2 of 2^5 sign patterns are as extreme."""
    assert sign_flip([1, 2, 3, 4, 5]) == pytest.approx(2 / 32)
    assert sign_flip([1, 2, 3, 4, 5], alternative="greater") == pytest.approx(1 / 32)
    assert sign_flip([1, 2, 3, 4, 5], alternative="less") == 1


def test_sign_flip_finds_a_planted_difference():
    differences = np.random.default_rng(2).normal(0.5, 1, (100, 2))
    assert sign_flip(differences) < 0.001
    assert sign_flip(differences, null=0.5) > 0.05
    assert sign_flip(differences, null=0.2, alternative="greater") < 0.01


def test_sign_flip_rejects_as_often_as_it_says():
    share = rejected(
        lambda draw: sign_flip(draw.laplace(size=20), permutations=500), runs=150, draw=np.random.default_rng(3)
    )
    assert 0.02 <= share <= 0.08


def test_sign_flip_p_is_never_zero():
    assert sign_flip(np.ones(50), permutations=999) > 0


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert holm([0.04]).tolist() == [0.04]


def test_holm_keeps_the_chance_of_any_false_rejection():
    draw = np.random.default_rng(4)
    wrong = sum((holm(draw.random(10)) < 0.05).any() for _ in range(1000)) / 1000
    assert 0.03 <= wrong <= 0.07


def test_bad_arguments():
    with pytest.raises(ArrayError, match="lengths differ: first 2, second 3"):
        mcnemar([1, 0], [1, 0, 1])
    with pytest.raises(ArrayError, match="true or false"):
        mcnemar([1, 2], [1, 0])
    with pytest.raises(ArrayError, match="at least 2"):
        sign_flip([1.0])
    with pytest.raises(ArrayError, match="alternative 'up'"):
        sign_flip([1.0, 2.0], alternative="up")
    with pytest.raises(ArrayError, match="between 0 and 1"):
        holm([0.1, 1.2])


@pytest.mark.parametrize("null", [float("nan"), float("inf"), "0", None])
def test_sign_flip_against_no_number(null):
    with pytest.raises(DgnamError, match=r"null .* must be finite"):
        sign_flip([1, 2, 3], null=null)


@pytest.mark.parametrize(("option", "value"), [("permutations", 0), ("permutations", 2.5), ("seed", -1), ("seed", "x")])
def test_permutations_and_seeds_are_whole_numbers(option, value):
    with pytest.raises(DgnamError, match=option):
        sign_flip([1.0, 2.0, 3.0], **{option: value})
    with pytest.raises(DgnamError, match=option):
        spearman_p([1, 2, 3, 5], [2, 1, 4, 3], **{option: value})

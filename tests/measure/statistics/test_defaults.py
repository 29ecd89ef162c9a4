"""What is taken where nothing is said, and the ends of what may be given."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure.statistics import (
    Estimate,
    bootstrap,
    cliffs_delta,
    decide,
    holm,
    mcnemar,
    mean,
    mean_difference,
    proportion,
    sign_flip,
    spearman,
    spearman_p,
    spearman_within_units,
    unit_correlations,
    wilson,
)

DRAW = np.random.default_rng(0)
X, Y = DRAW.exponential(size=(2, 12))


def test_intervals_are_of_95_percent_by_ten_thousand_resamples_of_seed_0():
    usual = {"level": 0.95, "resamples": 10_000, "seed": 0}
    assert mean(X) == mean(X, **usual) != mean(X, **{**usual, "resamples": 9_999})
    assert bootstrap(np.mean, X).high == mean(X).high
    assert mean_difference(X, Y) == mean_difference(X, Y, paired=True) != mean_difference(X, Y, paired=False)
    assert cliffs_delta(X, Y) == cliffs_delta(X, Y, paired=False) != cliffs_delta(X, Y, paired=True)
    flags = X > 1
    assert (wilson(3, 9), proportion(flags)) == (wilson(3, 9, level=0.95), proportion(flags, level=0.95))
    assert mcnemar(flags, Y > 1) == mcnemar(flags, Y > 1, level=0.95)
    assert mcnemar(flags, Y > 1, level=0.9) != mcnemar(flags, Y > 1)
    assert Estimate(1, 0, 2, 3).level == 0.95


def test_tests_permute_ten_thousand_times_from_seed_0():
    usual = {"alternative": "two-sided", "permutations": 10_000, "seed": 0}
    many = DRAW.normal(0.2, 1, 40)
    assert sign_flip(many) == sign_flip(many, null=0, **usual) != sign_flip(many, seed=1)
    assert sign_flip(many, permutations=9_999) != sign_flip(many)
    assert spearman_p(X, Y) == spearman_p(X, Y, **usual) != spearman_p(X, Y, seed=1)


def test_an_alternative_has_one_of_three_names():
    for test in (lambda name: sign_flip(X, alternative=name), lambda name: spearman_p(X, Y, alternative=name)):
        with pytest.raises(ArrayError, match="alternative 'more': give two-sided, greater or less"):
            test("more")


def test_the_fewest_units():
    assert mean([1.0, 3.0], resamples=40).n == 2
    assert sign_flip([1.0, 3.0]) == 0.5
    with pytest.raises(ArrayError, match="1 units, and at least 2 are needed"):
        sign_flip([1.0])
    four = [1.0, 2.0, 3.0, 5.0]
    assert spearman(four, four, resamples=40).value == 1
    assert unit_correlations([four], [four[::-1]]).tolist() == [-1]
    with pytest.raises(ArrayError, match="3 units, and at least 4 are needed"):
        spearman(four[:3], four[:3])
    with pytest.raises(ArrayError, match="unit 0: x has 3 values; a rank correlation needs 4 or more that differ"):
        unit_correlations([four[:3]], [four[:3]])
    with pytest.raises(ArrayError, match=r"unit 1: y is 2 throughout; a rank"):
        unit_correlations([four, four], [four, [2.0] * 4])
    with pytest.raises(ArrayError, match=r"y has|y is 7 throughout"):
        spearman_p(four, [7.0] * 4)


def test_a_perfect_correlation_counts_half_a_step_less():
    rows = [[1.0, 2.0, 3.0, 4.0]] * 6
    assert spearman_within_units(rows, rows).value == pytest.approx(1 - 6 / (4 * 15))


def test_shares_at_their_ends():
    assert (wilson(0, 3).low, wilson(3, 3).high) == (0, 1)
    assert wilson(1, 1).n == 1
    assert proportion([True]) == wilson(1, 1)
    assert proportion([[1, 0]]).n == 1
    assert holm([0.0, 1.0]).tolist() == [0, 1]
    for wrong in ([-0.01, 0.5], [0.5, 1.01]):
        with pytest.raises(ArrayError, match="they lie between 0 and 1"):
            holm(wrong)
    for level in (0, 1):
        with pytest.raises(ArrayError, match="give a share between 0 and 1"):
            wilson(1, 2, level=level)


def test_mcnemar_by_its_numbers():
    found = mcnemar([1, 1, 1, 0, 0], [0, 0, 1, 1, 0])
    assert (found.first_only, found.second_only, found.odds_ratio.value, found.odds_ratio.n) == (
        2,
        1,
        pytest.approx(2),
        5,
    )
    assert found.p_value == 1
    one = mcnemar([1, 1], [0, 0])
    assert (one.first_only, one.odds_ratio.value, one.odds_ratio.high) == (2, float("inf"), float("inf"))
    for first, second in (([2, 0], [0, 1]), ([1, 0], [0, 2])):
        with pytest.raises(ArrayError, match="true or false is needed"):
            mcnemar(first, second)


def test_a_margin_of_0_and_infinite_thresholds_decide_nothing():
    with pytest.raises(ArrayError, match="margin above 0"):
        decide(Estimate(0, -1, 1, 9, 0.90), within=0)
    for name, level in (("above", 0.95), ("below", 0.95), ("within", 0.90)):
        with pytest.raises(ArrayError, match=f"{name}: a threshold is a finite number"):
            decide(Estimate(0, -1, 1, 9, level), **{name: float("inf")})
    assert decide(Estimate(0, -0.2, 0.1, 9, 0.90), within=0.2).outcome == "undecided"
    assert decide(Estimate(-0.3, -0.4, -0.2, 9, 0.90), within=0.2).outcome == "fails"

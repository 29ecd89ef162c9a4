"""Rank correlations: over units, partial, and within units."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from dgnam.errors import ArrayError
from dgnam.measure.statistics import decide, spearman, spearman_p, spearman_within_units, unit_correlations


def correlated(draw, count, rho):
    return draw.multivariate_normal([0, 0], [[1, rho], [rho, 1]], count).T


def of_ranks(rho):
    """Spearman's of a normal pair with Pearson's rho."""
    return 6 / np.pi * np.arcsin(rho / 2)


def test_equals_scipys():
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 10, (2, 60))
    assert spearman(x, y).value == pytest.approx(spearmanr(x, y).statistic)


def test_a_planted_correlation_is_found():
    found = spearman(*correlated(np.random.default_rng(1), 300, -0.6))
    assert found.low < of_ranks(-0.6) < found.high
    assert found.high < -0.4


def test_none_is_found_where_there_is_none():
    draw = np.random.default_rng(2)
    found = [spearman(*draw.normal(size=(2, 40)), resamples=300) for _ in range(100)]
    assert 0.88 <= np.mean([f.low <= 0 <= f.high for f in found]) <= 0.99


def test_a_confounder_is_removed():
    """x and y have z in common and nothing else."""
    draw = np.random.default_rng(3)
    z = draw.normal(size=300)
    x, y = z + draw.normal(0, 0.5, 300), z + draw.normal(0, 0.5, 300)
    assert spearman(x, y, resamples=2000).low > 0.6
    partial = spearman(x, y, given=z, resamples=2000)
    assert partial.low < 0.1
    assert partial.high < 0.25
    assert spearman_p(x, y) < 0.001
    assert spearman_p(x, y, given=z) > 0.01


def test_what_a_confounder_hides_is_found():
    draw = np.random.default_rng(4)
    z, own = draw.normal(size=(2, 400))
    x, y = z + own, -z + own
    assert abs(spearman(x, y, resamples=100).value) < 0.15
    assert spearman(x, y, given=z, resamples=2000).low > 0.7
    assert spearman_p(x, y, given=z) < 0.001


def test_partial_by_its_formula():
    draw = np.random.default_rng(5)
    x, y, z = draw.normal(size=(3, 80)) + draw.normal(size=80)
    xy, xz, yz = (spearmanr(*pair).statistic for pair in ((x, y), (x, z), (y, z)))
    wanted = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert spearman(x, y, given=z).value == pytest.approx(wanted)


def test_p_rejects_as_often_as_it_says():
    draw = np.random.default_rng(6)
    for given in (False, True):
        wrong = 0
        for _ in range(100):
            x, y, z = draw.normal(size=(3, 25))
            wrong += (
                spearman_p(x + z, y + z, z, permutations=300) < 0.05
                if given
                else spearman_p(x, y, permutations=300) < 0.05
            )
        assert wrong / 100 <= 0.12


def test_p_has_a_direction():
    x, y = correlated(np.random.default_rng(7), 60, -0.7)
    assert spearman_p(x, y, alternative="less") < 0.01
    assert spearman_p(x, y, alternative="greater") > 0.9


def test_within_units_ignores_what_differs_between_them():
    """Simpson: within each unit y falls with x; over all it rises."""
    draw = np.random.default_rng(8)
    x, y = [], []
    for unit in range(30):
        a, b = correlated(draw, 60, -0.5)
        x.append(a + 10 * unit)
        y.append(b + 10 * unit)
    pooled = spearmanr(np.concatenate(x), np.concatenate(y)).statistic
    within = spearman_within_units(x, y)
    assert pooled > 0.9
    assert within.low < of_ranks(-0.5) < within.high
    assert within.high < -0.4
    assert within.n == 30


def test_no_correlation_is_shown_by_equivalence():
    draw = np.random.default_rng(9)
    x, y = draw.normal(size=(2, 30, 60))
    assert decide(spearman_within_units(x, y, level=0.90), within=0.2).outcome == "holds"
    x, y = np.array([correlated(draw, 60, 0.4) for _ in range(30)]).transpose(1, 0, 2)
    assert decide(spearman_within_units(x, y, level=0.90), within=0.2).outcome == "fails"
    x, y = draw.normal(size=(2, 8, 6))
    assert decide(spearman_within_units(x, y, level=0.90), within=0.2).outcome == "undecided"


def test_within_units_partial():
    draw = np.random.default_rng(10)
    rate = draw.normal(size=(20, 60))
    x, y = rate + draw.normal(0, 0.5, rate.shape), rate + draw.normal(0, 0.5, rate.shape)
    assert spearman_within_units(x, y).low > 0.7
    partial = spearman_within_units(x, y, given=rate)
    assert abs(partial.value) < 0.15


def test_a_perfect_unit_counts_for_half_a_step_less():
    x = np.tile(np.arange(6.0), (5, 1))
    found = spearman_within_units(x, x)
    assert found.value == pytest.approx(1 - 6 / (6 * 35))
    assert unit_correlations(x, x).tolist() == [1] * 5


def test_units_of_other_numbers_of_settings():
    draw = np.random.default_rng(11)
    x, y = [draw.normal(size=n) for n in (5, 9, 30)], [draw.normal(size=n) for n in (5, 9, 30)]
    assert unit_correlations(x, y).tolist() == pytest.approx(
        [spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    )


def test_what_given_determines_has_no_correlation_left():
    x = np.random.default_rng(12).normal(size=20)
    with pytest.raises(ArrayError, match="the statistic of the 20 units is nan"):
        spearman(x, x**3, given=x)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[1, 2, 3, 4], [5, 5, 5, 5]], [[1, 2, 3, 4]] * 2, "unit 1: x is 5 throughout"),
        ([[1, 2, 3]], [[1, 2, 3]], "unit 0: x has 3 values"),
        ([[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], r"lengths differ: x\[0\] 4, y\[0\] 5"),
        ([[1, 2, 3, 4]] * 2, [[1, 2, 3, 4]], "lengths differ: x 2, y 1"),
    ],
)
def test_units_without_a_correlation_are_named(x, y, message):
    with pytest.raises(ArrayError, match=message):
        spearman_within_units(x, y)


def test_constant_samples():
    with pytest.raises(ArrayError, match="a constant sample has no correlation"):
        spearman([1, 1, 1, 1], [1, 2, 3, 4])
    with pytest.raises(ArrayError, match="x is 1 throughout"):
        spearman_p([1, 1, 1, 1], [1, 2, 3, 4])


@pytest.mark.parametrize("turned", [1, -1])
def test_no_p_value_of_a_partial_correlation_that_nothing_is_left_of(turned):
    draw = np.random.default_rng(20)
    x, given = draw.normal(size=30), draw.normal(size=30)
    with pytest.raises(ArrayError, match=r"y: its ranks are those of given"):
        spearman_p(x, turned * given, given)
    with pytest.raises(ArrayError, match=r"x: its ranks are those of given"):
        spearman_p(turned * given, x, given)

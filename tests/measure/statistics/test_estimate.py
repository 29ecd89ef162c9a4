"""Estimates and their level."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure.statistics import (
    Estimate,
    cliffs_delta,
    mcnemar,
    mean,
    mean_difference,
    proportion,
    sign_flip,
    spearman,
    spearman_within_units,
    wilson,
)
from dgnam.measure.statistics.estimate import check_level


@pytest.mark.parametrize("level", [0, 1, -0.1, 95, float("nan")])
def test_a_level_is_between_0_and_1(level):
    check_level(0.01)
    check_level(0.99)
    with pytest.raises(ArrayError, match="give a share between 0 and 1"):
        check_level(level)


def test_an_estimate_in_words_and_for_json():
    assert str(Estimate(0.5, 0.25, 0.75, 100, 0.95)) == "0.5 [0.25, 0.75] (95%, n = 100)"
    assert Estimate(1, 0, np.inf, 3, 0.9).as_dict() == {"value": 1, "low": 0, "high": None, "n": 3, "level": 0.9}


DRAW = np.random.default_rng(0)
BASE = DRAW.normal(0, 2, 80)
HIGHER, FLAGS, FEWER = BASE + DRAW.normal(0.5, 1, 80), DRAW.random(80) < 0.6, DRAW.random(80) < 0.4
SETTINGS = np.broadcast_to(np.arange(12.0), (80, 12))
ESTIMATES = {
    "mean": lambda level: mean(HIGHER, level=level),
    "pairs": lambda level: mean_difference(HIGHER, BASE, level=level),
    "pairs of yes and no": lambda level: mean_difference(100.0 * FLAGS, 100.0 * FEWER, level=level),
    "groups": lambda level: mean_difference(HIGHER, BASE[:50], paired=False, level=level),
    "share": lambda level: proportion(FLAGS, level=level),
    "share of seeds": lambda level: proportion(FLAGS[:, None] & (DRAW.random((80, 3)) < 0.9), level=level),
    "Cliff's delta": lambda level: cliffs_delta(HIGHER, BASE, level=level),
    "correlation": lambda level: spearman(HIGHER, BASE, level=level),
    "within units": lambda level: spearman_within_units(SETTINGS, SETTINGS + 9 * DRAW.random((80, 12)), level=level),
    "percent": lambda level: proportion(FLAGS, level=level).times(100),
}


@pytest.mark.parametrize("kind", ESTIMATES)
def test_a_test_agrees_with_the_interval(kind):
    """p is above 5 % inside of the 95 % interval and below it outside, but for the ends, where methods differ."""
    found = ESTIMATES[kind](0.95)
    margin = 0.15 * (found.high - found.low)
    for null in (found.low + margin, found.value, found.high - margin):
        assert found.test(null, "two-sided") > 0.05
    for null, side in ((found.low - margin, "greater"), (found.high + margin, "less")):
        assert found.test(null, "two-sided") < 0.05
        assert found.test(null, side) < 0.025


def test_which_test_is_taken():
    assert mean_difference(HIGHER, BASE).test(0, "two-sided") == sign_flip(HIGHER - BASE)
    assert mean(HIGHER).test(0.3, "greater") == sign_flip(HIGHER, null=0.3, alternative="greater")
    flags = mean_difference(100.0 * FLAGS, 100.0 * FEWER)
    assert flags.test(0, "two-sided") == mcnemar(FLAGS, FEWER).p_value
    assert flags.test(5, "two-sided") == sign_flip(100.0 * FLAGS - 100.0 * FEWER, null=5)
    share = wilson(30, 80)
    assert share.test(share.low, "two-sided") == pytest.approx(0.05)


def test_effect_sizes():
    """Of numbers by their deviation, of yes and no by the odds; a delta is one itself."""
    differences = HIGHER - BASE
    paired, apart = mean_difference(HIGHER, BASE).effect, mean_difference(HIGHER, BASE, paired=False).effect
    assert (paired.kind, paired.value) == (
        "standardized mean difference",
        pytest.approx(differences.mean() / differences.std(ddof=1)),
    )
    spread = np.sqrt((HIGHER.var(ddof=1) + BASE.var(ddof=1)) / 2)
    assert apart.value == pytest.approx(differences.mean() / spread)
    odds = mean_difference(100.0 * FLAGS, 100.0 * FEWER).effect
    assert (odds.kind, odds.value) == ("odds ratio", mcnemar(FLAGS, FEWER).odds_ratio.value)
    assert mean_difference(BASE, BASE).effect is None
    assert cliffs_delta(HIGHER, BASE).effect is None


def test_percentage_points_scale_the_interval_and_the_test():
    share, points = wilson(30, 80), wilson(30, 80).times(100)
    assert (points.value, points.low, points.high) == (100 * share.value, 100 * share.low, 100 * share.high)
    assert points.test(50, "less") == share.test(0.5, "less")
    assert points.n == share.n

"""What an interval decides."""

import json

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure.statistics import (
    Decision,
    Estimate,
    all_hold,
    decide,
    mean,
    mean_difference,
    proportion,
    undecidable,
    with_controls,
)

HOLDS, FAILS, UNDECIDED = (Decision(outcome, "why") for outcome in ("holds", "fails", "undecided"))


def of(low, high, level=0.95):
    return Estimate((low + high) / 2, low, high, 100, level)


@pytest.mark.parametrize(
    ("low", "high", "above", "below"),
    [
        (0.21, 0.3, "holds", "fails"),
        (0.1, 0.19, "fails", "holds"),
        (0.19, 0.21, "undecided", "undecided"),
        (0.2, 0.3, "undecided", "fails"),  # "> 0.2" is not shown by an end at 0.2, and "< 0.2" is refuted
        (0.1, 0.2, "fails", "undecided"),
        (0.2, 0.2000001, "undecided", "fails"),
    ],
)
def test_an_interval_against_a_threshold(low, high, above, below):
    assert decide(of(low, high), above=0.2).outcome == above
    assert decide(of(low, high), below=0.2).outcome == below


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-0.1, 0.19, "holds"),
        (-0.1, 0.2, "undecided"),
        (0.2, 0.4, "fails"),
        (-0.4, -0.21, "fails"),
        (-0.3, 0.3, "undecided"),
    ],
)
def test_equivalence(low, high, outcome):
    assert decide(of(low, high, 0.90), within=0.2).outcome == outcome


def test_few_units_decide_nothing():
    assert decide(Estimate(1.0, 0.9, 1.1, 5), above=0).outcome == "undecided"
    assert decide(Estimate(1.0, 0.9, 1.1, 6), above=0).outcome == "holds"


@pytest.mark.parametrize("units", [6, 10, 10_000])
@pytest.mark.parametrize(
    ("value", "bound"), [(0.0, {"above": 0}), (0.0, {"below": 0.05}), (0.3, {"above": 0}), (0.0, {"within": 0.2})]
)
def test_units_that_are_all_alike_decide_nothing(units, value, bound):
    level = 0.90 if "within" in bound else 0.95
    said = decide(mean(np.full(units, value), level=level, resamples=100), **bound)
    assert said.outcome == "undecided"
    assert "resamples of the units do not differ, which gives no interval" in said.reason


def test_rounding_errors_are_no_width():
    base = np.random.default_rng(0).normal(50, 10, 30)
    assert decide(mean_difference(base + 0.3, base), above=0).outcome == "undecided"


@pytest.mark.parametrize("paired", [True, False])
def test_values_that_differ_by_rounding_errors_decide_nothing(paired):
    first, second = [0.3] * 20, [0.1 + 0.2] * 10 + [0.3] * 10
    for estimate in (mean_difference(second, first, paired=paired), mean(np.subtract(second, 0.3) + 1e5)):
        decision = decide(estimate, above=0)
        assert (decision.outcome, "do not differ" in decision.reason) == ("undecided", True)


def test_a_share_of_all_units_still_decides():
    assert decide(proportion(np.zeros(200)), below=0.03).outcome == "holds"
    assert undecidable(proportion(np.ones(6))) == ""


def test_each_kind_needs_its_level():
    with pytest.raises(ArrayError, match="an interval of 90%; 'above' is decided by one of 95%"):
        decide(of(0, 1, 0.90), above=0)
    with pytest.raises(ArrayError, match="an interval of 95%; 'within' is decided by one of 90%"):
        decide(of(0, 1), within=2)


def test_one_threshold_and_a_positive_margin():
    for thresholds in ({}, {"above": 0, "below": 1}):
        with pytest.raises(ArrayError, match="give one of above, below, within"):
            decide(of(0, 1), **thresholds)
    with pytest.raises(ArrayError, match="above: a threshold is a finite number"):
        decide(of(0, 1), above=float("nan"))
    with pytest.raises(ArrayError, match="margin above 0"):
        decide(of(0, 1, 0.90), within=-0.2)


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ([HOLDS, HOLDS], "holds"),
        ([HOLDS, FAILS], "fails"),
        ([UNDECIDED, FAILS], "fails"),
        ([HOLDS, UNDECIDED], "undecided"),
    ],
)
def test_a_claim_of_parts(parts, outcome):
    assert all_hold(parts).outcome == outcome


def test_a_claim_has_parts():
    with pytest.raises(ArrayError, match="no parts"):
        all_hold([])


def test_a_missed_control_leaves_any_claim_undecided():
    assert with_controls(HOLDS, [HOLDS, HOLDS]) is HOLDS
    for claim in (HOLDS, FAILS):
        found = with_controls(claim, [HOLDS, UNDECIDED])
        assert found.outcome == "undecided"
        assert claim.outcome in found.reason


def test_the_reason_has_the_numbers():
    assert decide(of(0.25, 0.35), above=0.2).reason == "0.3 [0.25, 0.35] (95%, n = 100), claimed > 0.2"


def test_an_estimate_is_json():
    made = Estimate(1.5, 0.5, float("inf"), 3)
    assert json.loads(json.dumps(made.as_dict(), allow_nan=False))["high"] is None


@pytest.mark.parametrize(("value", "low", "high"), [(float("nan"), 0, 1), (0, 1, 0), (0, float("nan"), 1)])
def test_no_estimate_without_numbers(value, low, high):
    with pytest.raises(ArrayError, match="is no estimate"):
        Estimate(value, low, high, 3)

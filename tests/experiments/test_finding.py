"""Findings: planted differences are found, and missing parts leave a claim undecided."""

import json
from functools import partial

import numpy as np
import pytest

from dgnam.experiments.claims import claims
from dgnam.experiments.finding import find, percent
from dgnam.measure.statistics import mean, mean_difference, proportion, sign_flip

FIG1 = claims()["fig1"]


def difference(points):
    """By so many points, of 100 units with four seeds, with noise."""
    draw = np.random.default_rng(0)
    base = draw.normal(50, 10, (100, 4))
    return partial(mean_difference, base + points + draw.normal(0, 5, (100, 4)), base)


@pytest.mark.parametrize(("points", "verdict"), [(30, "holds"), (10, "fails"), (20, "undecided")])
def test_a_planted_difference_decides(points, verdict):
    found = find(FIG1, {"judge-mini": difference(points), "outside": difference(points)})
    assert found.verdict == verdict
    assert found.parts["outside"].value == pytest.approx(points, abs=1)


@pytest.mark.parametrize(("points", "verdict"), [(30, "undecided"), (10, "fails")])
def test_a_claim_with_a_part_missing_does_not_hold(points, verdict):
    found = find(FIG1, {"judge-mini": difference(points)})
    assert (found.verdict, list(found.missing)) == (verdict, ["outside"])
    assert any("outside: not estimated (not measured in this run)" in line for line in found.lines())


def test_a_part_that_cannot_be_estimated_says_why():
    found = find(FIG1, {"judge-mini": partial(mean_difference, [[1.0]], [[0.0]]), "outside": difference(30)})
    assert "two units or more" in found.missing["judge-mini"]
    assert found.as_dict()["parts"]["outside"]["verdict"] == "holds"


COPYING = claims()["sec3.1-copying"]
SPACES = [part for part in COPYING.bounds if part != "controls detected"]


def share(percentage, count=400):
    return percent(partial(proportion, np.arange(count) < count * percentage / 100))


@pytest.mark.parametrize(
    ("copies", "detected", "verdict"),
    [
        (0, 100, "holds"),
        (20, 100, "fails"),
        (0, 50, "undecided"),
        (20, 50, "undecided"),
        (20, 90, "undecided"),
        (0, None, "undecided"),
        (20, None, "undecided"),
    ],
)
def test_a_control_that_is_not_detected_leaves_it_undecided(copies, detected, verdict):
    parts = {space: share(copies) for space in SPACES}
    found = find(COPYING, parts if detected is None else {**parts, "controls detected": share(detected)})
    assert found.verdict == verdict
    missed = "controls detected: this positive control is not detected"
    assert any(missed in line for line in found.lines()) == (detected != 100)


def test_a_part_of_units_that_are_all_alike_says_why_it_decides_nothing():
    found = find(FIG1, {"judge-mini": difference(30), "outside": partial(mean_difference, [0.0] * 10, [0.0] * 10)})
    assert found.verdict == "undecided"
    assert any("outside: 0 [0, 0]" in line and "gives no interval" in line for line in found.lines())


def test_a_part_has_a_p_value_against_its_bound_and_an_effect_size():
    found = find(FIG1, {"judge-mini": difference(21.5), "outside": difference(30)}).as_dict()["parts"]
    assert found["judge-mini"]["p"] == sign_flip(difference(21.5).args[0] - difference(21.5).args[1], null=20)
    assert found["outside"]["p"] < 0.001
    assert found["outside"]["effect"]["kind"] == "standardized mean difference"
    assert found["outside"]["effect"]["value"] > 5


@pytest.mark.parametrize(("shift", "least", "most"), [(0.0, 0, 0.05), (0.2, 0.05, 1), (0.6, 0, 0.05)])
def test_a_p_value_of_equivalence_is_that_of_two_one_sided_tests(shift, least, most):
    gains = shift + np.random.default_rng(0).normal(0, 0.3, 50)
    found = find(claims()["sec3.6-videos"], {"sport": partial(mean, gains)}).as_dict()["parts"]["sport"]
    assert least <= found["p"] < most
    assert (found["verdict"] == "undecided") == (most == 1)


def test_a_part_that_decides_nothing_has_no_p_value():
    found = find(FIG1, {"judge-mini": partial(mean_difference, [9.0] * 20, [0.0] * 20)}).as_dict()
    assert found["parts"]["judge-mini"]["p"] is None


def test_infinite_odds_are_json():
    parts = {"judge-mini": partial(mean_difference, [100.0] * 15 + [0.0] * 5, [0.0] * 20)}
    found = json.loads(json.dumps(find(FIG1, parts).as_dict(), allow_nan=False))
    assert found["parts"]["judge-mini"]["effect"] == {"kind": "odds ratio", "value": None}


def test_without_a_verdict_none_is_drawn():
    found = find(FIG1, {"judge-mini": difference(30), "outside": difference(30)}, verdict=False)
    assert found.verdict is None
    assert found.as_dict()["parts"]["outside"]["verdict"] is None
    assert not any("holds" in line for line in found.lines())


def test_a_share_in_percent():
    share = percent(partial(proportion, np.array([[True], [False]] * 20)))(level=0.95)
    assert (share.value, share.n) == (50, 40)
    assert 30 < share.low < share.high < 70

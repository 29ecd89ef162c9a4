"""The claims: what decides each, and that no threshold has moved."""

import hashlib

import pytest

from dgnam.errors import DgnamError
from dgnam.experiments import EXPERIMENTS
from dgnam.experiments.claims import CLAIMS, Bound, claims
from dgnam.measure.statistics import Estimate

LATER = ("sec3.5-quarters",)
"""Claims that stand beside one whose statistic turned out unsound: added when that had run, before they ran."""

FIXED = "a1dbc1127067e15065dab61649d63f3853a0dcf6e9c101139bf285e038eb3c56"
"""Of all bounds as they were before any experiment ran."""

FIXED_LATER = "1c21e3cd14cf84e78f14f15ca0f216cb0e498fd2e85188b0ee21e543383a4776"
"""Of the bounds of LATER claims, before those ran."""

WORDS = "d7c9e24f0b670d613586412edba0ad6f673bc69ecf9add51bd0a7ce5c52cfe90"
"""Of what is claimed, by which statistic it is decided, when it holds and beside which controls, likewise."""

WORDS_LATER = "25290632d198fa58cd6721c0d95082202d53345994b7a26c1ac5e80636e77d63"


def of_bounds(names):
    text = "\n".join(f"{name}|{part}|{bound}" for name in names for part, bound in claims()[name].bounds.items())
    return hashlib.sha256(text.encode()).hexdigest()


def of_words(names):
    rows = ((name, one.claim, one.statistic, one.holds_if, *one.controls) for name in names for one in [claims()[name]])
    return hashlib.sha256("\n".join("|".join(row) for row in rows).encode()).hexdigest()


def test_no_threshold_has_moved():
    first = [name for name in claims() if name not in LATER]
    assert of_bounds(first) == FIXED, f"{CLAIMS} has other bounds than those fixed first"
    assert of_bounds(LATER) == FIXED_LATER, f"{CLAIMS} has other bounds than those fixed first"


def test_no_words_have_changed():
    first = [name for name in claims() if name not in LATER]
    assert of_words(first) == WORDS, f"{CLAIMS} says something else than what was fixed first"
    assert of_words(LATER) == WORDS_LATER, f"{CLAIMS} says something else than what was fixed first"


def test_positive_controls_are_those_that_the_claims_name():
    controls = [(name, part) for name, one in claims().items() for part, bound in one.bounds.items() if bound.control]
    assert controls == [("sec3.1-copying", "controls detected"), ("sec3.6-videos", "motion")]


def test_each_claim_is_decided_by_one_experiment():
    decided = [name for experiment in EXPERIMENTS.values() for name in experiment.claims]
    assert sorted(decided) == sorted(claims())


@pytest.mark.parametrize(
    ("bound", "low", "high", "level", "outcome"),
    [
        (Bound("above", 20), 21, 30, 0.95, "holds"),
        (Bound("above", 20), 10, 30, 0.95, "undecided"),
        (Bound("below", 3), 4, 5, 0.95, "fails"),
        (Bound("within", 0.2), -0.1, 0.1, 0.90, "holds"),
    ],
)
def test_a_bound_is_compared_with_an_interval_of_its_level(bound, low, high, level, outcome):
    assert bound.level == level
    assert bound.decide(Estimate((low + high) / 2, low, high, 50, level)).outcome == outcome


def test_an_unknown_part_is_an_error_with_the_closest():
    with pytest.raises(DgnamError, match="claim fig1 has no part 'judge-mine'; the closest: judge-mini"):
        claims()["fig1"].bound("judge-mine")

"""What raters named right, between chance and photographs."""

import pytest

from dgnam.experiments.ratings import Rated, Ratings


def ratings(right, raters=("anna", "ben")):
    """Of each kind ten pictures, so many of which every rater named right."""
    pictures = [
        Rated(n, kind, f"{kind} {n}", tuple(f"{kind} {n}" if n < count else "other" for _ in raters))
        for kind, count in right.items()
        for n in range(10)
    ]
    return Ratings(raters, tuple(pictures), 200)


def test_between_chance_and_photographs():
    found = ratings({"photographs": 8, "DGN-AM": 6, "random codes": 0}).as_dict()
    assert found["kinds"]["DGN-AM"]["right"] == [6, 6]
    assert found["kinds"]["DGN-AM"]["share"]["value"] == pytest.approx(0.6)
    assert found["kinds"]["DGN-AM"]["above_chance"]["value"] == pytest.approx((0.6 - 0.005) / (0.8 - 0.005))
    assert found["kinds"]["random codes"]["above_chance"] is None
    assert found["kinds"]["photographs"]["above_chance"] is None
    assert found["kappa"]["value"] == 1


def test_photographs_that_nobody_names_are_no_ceiling():
    assert ratings({"photographs": 0, "DGN-AM": 6}).as_dict()["kinds"]["DGN-AM"]["above_chance"] is None

"""What cards say of real pictures and of reconstructions."""

import pytest

from dgnam.experiments.rates import accuracy, of_photographs


def test_controls_of_cards():
    found = of_photographs(["judge-mini", "outside"], "deepsim-pool5-v2-mini")
    assert set(found) == {"real pictures, judge-mini", "real pictures, outside", "reconstructions, outside"}
    assert found["real pictures, judge-mini"] == accuracy("judge-mini")
    assert found["reconstructions, outside"] < found["real pictures, outside"] == pytest.approx(51.8, abs=0.1)


def test_a_prior_without_a_card_has_no_reconstructions():
    assert set(of_photographs(["judge-mini"], "own.prototxt")) == {"real pictures, judge-mini"}

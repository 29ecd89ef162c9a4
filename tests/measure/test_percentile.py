"""Percentiles among real pictures."""

import numpy as np
import pytest
from scipy.stats import percentileofscore

from dgnam.errors import ArrayError
from dgnam.measure import percentile_among


def test_equals_scipys_mean_percentile():
    draw = np.random.default_rng(0)
    values, reference = draw.integers(0, 20, 50), draw.integers(0, 20, 77)
    wanted = [percentileofscore(reference, value, "mean") for value in values]
    assert percentile_among(values, reference).tolist() == pytest.approx(wanted)


def test_ends_and_ties():
    assert percentile_among([-1, 5, 11], np.arange(11)).tolist() == pytest.approx([0, 50, 100])
    assert percentile_among([3], [3, 3, 3]).tolist() == [50]


def test_real_values_spread_evenly():
    draw = np.random.default_rng(1)
    found = percentile_among(draw.normal(size=2000), draw.normal(size=5000))
    assert (found < 1).mean() == pytest.approx(0.01, abs=0.006)
    assert found.mean() == pytest.approx(50, abs=3)


def test_within_classes():
    found = percentile_among([1, 1], [0, 2, 10, 20], classes=["a", "b"], reference_classes=["a", "a", "b", "b"])
    assert found.tolist() == [50, 0]


def test_bad_arguments():
    with pytest.raises(ArrayError, match="reference: no value of class c"):
        percentile_among([1], [1], classes=["c"], reference_classes=["a"])
    with pytest.raises(ArrayError, match="give both or neither"):
        percentile_among([1], [1], classes=["c"])
    with pytest.raises(ArrayError, match="reference: empty"):
        percentile_among([1], [])

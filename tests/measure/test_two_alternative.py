"""The two-alternative test of references."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import choice_margins, choose_alternatives, sign_accuracy
from dgnam.measure.statistics import proportion


def pictures(draw, count=3000, d=20):
    """Features of pictures, positive as after a ReLU."""
    return np.abs(draw.normal(size=(count, d)))


def accuracy(rows, activations, seed=0, **options):
    chosen = choose_alternatives(activations, trials=50, seed=seed, **options)
    return choice_margins(rows[chosen.maximal], rows[chosen.minimal], rows[chosen.strong], rows[chosen.weak]) > 0


def test_references_are_the_extremes_and_queries_between_the_percentiles():
    draw = np.random.default_rng(0)
    activations = draw.permutation(1000)
    chosen = choose_alternatives(activations, trials=30, percentiles=(90, 99))
    assert activations[chosen.maximal].tolist() == list(range(999, 990, -1))
    assert activations[chosen.minimal].tolist() == list(range(9))
    strong, weak = activations[chosen.strong], activations[chosen.weak]
    assert 900 <= strong.min() < strong.max() < 990
    assert 9 < weak.min() < weak.max() < 100
    assert len(set(chosen.strong)) == len(set(chosen.weak)) == 30


def test_references_are_never_queries():
    chosen = choose_alternatives(np.arange(100), trials=5, references=9, percentiles=(80, 100))
    every = np.concatenate([chosen.maximal, chosen.minimal, chosen.strong, chosen.weak])
    assert len(set(every)) == len(every)


def test_a_unit_that_sees_a_feature_is_understood():
    draw = np.random.default_rng(1)
    rows = pictures(draw)
    found = [accuracy(rows, rows[:, unit] + 0.1 * draw.normal(size=len(rows))) for unit in range(20)]
    assert np.mean(found) > 0.85


def test_a_unit_without_meaning_is_not():
    draw = np.random.default_rng(2)
    rows = pictures(draw)
    found = proportion([accuracy(rows, draw.normal(size=len(rows))) for _ in range(40)])
    assert found.low < 0.5 < found.high


def test_harder_queries_are_understood_less():
    draw = np.random.default_rng(3)
    rows = pictures(draw)
    units = [rows[:, unit] + 0.5 * draw.normal(size=len(rows)) for unit in range(20)]
    easy, hard = (np.mean([accuracy(rows, a, percentiles=p) for a in units]) for p in ((95, 99), (55, 60)))
    assert easy > hard + 0.1


def test_ties_have_a_random_order_and_no_answer_at_the_percentile_is_an_error():
    activations = np.maximum(np.random.default_rng(4).normal(size=2000), 0)
    chosen, other = (choose_alternatives(activations, seed=seed) for seed in (0, 1))
    assert set(chosen.minimal) != set(other.minimal)
    assert (activations[chosen.minimal] == 0).all()
    with pytest.raises(ArrayError, match="percentile 90 is no higher than 10; no picture is the right choice"):
        choose_alternatives(np.ones(2000))


def test_margins_by_hand():
    margins = choice_margins([[1, 0]], [[0, 1]], [[1, 0], [1, 1]], [[0, 1], [1, 0]])
    assert margins.tolist() == pytest.approx([2, -1])
    assert sign_accuracy(margins) == 0.5
    assert sign_accuracy([1, 1, 0]) == pytest.approx(2.5 / 3)


def test_margins_ignore_the_length_of_features():
    draw = np.random.default_rng(5)
    sets = [draw.random((4, 6)) for _ in range(4)]
    np.testing.assert_allclose(choice_margins(*sets), choice_margins(*(3 * rows for rows in sets)))


def test_bad_arguments():
    with pytest.raises(ArrayError, match=r"50 pictures have 4 between .* and 20 trials were asked for"):
        choose_alternatives(np.arange(50), references=1)
    with pytest.raises(ArrayError, match="0 between"):
        choose_alternatives(np.arange(10))
    with pytest.raises(ArrayError, match=r"give two between 50 and 100"):
        choose_alternatives(np.arange(100), percentiles=(10, 90))
    with pytest.raises(ArrayError, match="lengths differ: strong 1, weak 2"):
        choice_margins([[1, 0]], [[0, 1]], [[1, 0]], [[1, 0]] * 2)
    with pytest.raises(ArrayError, match="minimal: row 0 is 0"):
        choice_margins([[1, 0]], [[0, 0]], [[1, 0]], [[1, 0]])

"""KID: unbiased, and differences with intervals over units."""

import warnings

import numpy as np
import pytest

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import kernel_distance, kid, kid_difference, mean_kernel, mmd2
from dgnam.measure.statistics import decide


def by_loops(a, b):
    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    def pairs(rows):
        n = len(rows)
        return sum(kernel(rows[i], rows[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))

    return pairs(a) + pairs(b) - 2 * np.mean([kernel(x, y) for x in a for y in b])


def test_mmd_by_loops():
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(6, 4)), draw.normal(1, 1, (9, 4))
    assert mmd2(a, b) == pytest.approx(by_loops(a, b))
    assert mmd2(a, b, second_kernel=mean_kernel(b)) == mmd2(a, b)
    with pytest.raises(DgnamError, match="second_kernel nan must be finite"):
        mmd2(a, b, second_kernel=np.nan)


def test_equal_distributions_have_mean_zero_at_any_size():
    draw = np.random.default_rng(1)
    for n in (5, 50):
        found = np.array([mmd2(draw.normal(size=(n, 3)), draw.normal(size=(n, 3))) for _ in range(300)])
        assert abs(found.mean()) < 3 * found.std() / np.sqrt(300)
        assert found.min() < 0


def test_a_planted_difference_has_its_size():
    """(x y + 1)³ of x, y in {0, 1} is 1 + 7 x y, so that MMD² is 7 times the squared difference of means."""
    draw = np.random.default_rng(2)
    found = [mmd2(draw.random((200, 1)) < 0.8, draw.random((200, 1)) < 0.3) for _ in range(50)]
    assert np.mean(found) == pytest.approx(7 * 0.5**2, rel=0.05)


def test_subsets_estimate_the_whole():
    draw = np.random.default_rng(3)
    a, b = draw.normal(0.2, 1, (600, 8)), draw.normal(0, 1, (900, 8))
    found = kid(a, b)
    assert len(found) == 100
    assert found.mean() == pytest.approx(mmd2(a, b), abs=4 * found.std() / 10)
    assert kid(a, b, seed=1)[0] != found[0]
    assert (kid(a, b) == found).all()


def test_the_nearer_set_is_found():
    draw = np.random.default_rng(4)
    units, d = 60, 8
    centers = draw.normal(size=(units, 1, d))
    labels = np.repeat(np.arange(units), 3)
    near, far, real = (
        (centers + 0.5 * draw.normal(size=(units, 3, d)) + shift).reshape(-1, d) for shift in (0.1, 0.6, 0.0)
    )
    given = {"first_units": labels, "second_units": labels, "real_units": labels}
    found = kid_difference(near, far, real, **given)
    assert found.value == pytest.approx(mmd2(near, real) - mmd2(far, real))
    assert decide(found, below=0).outcome == "holds"
    assert decide(kid_difference(far, near, real, **given), below=0).outcome == "fails"
    assert decide(kid_difference(near, far, real, first_units=labels, second_units=labels), below=0).outcome == "holds"


def test_none_is_found_between_equal_sets():
    draw = np.random.default_rng(5)
    hits, runs = 0, 100
    for _ in range(runs):
        centers = draw.normal(size=(30, 1, 4))
        a, b, real = ((centers + draw.normal(size=(30, 2, 4))).reshape(-1, 4) for _ in range(3))
        labels = np.repeat(np.arange(30), 2)
        found = kid_difference(a, b, real, first_units=labels, second_units=labels, real_units=labels, resamples=500)
        hits += found.low <= 0 <= found.high
    assert hits / runs >= 0.88


def test_a_resample_is_of_units_without_pairs_of_copies():
    """By loops over the pictures of the drawn units."""
    draw = np.random.default_rng(8)
    rows, real = draw.normal(size=(7, 2)), draw.normal(size=(5, 2))
    units, real_units = np.array([0, 0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2])
    drawn = [0, 0, 2]
    members = [(copy, i) for copy, unit in enumerate(drawn) for i in np.flatnonzero(units == unit)]
    theirs = [(copy, i) for copy, unit in enumerate(drawn) for i in np.flatnonzero(real_units == unit)]

    def pairs(others):
        """Two copies of a unit give no pairs between them: they are the same pictures."""
        return [(a, b) for a in members for b in others if a[0] == b[0] or drawn[a[0]] != drawn[b[0]]]

    wanted = np.mean([(rows[a[1]] @ rows[b[1]] / 2 + 1) ** 3 for a, b in pairs(members) if a != b])
    wanted -= 2 * np.mean([(rows[a[1]] @ real[b[1]] / 2 + 1) ** 3 for a, b in pairs(theirs)])
    weights = np.array([[2.0, 0.0, 1.0]])
    names = np.arange(3)
    found = kernel_distance._against(
        rows, real, kernel_distance._members(units, names), kernel_distance._members(real_units, names), weights
    )
    assert found.tolist() == pytest.approx([wanted])


def test_pictures_of_other_classes_are_no_farther():
    """As a set they are like real ones; what is drawn twice must not bring a class nearer to its own pictures."""
    draw = np.random.default_rng(10)
    centers, labels = draw.normal(0, 2, (40, 8)), np.repeat(np.arange(40), 2)
    right, wrong, real = (
        centers[k][labels] + draw.normal(0, 0.3, (80, 8))
        for k in (np.arange(40), np.roll(np.arange(40), 1), np.arange(40))
    )
    given = {"first_units": labels, "second_units": labels, "real_units": labels}
    found = kid_difference(right, wrong, real, resamples=1000, **given)
    assert found.low < found.value < found.high


def test_the_same_set_twice_differs_by_nothing():
    draw = np.random.default_rng(6)
    rows, labels = draw.normal(size=(40, 3)), np.repeat(np.arange(10), 4)
    found = kid_difference(rows, rows, draw.normal(size=(20, 3)), first_units=labels, second_units=labels)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert found.n == 10


def test_bad_arguments():
    rows = np.random.default_rng(7).normal(size=(10, 3))
    with pytest.raises(ArrayError, match="numbers of features differ: first 3, second 4"):
        mmd2(rows, np.ones((5, 4)))
    with pytest.raises(ArrayError, match="subset_size 11: the smaller set has 10 rows"):
        kid(rows, rows, subset_size=11)
    with pytest.raises(ArrayError, match="the same ones in all sets"):
        kid_difference(rows, rows, rows, first_units=np.arange(10), second_units=np.arange(10) + 1)
    with pytest.raises(ArrayError, match="2 or more pictures"):
        mmd2(rows[:1], rows)


def test_resamples_of_a_single_picture_warn_of_nothing():
    draw = np.random.default_rng(9)
    given = {"first_units": [0, 1], "second_units": [0, 1], "resamples": 200}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = kid_difference(draw.normal(size=(2, 4)), draw.normal(size=(2, 4)), draw.normal(size=(9, 4)), **given)
    assert np.isfinite([found.value, found.low, found.high]).all()

"""Exact nearest neighbors in a stream."""

import tracemalloc

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import nearest, nearest_pictures
from dgnam.measure.neighbors import Queries


def by_all_distances(queries, rows, k):
    distances = cdist(queries, rows)
    places = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, places, 1), places


def split(rows, sizes):
    return np.split(rows, np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("k", [1, 5, 50])
@pytest.mark.parametrize("sizes", [(300,), (1, 299), (100,) * 3, (7,) * 42 + (6,)])
def test_equals_all_distances(k, sizes):
    draw = np.random.default_rng(0)
    queries, rows = draw.normal(3, 1, (20, 12)), draw.normal(3, 1, (300, 12))
    found = nearest(queries, split(rows, sizes), k)
    distances, places = by_all_distances(queries, rows, k)
    assert (found.places == places).all()
    np.testing.assert_allclose(found.distances, distances, rtol=1e-12)


def test_chunks_do_not_change_a_bit():
    draw = np.random.default_rng(1)
    queries, rows = draw.random((10, 30)).astype(np.float32), draw.random((500, 30)).astype(np.float32)
    whole, parts = nearest(queries, [rows], 50), nearest(queries, split(rows, [33] * 15 + [5]), 50)
    assert whole.distances.tobytes() == parts.distances.tobytes()
    assert (whole.places == parts.places).all()


@pytest.mark.parametrize("sizes", [(300,), (100,) * 3])
def test_beyond_a_distance_none_are_searched(sizes):
    draw = np.random.default_rng(5)
    queries, rows = draw.normal(3, 1, (20, 12)), draw.normal(3, 1, (300, 12))
    all_of_them = nearest(queries, [rows], 8)
    within = all_of_them.distances[np.arange(20), np.arange(20) % 8]
    within[3:5] = 0, np.inf
    found = nearest(Queries(queries), split(rows, sizes), 8, within=within)
    near = all_of_them.distances <= within[:, None]
    assert (near.sum(1) == np.where(within == 0, 0, np.where(within == np.inf, 8, np.arange(20) % 8 + 1))).all()
    assert (found.places[near] == all_of_them.places[near]).all()
    assert (found.distances[near] == all_of_them.distances[near]).all()
    absent = found.places < 0
    assert absent.sum() > 20
    assert not (absent & near).any()
    assert np.isinf(found.distances[absent]).all()


def test_near_copies_far_from_the_origin():
    """The expanded square of distances would lose them: all rows are near 1e6, and the copies 1e-7 away."""
    draw = np.random.default_rng(2)
    rows = 1e6 + draw.normal(size=(200, 8))
    queries = rows[[5, 150]] + np.array([[1e-7], [2e-7]])
    found = nearest(queries, split(rows, [100, 100]), 2)
    assert found.places[:, 0].tolist() == [5, 150]
    np.testing.assert_allclose(found.distances, by_all_distances(queries, rows, 2)[0], rtol=1e-3)
    exact = nearest(rows[:3], [rows])
    assert exact.distances.tolist() == [[0], [0], [0]]


def test_of_equal_ones_the_first_in_the_stream():
    rows = np.array([[1.0], [2.0], [1.0], [1.0]])
    assert nearest([[1.0]], split(rows, [2, 2]), 3).places.tolist() == [[0, 2, 3]]
    assert nearest([[0.0]], split(np.ones((9, 1)), [4, 5]), 4).places.tolist() == [[0, 1, 2, 3]]


def test_of_equally_near_ones_the_first_in_the_stream():
    for seed in range(30):
        draw = np.random.default_rng(seed)
        queries, rows = draw.integers(0, 4, (7, 6)), draw.integers(0, 4, (40, 6))
        found = nearest(queries, split(rows, (13, 27)), 8)
        assert (found.places == by_all_distances(queries, rows, 8)[1]).all()


def test_a_query_does_not_see_itself():
    rows = np.random.default_rng(3).normal(size=(50, 4))
    found = nearest(rows, split(rows, [20, 30]), 2, exclude=np.arange(50))
    _, places = by_all_distances(rows, rows, 3)
    assert (found.places == places[:, 1:]).all()
    assert nearest(rows, [rows], exclude=np.full(50, -1)).places[:, 0].tolist() == list(range(50))


def test_maps_are_flattened_and_tensors_taken():
    maps = torch.rand(6, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert nearest(maps[2:4], [maps]).places[:, 0].tolist() == [2, 3]


def test_memory_is_that_of_a_chunk():
    def stream():
        draw = np.random.default_rng(4)
        for _ in range(200):
            yield draw.normal(size=(100, 256)).astype(np.float32)

    tracemalloc.start()
    nearest(np.zeros((10, 256)), stream(), 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # the stream is 20 MB in float32


def test_too_short_a_stream_and_other_bad_arguments():
    with pytest.raises(ArrayError, match="the stream has 3 rows to compare with, and 4 neighbors"):
        nearest(np.zeros((2, 2)), [np.zeros((3, 2))], 4)
    with pytest.raises(ArrayError, match="the stream has 0 rows"):
        nearest(np.zeros((2, 2)), [])
    with pytest.raises(ArrayError, match="the stream has 1 rows"):
        nearest(np.zeros((2, 2)), [np.zeros((2, 2))], 2, exclude=[0, 1])
    with pytest.raises(ArrayError, match="chunk at 3: rows of 5 values, and the queries have 2"):
        nearest(np.zeros((2, 2)), [np.zeros((3, 2)), np.zeros((3, 5))])
    with pytest.raises(ArrayError, match="queries: nan"):
        nearest([[np.nan]], [np.zeros((3, 1))])
    with pytest.raises(DgnamError, match="k 0 must be at least 1"):
        nearest(np.zeros((2, 2)), [np.zeros((3, 2))], 0)
    with pytest.raises(ArrayError, match="lengths differ: queries 2, exclude 1"):
        nearest(np.zeros((2, 2)), [np.zeros((3, 2))], exclude=[0])


@pytest.mark.parametrize("within", [2.0, [1.0], [np.nan, 1], [-1, 1], ["a", "b"], [[1], [1]], [True, True]])
def test_wrong_bounds(within):
    with pytest.raises(ArrayError, match="within: a distance from 0 on for each of 2 queries is needed"):
        nearest(np.eye(2), [np.eye(2)], within=within)
    shown = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(ArrayError, match="within: a distance from 0 on for each of 2 queries is needed"):
        nearest_pictures(shown, [shown], within=within)

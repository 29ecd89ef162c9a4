"""Nearest pictures under shifts and mirroring."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import nearest_pictures


def pictures(count, seed, side=20):
    """Smooth random pictures, as photographs are."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (count, 5, 5, 3))
    fine = np.repeat(np.repeat(coarse, side // 5, 1), side // 5, 2) + draw.integers(-20, 21, (count, side, side, 3))
    return np.clip(fine, 0, 255).astype(np.uint8)


def by_all_crops(query, rows, shift, mirror):
    side = query.shape[0] - 2 * shift
    center = rows[:, shift : shift + side, shift : shift + side].astype(float)
    found = np.full(len(rows), np.inf)
    for shown in [query, query[:, ::-1]] if mirror else [query]:
        for y in range(2 * shift + 1):
            for x in range(2 * shift + 1):
                crop = shown[y : y + side, x : x + side].astype(float)
                found = np.minimum(found, np.sqrt(((center - crop) ** 2).mean((1, 2, 3))))
    return found


@pytest.mark.parametrize(("shift", "mirror", "k"), [(0, False, 1), (2, True, 7), (3, True, 50), (1, False, 60)])
def test_equals_all_crops(shift, mirror, k):
    queries, rows = pictures(4, 0), pictures(60, 1)
    found = nearest_pictures(queries, np.split(rows, [13, 14, 40]), k, shift=shift, mirror=mirror)
    for query, distances, places in zip(queries, found.distances, found.places, strict=True):
        wanted = by_all_crops(query, rows, shift, mirror)
        order = np.argsort(wanted, kind="stable")[:k]
        np.testing.assert_allclose(distances, wanted[order], rtol=1e-12)
        assert places.tolist() == order.tolist()


@pytest.mark.parametrize("divided", [[], [13, 14, 40]])
def test_beyond_a_distance_none_are_searched(divided):
    queries, rows = pictures(6, 0), pictures(60, 1)
    all_of_them = nearest_pictures(queries, [rows], 9)
    within = all_of_them.distances[np.arange(6), [0, 1, 4, 8, 8, 8]]
    within[4:] = 0, np.inf
    found = nearest_pictures(queries, np.split(rows, divided), 9, within=within)
    for row, count in enumerate([1, 2, 5, 9, 0, 9]):
        assert found.places[row, :count].tolist() == all_of_them.places[row, :count].tolist()
        assert found.distances[row, :count].tolist() == all_of_them.distances[row, :count].tolist()
    assert found.places[4].tolist() == [-1] * 9
    assert np.isinf(found.distances[4]).all()


def test_moved_and_mirrored_copies_are_found():
    rows = pictures(200, 2, side=40)
    moved = np.roll(rows[17], (3, -2), (0, 1))
    mirrored = np.roll(rows[90], (-1, 3), (0, 1))[:, ::-1]
    found = nearest_pictures(np.stack([moved, mirrored]), np.split(rows, 4), 2)
    assert found.places[:, 0].tolist() == [17, 90]
    assert found.distances[:, 0].tolist() == [0, 0]
    assert (found.distances[:, 1] > 20).all()
    plain = nearest_pictures(moved[None], [rows], shift=0, mirror=False)
    assert plain.distances[0, 0] > 20


def test_distances_are_gray_levels():
    dark, light = np.full((1, 16, 16, 3), 10, np.uint8), np.full((3, 16, 16, 3), 250, np.uint8)
    assert nearest_pictures(dark, [light]).distances[0, 0] == pytest.approx(240)


def test_chunks_do_not_change_a_bit():
    queries, rows = pictures(3, 3), pictures(100, 4)
    whole, parts = nearest_pictures(queries, [rows], 20), nearest_pictures(queries, np.split(rows, [9, 10, 77]), 20)
    assert whole.distances.tobytes() == parts.distances.tobytes()
    assert (whole.places == parts.places).all()


@pytest.mark.parametrize(
    ("queries", "rows", "options", "message"),
    [
        (pictures(1, 0)[0], pictures(2, 0), {}, r"queries: pictures \(N, H, W, 3\) uint8 are needed"),
        (pictures(1, 0).astype(np.float32), pictures(2, 0), {}, "float32"),
        (pictures(1, 0), pictures(2, 0, side=40), {}, "chunk at 0: pictures of"),
        (pictures(1, 0), pictures(2, 0), {"shift": 10}, "shift 10: pictures of 20x20 have no center left"),
        (pictures(1, 0), pictures(2, 0), {"k": 3}, "the stream has 2 rows"),
    ],
)
def test_bad_arguments(queries, rows, options, message):
    with pytest.raises(ArrayError, match=message):
        nearest_pictures(queries, [rows], **options)

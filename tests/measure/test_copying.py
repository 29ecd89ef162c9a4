"""Copies are told from new pictures."""

import numpy as np
import pytest

from dgnam.errors import ArrayError
from dgnam.measure import authentic, copying_ratio, copying_z, nearest, percentile_among
from dgnam.measure.statistics import decide, proportion


@pytest.fixture
def sets():
    """Training, held-out and new points of one distribution, and noisy copies of training points."""
    draw = np.random.default_rng(0)
    train, held_out, new = (draw.normal(size=(n, 16)) for n in (2000, 500, 200))
    copies = train[:200] + draw.normal(0, 0.05, (200, 16))
    return {"train": train, "held_out": held_out, "new": new, "copies": copies}


def neighbors(sets, name, k=50):
    return nearest(sets[name], np.split(sets["train"], 4), k)


def test_ratio_by_hand():
    assert copying_ratio([[1, 2, 4], [0, 3, 3], [2, 2, 2], [0, 0, 0]]).tolist() == pytest.approx([1 / 3, 0, 1, 0])


def test_ratio_finds_planted_copies_and_no_others(sets):
    reference = copying_ratio(neighbors(sets, "held_out").distances)
    flagged = {
        name: percentile_among(copying_ratio(neighbors(sets, name).distances), reference) < 1
        for name in ("new", "copies")
    }
    assert decide(proportion(flagged["copies"]), above=0.9).outcome == "holds"
    assert decide(proportion(flagged["new"]), below=0.05).outcome == "holds"


def test_copies_off_the_manifold_are_found_by_the_ratio_alone(sets):
    """Moved away from all data by a common step, a copy is farther from its original than real pictures are."""
    step = np.zeros((1, 32))
    step[0, 16:] = 4
    wide = {name: np.pad(rows, ((0, 0), (0, 16))) for name, rows in sets.items()}
    moved = nearest(wide["copies"] + 0.1 * step, [wide["train"]], 50).distances
    real = nearest(wide["held_out"], [wide["train"]], 50).distances
    assert np.median(moved[:, 0]) > 1.5
    ratios, reference = copying_ratio(moved), copying_ratio(real)
    assert (percentile_among(ratios, reference) < 1).mean() > 0.9


def test_z_of_copies_of_new_points_and_of_far_ones(sets):
    held_out = neighbors(sets, "held_out", 1).distances[:, 0]
    assert copying_z(neighbors(sets, "copies", 1).distances[:, 0], held_out) < -10
    assert abs(copying_z(neighbors(sets, "new", 1).distances[:, 0], held_out)) < 3
    sets["far"] = sets["new"] * 2
    assert copying_z(neighbors(sets, "far", 1).distances[:, 0], held_out) > 10


def test_z_by_hand():
    """All 3 x 4 pairs are nearer: U = 0."""
    assert copying_z([1, 2, 3], [4, 5, 6, 7]) == pytest.approx((0 - 6) / np.sqrt(12 * 8 / 12))
    assert copying_z([1, 2], [1, 2]) == 0


def test_z_has_deviation_1_without_copies():
    draw = np.random.default_rng(1)
    found = [copying_z(draw.random(50), draw.random(80)) for _ in range(500)]
    assert np.mean(found) == pytest.approx(0, abs=0.15)
    assert np.std(found) == pytest.approx(1, abs=0.12)


def test_z_in_cells_finds_copies_that_the_whole_hides():
    """In one cell copies, in the other underfitting."""
    draw = np.random.default_rng(2)
    held_out, other = draw.random(200), np.repeat([0, 1], [180, 20])
    generated, cells = np.concatenate([draw.random(90) * 0.1, 2 + draw.random(90)]), np.repeat([0, 1], 90)
    assert abs(copying_z(generated, held_out)) < 3
    assert copying_z(generated, held_out, cells=cells, held_out_cells=other) < -5


def test_cells_with_few_generated_ones_do_not_count():
    cells, other = np.repeat(["a", "b"], [30, 5]), np.repeat(["a", "b", "c"], 10)
    generated, held_out = np.arange(35.0), np.arange(30.0)
    wanted = copying_z(generated[:30], held_out[:10])
    assert copying_z(generated, held_out, cells=cells, held_out_cells=other) == wanted
    with pytest.raises(ArrayError, match="has 50 generated ones or more"):
        copying_z(generated, held_out, cells=cells, held_out_cells=other, least=50)


def test_most_new_points_are_authentic_and_no_copy(sets):
    for name, low, high in (("new", 0.5, 0.8), ("copies", 0, 0.01)):
        found = neighbors(sets, name, 1)
        closest = found.places[:, 0]
        theirs = nearest(sets["train"][closest], [sets["train"]], exclude=closest).distances[:, 0]
        assert low <= authentic(found.distances[:, 0], theirs).mean() <= high


@pytest.mark.parametrize(
    "distances",
    [[[1.0]], [[2.0, 1.0]], [[-1.0, 1.0]], [[1.0, 2.0, 1.5]]],
    ids=["one", "falling", "negative", "unsorted"],
)
def test_distances_that_no_search_gives(distances):
    with pytest.raises(ArrayError, match="the nearest first"):
        copying_ratio(distances)


def test_bad_arguments():
    with pytest.raises(ArrayError, match="give both or neither"):
        copying_z([1.0], [2.0], cells=[0])
    with pytest.raises(ArrayError, match="lengths differ: generated 1, cells 2"):
        copying_z([1.0], [2.0], cells=[0, 1], held_out_cells=[0])
    with pytest.raises(ArrayError, match="lengths differ"):
        authentic([1.0], [1.0, 2.0])

"""AuthPct: a picture is authentic if it is farther from its nearest training picture than that is from another."""

from types import SimpleNamespace

import numpy as np

from dgnam.experiments.sec3_1_memorization import AUTHENTIC, SPACES, authenticity, fewest_found
from dgnam.measure.statistics import proportion


def test_each_picture_is_compared_with_what_its_own_neighbor_has(monkeypatch):
    """Training picture p is p away from the next one."""
    asked = []

    def found(nearest, distances):
        places = np.tile(np.array(nearest)[None, :, None], (len(SPACES), 1, 2))
        far = np.tile(np.array(distances, float)[None, :, None], (len(SPACES), 1, 2))
        return SimpleNamespace(
            places=places,
            distances=far,
            dataset=SimpleNamespace(name="pictures"),
            searched=lambda place: np.full((1, 1, 3), place, np.uint8),
        )

    def neighbors(step, twins, *, layers, images, k, limit):
        asked.append((step, layers, images, twins[:, 0, 0, 0].tolist(), k, limit))
        gaps = twins[:, 0, 0, 0].astype(float)
        return SimpleNamespace(distances=np.stack([np.zeros(len(gaps)), gaps], 1)[None])

    context = SimpleNamespace(neighbors=neighbors)
    shares = authenticity(
        context, {"synthesized": found([9, 4, 9, 4], [10, 5, 8, 3]), "held_out": found([4, 7], [4.5, 6])}, limit=5
    )
    assert [one[1] for one in asked] == [(space,) for space in AUTHENTIC]
    assert asked[0] == ("twins_pixels", ("pixels",), "pictures", [4, 7, 9], 2, 5)
    assert shares["AuthPct, synthesized"] == dict.fromkeys(AUTHENTIC, 50.0)
    assert shares["AuthPct, held_out"] == dict.fromkeys(AUTHENTIC, 50.0)


def test_copies_of_one_picture_are_one_unit():
    exact, noise = np.ones((2, 8), bool), np.array([[1] * 8, [1, 1, 1, 0, 0, 0, 1, 1]], bool)
    found = fewest_found({"exact copies": exact, "noisy copies": noise, "reconstructions": ~exact})
    assert found.tolist() == np.stack([exact[1], noise[1]], 1).tolist()
    assert (proportion(found).value, proportion(found).n) == (13 / 16, 8)

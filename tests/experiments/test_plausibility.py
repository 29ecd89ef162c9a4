"""How far pictures are from real ones: real pictures are near, others are far, and a few have no Fréchet distance."""

import numpy as np
import pytest

from dgnam.experiments.plausibility import plausibility
from dgnam.experiments.rates import merged
from dgnam.experiments.reference import reference


class Seen:
    """Stands for a context: an image's first value is the row of the real features that it has, moved by the second."""

    def features(self, images, of):
        return reference(f"features, {of}")[images[:, 0].astype(int)] + images[:, 1:]


def images(count, moved=0.0):
    rows = np.random.default_rng(0).permutation(5000)[:count]
    return np.stack([rows, np.full(count, moved)], 1)


def test_real_pictures_are_as_near_as_real_pictures_are():
    table = plausibility(Seen(), {"real": images(1000), "moved": images(1000, 0.5)})
    real, moved, floor = (table[step] for step in ("real", "moved", "real pictures"))
    assert abs(real["kid"]) < 0.1 * moved["kid"]
    assert abs(real["kid_scenes"]) < 0.1 * moved["kid_scenes"]
    assert abs(floor["kid"]) < 0.1 * moved["kid"]
    assert real["frechet"] < 2 * floor["frechet"] < moved["frechet"]
    assert real["density"] == pytest.approx(1, abs=0.35)
    assert real["coverage"] > moved["coverage"]


def test_too_few_pictures_have_no_frechet_distance_and_one_has_nothing():
    table = plausibility(Seen(), {"few": images(10), "one": images(1)})
    assert sorted(table) == ["few", "real pictures"]
    assert sorted(table["few"]) == ["coverage", "density", "kid", "kid_scenes"]
    assert sorted(table["real pictures"]) == ["kid", "kid_scenes"]
    assert plausibility(Seen(), {"one": images(1)}) == {}


def test_tables_stand_side_by_side():
    assert merged({"a": {"x": 1.0}}, {"a": {"y": 2.0}, "b": {"y": 3.0}}) == {"a": {"x": 1, "y": 2}, "b": {"y": 3}}

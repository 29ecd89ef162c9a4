"""Stand-ins for published files: in their place within a context, and the published ones again after it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dgnam import zoo
from dgnam.zoo.stand_ins import BOUND, standing_in
from tests.zoo.conftest import Toys


@pytest.fixture
def toy_home(toys: Toys) -> Path:
    return toys.home


def test_stand_ins_are_random_and_of_the_published_shapes(toy_home: Path, tmp_path: Path) -> None:
    with standing_in(["e", "g"], tmp_path / "stand-ins"):
        assert os.environ["DGNAM_HOME"] == str(tmp_path / "stand-ins")
        weights = dict(zoo.load("e").layer_params())["fc8"]
        assert tuple(weights[0].shape) == (5, 192)
        assert float(weights[0].detach().std()) == pytest.approx((2 / 192) ** 0.5, rel=0.2)
        bounds = zoo.get("g").act_range()
        assert bounds is not None
        assert (bounds.shape, np.unique(bounds).tolist()) == ((3, 8, 8), [BOUND])
        files = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("stand-ins/*/*")}
    assert os.environ["DGNAM_HOME"] == str(toy_home)
    with pytest.raises(zoo.MissingWeightsError):
        zoo.get("e").weights_path(download=False)
    with standing_in(["e", "g"], tmp_path / "stand-ins"):
        assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("stand-ins/*/*")} == files


def test_the_published_files_are_back_after_an_error(toy_home: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), standing_in(["e"], tmp_path):
        raise RuntimeError
    assert zoo.get("e").weights.file == "e.caffemodel"
    assert os.environ["DGNAM_HOME"] == str(toy_home)

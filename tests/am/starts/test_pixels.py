"""Where a search in pixels starts."""

import json

import numpy as np
import pytest
from PIL import Image

from dgnam.am import MeanImageStart, NoiseStart, ZeroStart
from dgnam.errors import DgnamError

SHAPE = (3, 20, 30)


def test_zero_start_is_zero():
    codes = ZeroStart().codes([1, 2], SHAPE)
    assert codes.shape == (2, *SHAPE)
    assert codes.dtype == np.float32
    assert not codes.any()


def test_noise_has_its_seed_and_size():
    codes = NoiseStart(10).codes([1, 2, 1], SHAPE)
    assert codes.dtype == np.float32
    assert np.array_equal(codes[0], codes[2])
    assert not np.array_equal(codes[0], codes[1])
    assert codes.std() == pytest.approx(10, rel=0.05)
    assert np.allclose(codes[0], 10 * np.random.RandomState(1).normal(0, 1, SHAPE), atol=1e-5)


def test_uniform_noise_stays_within_its_size():
    codes = NoiseStart(50, uniform=True).codes([0], SHAPE)
    assert 49 < np.abs(codes).max() <= 50


def test_noise_around_a_gray_is_mean_subtracted():
    codes = NoiseStart(0.01, gray=175).codes([0], SHAPE)
    assert np.allclose(codes.mean((0, 2, 3)), [175 - 104, 175 - 117, 175 - 123], atol=0.01)


def test_mean_image_averages_the_pictures(tmp_path):
    for name, color in (("a", (0, 0, 0)), ("b", (100, 50, 10))):
        Image.new("RGB", (40, 10), color).save(tmp_path / f"{name}.png")
    codes = MeanImageStart.of(tmp_path / "a.png", tmp_path / "b.png").codes([3, 4], SHAPE)
    assert codes.shape == (2, *SHAPE)
    assert np.allclose(codes[1, :, 0, 0], [5 - 104, 25 - 117, 50 - 123])
    assert np.ptp(codes, axis=(0, 2, 3)).max() == 0


def test_starts_are_recorded_as_json_holds_them(tmp_path):
    for start in (ZeroStart(), NoiseStart(8, gray=175), MeanImageStart.of(tmp_path / "a.png")):
        assert json.loads(json.dumps(start.as_dict())) == start.as_dict()
    assert NoiseStart(8).as_dict() != NoiseStart(9).as_dict()


def test_unsuitable_arguments_raise(tmp_path):
    with pytest.raises(DgnamError, match=r"\(3, height, width\).*\(4096,\)"):
        NoiseStart(8, gray=175).codes([0], (4096,))
    with pytest.raises(DgnamError, match="one or more pictures"):
        MeanImageStart(())
    with pytest.raises(DgnamError, match="one or more pictures"):
        MeanImageStart("a.png")
    for size, gray in ((-1, None), (float("nan"), None), (1, 300)):
        with pytest.raises(DgnamError, match="NoiseStart"):
            NoiseStart(size, gray)
    with pytest.raises(DgnamError, match=r"gone\.png"):
        MeanImageStart.of(tmp_path / "gone.png").codes([0], SHAPE)


def test_images_alone_begin_so():
    for shape in ((4, 8, 8), (3, 8), (3, 8, 8, 1)):
        with pytest.raises(DgnamError, match="this start is an image"):
            NoiseStart(8, gray=175).codes([0], shape)

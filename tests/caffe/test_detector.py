"""pycaffe's Detector: crops worked out by hand, and scores that are the means of the input's channels."""

import sys
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe import CaffeError, Detector, Net, io

DEFINITION = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "mean" type: "Pooling" bottom: "data" top: "mean" pooling_param { pool: AVE global_pooling: true } }
"""
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
PICTURE = (PIXELS / 255).astype(np.float32)
MEAN = np.array([51.0, 102, 204])


@pytest.fixture
def detector(tmp_path):
    path = tmp_path / "deploy.prototxt"
    path.write_text(DEFINITION)

    def make(**settings):
        return Detector(str(path), None, **settings)

    return make


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "picture.png")
    return str(tmp_path / "picture.png")


def scores_of(detections):
    return np.stack([d["prediction"][:, 0, 0] for d in detections])


def warped_mean(top, left, bottom, right):
    return io.resize_image(PICTURE[top:bottom, left:right], (8, 8)).mean((0, 1))


def test_windows_are_scored_in_order_with_what_they_are_of(detector, picture, tmp_path):
    Image.fromarray(PIXELS[::-1]).save(tmp_path / "other.png")
    windows = [np.array([2, 3, 12, 20]), (0, 0, 5, 5), [4.0, 4.0, 20.0, 24.0]]
    listed = ((name, of) for name, of in [(picture, windows), (str(tmp_path / "other.png"), windows[:1])])
    net = detector()
    assert isinstance(net, Net)
    found = net.detect_windows(listed)
    assert [d["filename"] for d in found] == [picture] * 3 + [str(tmp_path / "other.png")]
    assert all(d["window"] is w for d, w in zip(found, [*windows, windows[0]], strict=True))
    wanted = [warped_mean(2, 3, 12, 20), warped_mean(0, 0, 5, 5), warped_mean(4, 4, 20, 24)]
    np.testing.assert_allclose(scores_of(found)[:3], wanted, rtol=1e-5)
    mirrored = io.resize_image(PICTURE[::-1][2:12, 3:20], (8, 8)).mean((0, 1))
    np.testing.assert_allclose(scores_of(found)[3], mirrored, rtol=1e-5)
    assert net.detect_windows([]) == []


def test_pictures_are_preprocessed(detector, picture):
    net = detector(mean=MEAN, raw_scale=255, channel_swap=(2, 1, 0), input_scale=0.5)
    found = net.detect_windows([(picture, [(2, 3, 12, 20)])])
    np.testing.assert_allclose(scores_of(found)[0], (warped_mean(2, 3, 12, 20)[::-1] * 255 - MEAN) / 2, rtol=1e-4)


def test_context_widens_the_window(detector):
    # 2 of 8 pixels at each edge: twice as wide, 8 about the center (8, 10) of a window of 4, in which 9 are counted
    crop = detector(context_pad=2).crop(PICTURE, np.array([6, 8, 9, 11]))
    np.testing.assert_allclose(crop, PICTURE[4:12, 6:14], atol=1e-6)


def test_context_outside_the_picture_is_the_mean(detector):
    net = detector(context_pad=2, mean=MEAN, raw_scale=255, channel_swap=(2, 1, 0))
    mean = MEAN[::-1] / 255
    np.testing.assert_allclose(net.crop_mean, mean.reshape(1, 1, 3))
    # The box is -2 … 6: 9 pixels at 8/9 each, so 2 * 8/9 = 1.8 → 2 are outside, and 7 * 8/9 = 6.2 → 6 within.
    crop = net.crop(PICTURE, (0, 0, 3, 3))
    np.testing.assert_allclose(crop[2:, 2:], io.resize_image(PICTURE[:6, :6], (6, 6)), rtol=1e-6)
    np.testing.assert_allclose(crop[:2], np.tile(mean, (2, 8, 1)))
    np.testing.assert_allclose(crop[:, :2], np.tile(mean, (8, 2, 1)))


def test_context_past_the_far_edges_is_the_mean_too(detector):
    # The box is 16 … 24 and clipped to 16 … 20 of 20: 5 * 8/9 = 4.4 → 4 pixels.
    net = detector(context_pad=2)
    crop = net.crop(PICTURE, (18, 8, 21, 11))
    np.testing.assert_allclose(crop[:4], io.resize_image(PICTURE[16:20, 6:14], (4, 8)), rtol=1e-6)
    np.testing.assert_array_equal(crop[4:], 0)
    np.testing.assert_array_equal(net.crop_mean, np.zeros((8, 8, 3)))


def test_a_mean_image_is_turned_round_for_crops(detector):
    image = np.random.default_rng(1).random((3, 8, 8))
    net = detector(context_pad=2, mean=image)
    np.testing.assert_array_equal(net.crop_mean, image.transpose(1, 2, 0))
    assert tuple(net.crop_dims) == (8, 8, 3)


def test_context_can_be_configured_anew(detector):
    net = detector()
    assert net.crop(PICTURE, (6, 8, 9, 11)).shape == (3, 3, 3)
    net.configure_crop(2)
    assert net.crop(PICTURE, (6, 8, 9, 11)).shape == (8, 8, 3)
    with pytest.raises(CaffeError, match="context_pad 4"):
        net.configure_crop(4)


@pytest.mark.parametrize("context_pad", [None, 2])
def test_windows_with_nothing_of_the_picture_are_named(detector, context_pad):
    net = detector(context_pad=context_pad)
    with pytest.raises(CaffeError, match=r"\(90, 3, 95, 9\).*20x24"):
        net.crop(PICTURE, (90, 3, 95, 9))


def test_selective_search_needs_its_package(detector, picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "selective_search_ijcv_with_python", None)
    with pytest.raises(ImportError, match="selective_search_ijcv_with_python"):
        detector().detect_selective_search([picture])


def test_selective_search_proposes_the_windows(detector, picture, monkeypatch):
    package = ModuleType("selective_search_ijcv_with_python")
    windows = {picture: [np.array([2, 3, 12, 20]), np.array([0, 0, 5, 5])]}
    package.get_windows = lambda names, cmd: [windows[n] for n in names] if cmd == "selective_search_rcnn" else None
    monkeypatch.setitem(sys.modules, package.__name__, package)
    found = detector().detect_selective_search([picture])
    np.testing.assert_allclose(scores_of(found), [warped_mean(2, 3, 12, 20), warped_mean(0, 0, 5, 5)], rtol=1e-5)

"""The pan between frames."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from dgnam.errors import ArrayError
from dgnam.measure import pan_between_frames


def texture(seed, side=64):
    return 255 * gaussian_filter(np.random.default_rng(seed).random((side, side)), 1.5, mode="wrap")


def test_a_planted_pan_is_found():
    frame = texture(0)
    clip = np.stack([np.roll(frame, (2 * t, -3 * t), (0, 1)) for t in range(5)])
    np.testing.assert_allclose(pan_between_frames(clip), [[2, -3]] * 4, atol=0.2)


def test_a_camera_over_a_larger_scene():
    scene = texture(1, 120)
    clip = np.stack([scene[20:84, 20 + 2 * t : 84 + 2 * t] for t in range(6)])  # to the right: the picture moves left
    np.testing.assert_allclose(pan_between_frames(clip), [[0, -2]] * 5, atol=0.2)


def test_the_border_does_not_hold_smooth_frames():
    scene = 255 * gaussian_filter(np.random.default_rng(9).random((120, 120)), 3)
    clip = np.stack([scene[20:84, 20 + 3 * t : 84 + 3 * t] for t in range(6)])
    np.testing.assert_allclose(pan_between_frames(clip), [[0, -3]] * 5, atol=0.5)


def test_parts_of_pixels():
    frame = texture(2)
    clip = np.stack([frame, shift(frame, (0.5, -1.3), mode="wrap")])
    np.testing.assert_allclose(pan_between_frames(clip), [[0.5, -1.3]], atol=0.2)


def test_colors_and_frozen_clips():
    frame = np.repeat(texture(3)[..., None], 3, 2).astype(np.uint8)
    clip = np.stack([frame, frame, np.roll(frame, 4, 0)])
    np.testing.assert_allclose(pan_between_frames(clip), [[0, 0], [4, 0]], atol=0.2)


def test_unrelated_frames_move_by_no_constant():
    clip = np.stack([texture(seed) for seed in range(4, 14)])
    assert np.ptp(pan_between_frames(clip), axis=0).min() > 10


def test_bad_arguments():
    with pytest.raises(ArrayError, match="two frames or more"):
        pan_between_frames(texture(0)[None])
    with pytest.raises(ArrayError, match=r"\(T, H, W, 3\) or \(T, H, W\) is needed"):
        pan_between_frames(np.ones((2, 3, 8, 8)))


@pytest.mark.parametrize("level", [0.0, 128.3, 255.0])
def test_frames_without_contrast_do_not_move(level):
    blank, frame = np.full((64, 64), level), texture(5)
    assert not pan_between_frames(np.stack([blank, blank + 1e-12, blank])).any()
    found = pan_between_frames(np.stack([frame, blank, frame, np.roll(frame, 4, 0)]))
    np.testing.assert_allclose(found, [[0, 0], [0, 0], [4, 0]], atol=0.2)
    assert not pan_between_frames(np.full((3, 16, 16, 3), 77, np.uint8)).any()

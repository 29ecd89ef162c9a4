"""Occlusion maps of planted detectors, whose drops are known."""

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.am import CaffeTarget, Unit
from dgnam.errors import DgnamError
from dgnam.measure.occlusion import Occluder, cut_out, occlusion_map, region, unit_score
from dgnam.measure.receptive_field import Box

IMAGE = np.random.RandomState(0).normal(0, 40, (3, 20, 30)).astype(np.float32)


def planted(top=6, left=12, size=4):
    """A score, and an image with the square that it looks for: the mean of red within the square's place."""
    image = IMAGE.copy()
    image[:, top : top + size, left : left + size] = np.reshape([-50, -50, 100], (3, 1, 1))

    def score(images):
        return images[:, 2, top : top + size, left : left + size].mean((1, 2))

    return score, image


@pytest.mark.parametrize(("side", "stride"), [(1, 1), (3, 1), (5, 2), (4, 3)])
def test_the_planted_square_is_the_region(side, stride):
    score, image = planted()
    found = occlusion_map(score, image, Occluder(side, stride), batch_size=7)
    assert found.shape == (20, 30)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 6 <= row < 10
    assert 12 <= column < 16
    far = np.ones(found.shape, bool)
    far[6 - side : 10 + side, 12 - side : 16 + side] = False
    assert (found[far] == 0).all()
    mask = region(found)
    assert mask[6:10, 12:16].mean() > 0.7
    assert not mask[far].any()


def test_a_pixels_value_is_the_mean_drop_of_what_covers_it():
    score, image = planted()
    found = occlusion_map(score, image, Occluder(1, 1))
    assert np.allclose(found[6:10, 12:16], 100 / 16, rtol=1e-4)
    wide = occlusion_map(score, image, Occluder(2, 1))
    assert wide[7, 13] == pytest.approx(4 * 100 / 16, rel=1e-4)
    assert wide[5, 13] == pytest.approx(100 / 16 * 2 / 2, rel=1e-4)


def test_covering_what_inhibits_raises_the_unit():
    score, image = planted()
    found = occlusion_map(lambda images: -score(images), image, Occluder(3, 1))
    assert found.min() < -1
    assert not region(found).any()
    assert (region(found) == region(np.minimum(found, 0))).all()


def test_the_last_places_reach_the_border():
    assert Occluder(4, 3).places((10, 6), Box(0, 0, 10, 6)) == [(row, column) for row in (0, 3, 6) for column in (0, 2)]
    assert Occluder(4, 3).places((10, 10), Box(0, 0, 1, 10)) == [(0, 0), (0, 3), (0, 6)]


def test_outside_the_box_nothing_is_covered():
    score, image = planted()
    whole = occlusion_map(score, image, Occluder(3, 2))
    inside = occlusion_map(score, image, Occluder(3, 2), box=Box(4, 10, 12, 18))
    assert np.array_equal(inside, whole)


@pytest.mark.parametrize("noise", [False, True])
def test_batches_do_not_matter(noise):
    target = CaffeTarget(zoo.load("caffenet-mini"))
    image = np.random.RandomState(1).normal(0, 40, (3, 56, 56)).astype(np.float32)
    score = unit_score(target, Unit("conv5", 3, (2, 4)))
    maps = [occlusion_map(score, image, Occluder(9, 8, noise, 5), batch_size=size) for size in (1, 10, 64)]
    assert np.abs(maps[0]).max() > 0.01
    assert np.allclose(maps[0], maps[1], atol=1e-4)
    assert np.allclose(maps[0], maps[2], atol=1e-4)
    other = occlusion_map(score, image, Occluder(9, 8, noise, 6), batch_size=64)
    assert np.allclose(other, maps[0], atol=1e-4) == (not noise)


def test_scores_are_of_sums_too():
    target = CaffeTarget(zoo.load("caffenet-mini"))
    images = torch.from_numpy(np.random.RandomState(1).normal(0, 40, (3, 3, 56, 56)).astype(np.float32))
    values = target(images, ["fc8"])["fc8"]
    found = unit_score(target, 2 * Unit("fc8", 3) - Unit("fc8", 5))(images)
    assert torch.allclose(found, 2 * values[:, 3] - values[:, 5], atol=1e-5)


def test_the_cut_out_has_the_mean_color_or_is_dark_outside():
    picture = np.full((4, 4, 3), 200, np.uint8)
    mask = np.zeros((4, 4), bool)
    mask[1, 2] = True
    cut = cut_out(picture, mask)
    assert (cut[1, 2] == 200).all()
    assert (cut[0, 0] == (123, 117, 104)).all()
    assert (cut_out(picture, mask, 0.25)[0, 0] == 50).all()


def test_the_usual_occluder_suits_the_size():
    assert Occluder.for_size((227, 227)) == Occluder(11, 3)
    assert Occluder.for_size((56, 56)) == Occluder(7, 2)
    assert Occluder.for_size((5, 5)) == Occluder(1, 1)


def test_numbers_that_make_no_sense_are_one_error():
    score, image = planted()
    for sizes in ((0, 1), (1, 0)):
        with pytest.raises(DgnamError, match="at least 1 pixel"):
            Occluder(*sizes)
    with pytest.raises(DgnamError, match="occluder of 21 pixels does not fit into an image of 20"):
        occlusion_map(score, image, Occluder(21, 1))
    with pytest.raises(DgnamError, match="threshold 0: give a part"):
        region(np.ones((2, 2)), 0)
    with pytest.raises(DgnamError, match="not finite"):
        occlusion_map(lambda images: score(images) * torch.nan, image, Occluder(9, 9))


def test_a_stride_that_leaves_gaps_is_refused():
    with pytest.raises(DgnamError, match=r"11 pixels at a stride of 60 never covers .*; give a stride of at most 11"):
        Occluder(11, 60)
    assert Occluder(11, 11).stride == 11


@pytest.mark.parametrize("stride", [3, 4])
def test_every_pixel_is_covered(stride):
    covered = np.zeros((23, 31), int)
    for top, left in Occluder(4, stride).places(covered.shape, Box.whole(covered.shape)):
        covered[top : top + 4, left : left + 4] += 1
    assert covered.min() == 1

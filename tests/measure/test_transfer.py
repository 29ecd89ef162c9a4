"""The transfer share, and the three numbers that modifications show in."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dgnam.data.modifications import blurred, brg, shuffled
from dgnam.errors import ArrayError
from dgnam.measure import ColorOrder, fit_color_order, laplacian_sharpness, seam_energy, transfer_share
from dgnam.measure.statistics import decide


def photographs(count, seed, side=64):
    """Pictures with the statistics that matter here: smooth, sharp-edged, and warm below and blue above."""
    draw = np.random.default_rng(seed)
    coarse = draw.normal(128, 40, (count, 8, 8, 1)) + draw.normal(0, 15, (count, 8, 8, 3))
    coarse[:, :4] += (-20, 0, 40)
    coarse[:, 4:] += (30, 0, -40)
    whole = np.zeros((count, side, side, 3))
    for step in (8, 4):  # bilinear by repeated averages of a blocky picture
        whole += np.repeat(np.repeat(coarse, side // 8, 1), side // 8, 2) / 2
        whole = (whole + np.roll(whole, step // 2, 1) + np.roll(whole, step // 2, 2)) / 3
    return np.clip(1.3 * whole + draw.normal(0, 4, whole.shape), 0, 255).astype(np.uint8)


def test_a_planted_share_is_found():
    draw = np.random.default_rng(0)
    base = draw.normal(0, 5, (100, 1))
    regular, modified = base + draw.normal(0, 1, (100, 2)), base + 0.4 + draw.normal(0, 1, (100, 2))
    real_regular, real_modified = base + draw.normal(0, 1, (100, 9)), base + 1 + draw.normal(0, 1, (100, 9))
    found = transfer_share(modified, regular, real_modified, real_regular)
    assert found.low < 0.4 < found.high
    assert decide(found, above=0.1).outcome == "holds"
    none = transfer_share(base + draw.normal(0, 1, (100, 2)), regular, real_modified, real_regular)
    assert none.low < 0 < none.high
    assert transfer_share(real_modified, real_regular, real_modified, real_regular).value == pytest.approx(1)


def test_a_share_of_nothing_is_an_error():
    with pytest.raises(ArrayError, match="do not differ in this number"):
        transfer_share([1, 2], [3, 4], [5, 6], [5, 6])
    with pytest.raises(ArrayError, match="lengths differ"):
        transfer_share([1, 2], [3, 4], [5, 6], [5])


def test_seams_by_hand():
    step = np.zeros((1, 8, 8, 3), np.uint8)
    step[:, :, 4:] = 60  # a step at the vertical seam, and nothing else
    assert seam_energy(step).tolist() == [1]
    ramp = np.broadcast_to((10 * np.arange(8, dtype=np.uint8))[None, :, None, None], (1, 8, 8, 3))
    assert seam_energy(ramp).tolist() == [0.5]
    assert seam_energy(np.full((2, 8, 8, 3), 9, np.uint8)).tolist() == [0.5, 0.5]


def test_seams_of_cut_up_pictures_are_found():
    smooth = gaussian_filter(np.random.default_rng(1).normal(size=(100, 64, 64, 3)), (0, 4, 4, 0))
    shown = np.clip(128 + 800 * smooth, 0, 255).astype(np.uint8)
    regular, cut = seam_energy(shown), seam_energy(shuffled(shown))
    assert regular.mean() == pytest.approx(0.5, abs=0.02)
    assert (cut > 0.67).mean() > 0.95
    assert (seam_energy(shuffled(shown)[:, 4:-4, 4:-4]) > 0.67).mean() > 0.95  # in a central crop too


def test_color_order_is_learned_and_shuffled_labels_are_not():
    classifier, held_out = fit_color_order(photographs(150, 2)), photographs(100, 3)
    assert isinstance(classifier, ColorOrder)
    regular, modified = classifier.score(held_out), classifier.score(brg(held_out))
    assert (regular < 0).mean() > 0.9
    assert (modified > 0).mean() > 0.9
    assert regular.mean() == pytest.approx(-1, abs=0.4)
    gray = np.repeat(held_out[..., :1], 3, axis=3)
    assert np.ptp([classifier.score(gray).mean(), classifier.score(brg(gray)).mean()]) < 1e-9


def test_color_order_of_gray_pictures_is_an_error():
    gray = np.repeat(photographs(4, 4)[..., :1], 3, axis=3)
    with pytest.raises(ArrayError, match="do not tell the order of channels"):
        fit_color_order(gray)


def test_sharpness_by_hand():
    spike = np.zeros((1, 5, 5, 3), np.uint8)
    spike[0, 2, 2] = 100
    laplacian = np.zeros((5, 5))
    laplacian[2, 2], laplacian[[1, 3, 2, 2], [2, 2, 1, 3]] = -400, 100
    assert laplacian_sharpness(spike).tolist() == pytest.approx([laplacian.std()])
    assert laplacian_sharpness(np.full((1, 5, 5, 3), 200, np.uint8))[0] == pytest.approx(0, abs=1e-9)


def test_sharpness_of_blurred_pictures_is_lower():
    shown = photographs(30, 5)
    assert (laplacian_sharpness(blurred(shown)) < laplacian_sharpness(shown)).all()


@pytest.mark.parametrize("measure", [seam_energy, laplacian_sharpness, fit_color_order])
def test_pictures_only(measure):
    with pytest.raises(ArrayError, match=r"pictures \(N, H, W, 3\) uint8 are needed"):
        measure(np.zeros((2, 3, 8, 8), np.float32))


def test_odd_pictures_have_no_quarters():
    with pytest.raises(ArrayError, match="pictures of 7x8 have no quarters"):
        seam_energy(np.zeros((1, 7, 8, 3), np.uint8))


def test_real_pictures_that_may_not_differ_give_no_share():
    draw = np.random.default_rng(7)
    regular, modified = draw.normal(0, 1, 20), draw.normal(0.5, 1, 20)
    real = draw.normal(0, 1, 20)
    with pytest.raises(ArrayError, match="do not surely differ in this number: by "):
        transfer_share(modified, regular, real + draw.normal(0.05, 1, 20), real)


@pytest.mark.parametrize("sign", [1, -1])
def test_resamples_where_real_pictures_do_not_differ_turn_no_sign(sign):
    """The mean difference of real pictures is about two of its standard errors."""
    draw = np.random.default_rng(3)
    spread = draw.normal(0, 1, 24)
    draw.normal(0, 1, 24)
    real = sign * (1 + 2.35 * (spread - spread.mean()) / spread.std())
    ours = sign * (0.5 + 0.3 * draw.normal(0, 1, 24))
    found = transfer_share(ours, np.zeros(24), real, np.zeros(24))
    assert 0 < found.low < found.value < found.high

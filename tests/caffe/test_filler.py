"""Initial values: each filler's own distribution, on blobs large enough to tell."""

import math

import pytest
import torch

from dgnam.caffe.filler import fill
from dgnam.caffe.proto import pb
from dgnam.errors import CaffeError

SHAPE = (200, 50, 3, 3)
FAN_IN, FAN_OUT = 50 * 9, 200 * 9


def filled(shape=SHAPE, **options):
    blob = torch.empty(shape)
    fill(blob, pb.FillerParameter(**options), torch.Generator().manual_seed(0))
    return blob


def test_constant_and_uniform():
    assert (filled(type="constant", value=3) == 3).all()
    blob = filled(type="uniform", min=-2, max=6)
    assert blob.min() >= -2
    assert blob.max() <= 6
    assert blob.mean() == pytest.approx(2, abs=0.05)
    assert blob.std() == pytest.approx(8 / math.sqrt(12), rel=0.01)


def test_gaussian_and_its_sparse_form():
    blob = filled(type="gaussian", mean=1, std=0.5)
    assert (float(blob.mean()), float(blob.std())) == pytest.approx((1, 0.5), abs=0.01)
    kept = (filled(type="gaussian", std=1, sparse=20) != 0).float().mean()
    assert kept == pytest.approx(20 / 200, rel=0.05)


@pytest.mark.parametrize(
    ("norm", "fan"), [("FAN_IN", FAN_IN), ("FAN_OUT", FAN_OUT), ("AVERAGE", (FAN_IN + FAN_OUT) / 2)]
)
def test_xavier_and_msra_divide_the_variance_by_the_fan(norm, fan):
    xavier, msra = (filled(type=kind, variance_norm=norm) for kind in ("xavier", "msra"))
    assert xavier.std() == pytest.approx(math.sqrt(1 / fan), rel=0.02)
    assert xavier.abs().max() <= math.sqrt(3 / fan)
    assert msra.std() == pytest.approx(math.sqrt(2 / fan), rel=0.02)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((40000,), (1, 40000)), ((400, 500), (500, 400)), ((200, 10, 2, 4, 3), (240, 4800))],
)
def test_blobs_of_any_number_of_axes(shape, fans):
    """The fans in and out: all numbers by the first axis, and by the second where there is one."""
    blob = filled(shape, type="gaussian", mean=10, std=0.1)
    assert (float(blob.mean()), float(blob.var())) == pytest.approx((10, 0.01), rel=0.05)
    uniform = filled(shape, type="uniform", min=1, max=2)
    assert (uniform.min() >= 1) & (uniform.max() <= 2)
    assert (filled(shape, type="constant", value=10) == 10).all()
    torch.testing.assert_close(filled(shape, type="positive_unitball").view(shape[0], -1).sum(1), torch.ones(shape[0]))
    for norm, fan in (("FAN_IN", fans[0]), ("FAN_OUT", fans[1]), ("AVERAGE", sum(fans) / 2)):
        for kind, factor in (("xavier", 1), ("msra", 2)):
            blob = filled(shape, type=kind, variance_norm=norm)
            assert blob.std() == pytest.approx(math.sqrt(factor / fan), rel=0.03)
            assert abs(blob.mean()) < 4 * blob.std() / math.sqrt(blob.numel())


def test_positive_unitball_sums_to_one():
    blob = filled(type="positive_unitball")
    torch.testing.assert_close(blob.flatten(1).sum(1), torch.ones(200))
    assert blob.min() >= 0


def test_bilinear_interpolates():
    blob = filled((2, 1, 4, 4), type="bilinear")
    torch.testing.assert_close(blob[1, 0, 0], torch.tensor([0.0625, 0.1875, 0.1875, 0.0625]))
    with pytest.raises(CaffeError, match="bilinear filler needs a blob of 4 axes with square planes"):
        filled((2, 1, 4, 3), type="bilinear")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "gausian"}, "unknown filler 'gausian'; known ones: gaussian"),
        ({"type": "uniform", "max": -1}, "min 0.0 is above its max -1.0"),
        ({"type": "gaussian", "std": -1}, "std -1.0 must be positive"),
        ({"type": "gaussian", "std": 0}, "std 0.0 must be positive"),
        ({"type": "gaussian", "sparse": 3}, "sparse 3 must be -1, or at most the outputs"),
        ({"type": "gaussian", "sparse": -2}, "sparse -2 must be -1"),
        ({"type": "msra", "sparse": 1}, "the msra filler can't be sparse; only gaussian can"),
    ],
)
def test_what_cannot_be_filled_is_an_error(options, message):
    with pytest.raises(CaffeError, match=message):
        filled((2, 2), **options)


def test_what_is_too_small_to_be_filled_is_an_error():
    with pytest.raises(CaffeError, match="xavier filler needs a blob of at least one axis"):
        filled((), type="xavier")

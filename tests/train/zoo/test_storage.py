"""How the zoo's weights are stored: rounded, small, and read back as they were measured."""

import math

import numpy as np
import pytest

from dgnam.caffe.proto import pb, read_weights, write_hdf5_weights
from dgnam.errors import DgnamError
from dgnam.train.zoo.storage import as_read, rounded, rounding_step, storage_of, store


@pytest.fixture
def weights() -> dict[str, list[np.ndarray]]:
    draw = np.random.default_rng(0)
    return {
        "conv1": [0.05 * draw.standard_normal((16, 3, 7, 7)).astype(np.float32), draw.standard_normal(16)],
        "fc6": [3 * draw.standard_normal((40, 50)).astype(np.float32), draw.standard_normal(40).astype(np.float32)],
        "zero": [np.zeros((30, 50), np.float32), np.zeros(30, np.float32)],
        "constant": [np.full((30, 50), 0.3, np.float32)],
    }


@pytest.mark.parametrize("layer", ["conv1", "fc6"])
def test_a_weight_is_a_multiple_of_a_step_near_an_eighth_of_the_deviation(weights, layer):
    blob = weights[layer][0]
    step, found = rounding_step(blob), rounded(weights)[layer][0]
    assert math.frexp(step)[0] == 0.5
    assert step <= blob.std() / 8 < 2 * step
    assert np.array_equal(found / step, np.round(found / step))
    assert 0.4 * step < np.abs(found - blob).max() <= step / 2


def test_vectors_and_what_doesn_t_vary_are_kept(weights):
    found = rounded(weights)
    for layer, i in (("conv1", 1), ("fc6", 1), ("zero", 0), ("zero", 1), ("constant", 0)):
        assert np.array_equal(found[layer][i], weights[layer][i].astype(np.float32)), (layer, i)
    assert rounding_step(weights["fc6"][1]) == rounding_step(weights["zero"][0]) == 0


@pytest.mark.parametrize("seed", range(20))
def test_rounding_again_changes_nothing_even_where_the_deviation_crosses_a_power_of_two(seed):
    blob = np.random.default_rng(seed).standard_normal((50, 60))
    for size in (1 - 3e-5, 1, 1 + 3e-5):
        once = rounded({"fc": [(size * blob / blob.std()).astype(np.float32)]})
        assert np.array_equal(rounded(once)["fc"][0], once["fc"][0])


@pytest.mark.parametrize("file", ["weights.h5", "weights.caffemodel"])
def test_what_is_read_is_what_was_measured(weights, file, tmp_path):
    net = pb.NetParameter(name="n", layer=[pb.LayerParameter(name=name, type="InnerProduct") for name in weights])
    store(tmp_path / file, net, weights)
    found, wanted = read_weights(tmp_path / file), as_read(file, weights)
    assert sorted(found) == sorted(wanted) == sorted(weights)
    for layer, blobs in wanted.items():
        for ours, theirs in zip(blobs, found[layer], strict=True):
            np.testing.assert_array_equal(ours, theirs, strict=True)
    kept = np.array_equal(found["fc6"][0], weights["fc6"][0])
    assert kept == file.endswith(".caffemodel")


def test_the_file_is_smaller_than_in_float16_alone(tmp_path):
    draw = np.random.default_rng(0)
    weights = {"fc6": [draw.standard_normal((200, 200)).astype(np.float32)]}
    write_hdf5_weights(tmp_path / "plain.h5", weights, "float16")
    store(tmp_path / "stored.h5", pb.NetParameter(), weights)
    plain, stored = ((tmp_path / name).stat().st_size for name in ("plain.h5", "stored.h5"))
    assert stored < 0.48 * plain


def test_weights_that_float16_can_t_hold_are_an_error(tmp_path):
    weights = {"fc": [np.array([[2**17, -(2**17)]], np.float32)]}
    with pytest.raises(DgnamError, match="layer 'fc', blob 0: values up to 131072 don't fit float16"):
        store(tmp_path / "weights.h5", pb.NetParameter(), weights)


def test_a_card_says_how_a_file_is_stored():
    assert storage_of("weights.caffemodel") == "a caffemodel in float32"
    assert "rounded" in storage_of("weights.h5")


def test_steps_by_hand():
    """The largest power of two that is at most an eighth of the standard deviation."""
    blob = np.array([[-1.0, 1.0], [1.01, -1.01]], np.float32)
    assert rounding_step(blob * 8) == 1
    assert rounding_step(blob * 7) == 0.5
    assert rounding_step(blob * 16 / 1.01) == 1
    assert rounding_step(blob[0]) == 0
    assert rounding_step(np.ones((2, 2), np.float32)) == 0
    assert rounding_step(np.full((2, 2), np.nan, np.float32)) == 0

"""The values of layers by any target, and what is said of those that can't be used."""

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am import CaffeTarget, JointTarget, TorchTarget
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.data.dataset import Dataset
from dgnam.data.picture import BrokenPictureError, DataError
from dgnam.data.preprocessing import Preprocessing
from dgnam.errors import DgnamError
from dgnam.measure import CodeMeasurement
from dgnam.measure.codes import Inputs, PictureCodes, batches, codes_of_pictures
from dgnam.measure.layer_codes import LayerCodes
from dgnam.measure.target_codes import TargetCodes

NET = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: %d dim: 4 dim: 4 } } }
layer { name: "half" type: "Power" bottom: "data" top: "half" power_param { scale: 0.5 } }
layer { name: "relu" type: "ReLU" bottom: "half" top: "half" }
layer { name: "log" type: "Log" bottom: "half" top: "log" }
layer { name: "pairs" type: "Reshape" bottom: "half" top: "pairs" reshape_param { shape { dim: -1 dim: 8 } } }
layer { name: "total" type: "Reduction" bottom: "half" top: "total" }
layer { name: "silence" type: "Silence" bottom: "log" bottom: "pairs" bottom: "total" }
"""
NAMES = ["one", "two"]
IMAGES = np.stack([np.full((3, 4, 4), value, np.float32) for value in (2, -4)])
PREPARE = Preprocessing((4, 4), (4, 4), np.zeros(3))


def net(channels=3):
    return CaffeModule(parse_net(NET % channels))


class Means:
    """A target of one's own; notes the devices that it is sent to."""

    size = (4, 4)

    def __init__(self, scale=1.0):
        self.scale, self.devices = scale, []

    def __call__(self, images, layers):
        return {layer: images.mean((2, 3)) * self.scale for layer in layers}

    def layers(self):
        return ["means"]

    def layer_shape(self, layer):
        return (3,)

    def to(self, device):
        self.devices.append(device)


def test_of_a_caffe_net_codes_come_after_the_relu():
    codes = LayerCodes(CaffeTarget(net()), ["half"])
    assert codes.shapes == {"half": (3, 4, 4)}
    found = codes(IMAGES, NAMES)["half"]
    assert found.shape == (2, 48)
    assert (found[0] == 1).all()
    assert (found[1] == 0).all()


def test_of_other_targets_they_are_what_these_give():
    own = Means(2.0)
    codes = LayerCodes(own, ["means"])
    assert (codes.shapes, own.devices) == ({"means": (3,)}, [torch.device("cpu")])
    assert codes(IMAGES, NAMES)["means"].tolist() == [[4, 4, 4], [-8, -8, -8]]
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    of_torch = TorchTarget(module, (4, 4))
    codes = LayerCodes(of_torch, ["1"])
    assert codes.shapes == {"1": (2,)}
    wanted = module(of_torch.preprocess(torch.from_numpy(IMAGES))).detach()
    assert np.allclose(codes(IMAGES, NAMES)["1"], wanted, atol=1e-6)
    both = LayerCodes(JointTarget(a=CaffeTarget(net()), b=own), ["b.means", "a.half"])
    assert both.shapes == {"b.means": (3,), "a.half": (3, 4, 4)}
    assert both(IMAGES, NAMES)["a.half"][0, 0] == 1
    none = LayerCodes(own, [])
    assert (none.shapes, none(IMAGES, NAMES)) == ({}, {})


def test_a_code_that_is_not_finite_names_the_first_picture():
    codes = LayerCodes(Means(float("inf")), ["means"])
    with pytest.raises(DgnamError, match="one: its code at layer 'means' is not finite"):
        codes(IMAGES, NAMES)
    with pytest.raises(DgnamError, match="two: its code at layer 'log' is not finite"):
        PictureCodes(net(), "log")(IMAGES, NAMES)
    part = IMAGES.copy()
    part[1, 2] = np.nan  # in one of its numbers
    with pytest.raises(DgnamError, match="two: its code"):
        LayerCodes(Means(), ["means"])(part, NAMES)


def test_a_row_for_each_picture():
    with pytest.raises(DgnamError, match="layer 'pairs' gives 12 codes for 2 pictures"):
        PictureCodes(net(), "pairs")(IMAGES, NAMES)
    own = Means()
    codes = LayerCodes(own, ["means"])
    own.scale = torch.ones(1, 1, 1)  # the values get another axis before
    with pytest.raises(DgnamError, match="layer 'means' gives 1 codes for 2 pictures"):
        codes(IMAGES, NAMES)


def test_layers_without_codes_are_errors():
    with pytest.raises(DgnamError, match="layer 'silence' of net 'small' has no output to measure"):
        PictureCodes(net(), "silence")
    with pytest.raises(DgnamError, match="layer 'total' of net 'small' gives one number for all pictures, and no code"):
        PictureCodes(net(), "total")


def test_gray_nets_get_gray():
    assert (PictureCodes(net(), "half").channels, PictureCodes(net(1), "half").channels) == (3, 1)
    pictures = Dataset.of_arrays("p", np.full((1, 4, 4, 3), (30, 60, 90), np.uint8))
    gray = Preprocessing((4, 4), (4, 4), np.zeros(1))
    ((_, codes),) = codes_of_pictures(net(1), "half", pictures, gray)
    assert codes.shape == (1, 1, 4, 4)


def test_batches_are_of_64():
    pictures = Dataset.of_arrays("p", np.zeros((65, 4, 4, 3), np.uint8))
    found = list(codes_of_pictures(net(), "half", pictures, PREPARE))
    assert [len(names) for names, _ in found] == [64, 1]
    sizes = []
    CodeMeasurement(net(), "half", PREPARE).add(pictures, on_batch=sizes.append)
    assert sizes == [64, 1]
    rows = [(str(number), np.zeros(1)) for number in range(5)]
    assert [len(names) for names, _ in batches(iter(rows), 2, 3)] == [2, 1]
    assert [len(names) for names, _ in batches(iter(rows), 2, None)] == [2, 2, 1]


def test_pictures_left_out_have_reasons_up_to_five():
    def prepare(pixels):
        if pixels[0, 0, 0]:
            raise (BrokenPictureError("own") if pixels[0, 0, 0] == 1 else DataError("bad"))
        return pixels

    levels = [0, 1, 2, 2, 2, 2, 2, 0]
    images = np.stack([np.full((2, 2, 3), level, np.uint8) for level in levels])
    inputs = Inputs(Dataset.of_arrays("p", images), prepare, gray=False, skip_broken=True)
    assert [place for place, _, _ in inputs.placed()] == [0, 7]
    assert (inputs.skipped, len(inputs.reasons)) == (6, 5)
    assert inputs.reasons[0] == "own"
    assert inputs.reasons[1].endswith(": bad")
    strict = Inputs(Dataset.of_arrays("p", images), prepare, gray=False, skip_broken=False)
    with pytest.raises(BrokenPictureError, match=r"^own$"):
        list(strict)


def pixels(count, seed):
    return np.random.default_rng(seed).integers(1, 256, (count, 4, 4, 3)).astype(np.uint8)


def test_states_of_other_pictures_are_merged():
    first, second = (Dataset.of_arrays(name, pixels(9, seed)) for seed, name in enumerate("ab"))
    both = CodeMeasurement(net(), "half", PREPARE, batch_size=4)
    both.add(first)
    both.add(second)
    one, other = (CodeMeasurement(net(), "half", PREPARE, batch_size=4) for _ in range(2))
    sizes = []
    one.add(Dataset.of_arrays("c", pixels(5, 7)))  # forgotten
    one.restore(one.alone(first, on_batch=sizes.append))
    assert sizes == [4, 4, 1]
    one.merge(other.alone(second))
    wanted, found = both.statistics("x"), one.statistics("x")
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-12)
    np.testing.assert_allclose(found.std, wanted.std, rtol=1e-12)
    assert (found.count, found.lowest, found.skipped) == (18, wanted.lowest, 0)


def test_what_was_left_out_is_merged_too():
    one, other = (CodeMeasurement(net(), "half", PREPARE, skip_broken=True) for _ in range(2))
    broken = Preprocessing((4, 4), (4, 4), np.zeros(3), resize="none")
    for measurement, count in ((one, 3), (other, 4)):
        measurement.preprocessing = broken
        measurement.add(Dataset.of_arrays("small", np.ones((count, 2, 2, 3), np.uint8)))
        measurement.preprocessing = PREPARE
        measurement.add(Dataset.of_arrays("p", np.full((1, 4, 4, 3), 10 * count, np.uint8)))
    one.merge(other.arrays())
    found = one.statistics("x")
    assert (found.count, found.skipped, len(found.reasons), found.lowest) == (2, 7, 5, 15)


def test_codes_by_any_target_are_measured():
    own = Means()
    codes = TargetCodes(own, "means")
    assert (codes.shape, codes.channels, own.devices) == ((3,), 3, [torch.device("cpu")])
    assert codes(IMAGES, NAMES).tolist() == [[2, 2, 2], [-4, -4, -4]]
    measurement = CodeMeasurement(own, "means", PREPARE)
    measurement.add(Dataset.of_arrays("p", np.full((2, 4, 4, 3), 30, np.uint8)))
    assert measurement.statistics("p").mean.tolist() == [30, 30, 30]

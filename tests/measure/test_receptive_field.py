"""Receptive fields of Caffe nets and torch modules, against those worked out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from dgnam import zoo
from dgnam.am import CaffeTarget, TorchTarget
from dgnam.am.images import CONV5_OFFSET, CONV5_SIZE
from dgnam.api.targets import open_target
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import read_net
from dgnam.measure.receptive_field import Box, receptive_fields


@pytest.fixture(scope="module")
def caffenet():
    """CaffeNet with random weights."""
    module = CaffeModule(read_net(zoo.get("caffenet").prototxt), seed=0)
    torch.manual_seed(0)
    for weight in module.parameters():
        if weight.dim() > 1:
            nn.init.kaiming_normal_(weight)
    return CaffeTarget(module)


@pytest.mark.parametrize(
    ("layer", "position", "top", "side"),
    [
        ("conv1", 27, 108, 11),
        ("pool1", 13, 104, 19),
        ("conv2", 13, 88, 51),
        ("conv3", 6, 64, 99),
        ("conv4", 6, 48, 131),
        ("conv5", 6, CONV5_OFFSET, CONV5_SIZE),
    ],
)
def test_caffenets_are_the_published_ones(caffenet, layer, position, top, side):
    (box,) = receptive_fields(caffenet, layer, [(position, position)])
    assert box == Box(top, top, top + side, top + side)


def test_positions_near_the_border_are_cut(caffenet):
    first, last = receptive_fields(caffenet, "conv2", [(0, 26), (26, 0)])
    assert (first.top, first.right, last.bottom, last.left) == (0, 227, 227, 0)
    assert first.size == last.size == (35, 35)


def test_layers_without_positions_see_everything(caffenet):
    assert receptive_fields(caffenet, "fc6", [(0, 0)]) == [Box(0, 0, 227, 227)]


class Block(nn.Module):
    """Two branches of different sizes, one of which is dilated and oblong."""

    def __init__(self):
        super().__init__()
        self.small, self.large = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, (3, 5), padding=(2, 2), dilation=(2, 1))
        self.after = nn.MaxPool2d(2)

    def forward(self, x):
        return self.after(torch.relu(torch.cat([self.small(x), self.large(x)], 1)))


def test_torch_modules_by_their_gradient():
    torch.manual_seed(0)
    target = TorchTarget(Block(), size=(30, 40))
    small, large, after = (receptive_fields(target, layer, [(6, 9)])[0] for layer in ("small", "large", "after"))
    assert small == Box(6, 9, 7, 10)
    assert large == Box(4, 7, 9, 12)
    assert after == Box(12 - 2, 18 - 2, 13 + 2 + 1, 19 + 2 + 1)


class Rounded(nn.Module):
    def forward(self, x):
        return torch.round(x)


def test_without_a_gradient_it_is_the_whole_input():
    target = TorchTarget(nn.Sequential(Rounded(), nn.ReLU()), size=(6, 8))
    assert receptive_fields(target, "0", [(1, 1)]) == [Box(0, 0, 6, 8)]


def test_a_box_cuts_pictures():
    picture = np.arange(5 * 6 * 3).reshape(5, 6, 3)
    box = Box(1, 2, 4, 6)
    assert box.size == (3, 4)
    assert np.array_equal(box.cut(picture), picture[1:4, 2:6])


class Parts(nn.Module):
    """A layer that a gradient never reaches, and one that none was asked of."""

    def __init__(self):
        super().__init__()
        self.cut, self.own = nn.Identity(), nn.Identity()

    def forward(self, x):
        weight = torch.ones(1, requires_grad=True)
        return self.cut(x.detach()) + self.own(x.detach() * weight)


def test_what_does_not_depend_on_the_image_has_the_whole_of_it():
    target = TorchTarget(Parts(), size=(6, 8))
    whole = Box(0, 0, 6, 8)
    assert receptive_fields(target, "cut", [(1, 1), (2, 2)]) == [whole, whole]
    assert receptive_fields(target, "own", [(1, 1)]) == [whole]
    assert receptive_fields(target, "cut", []) == []


def test_what_a_unit_of_the_small_caffenet_sees():
    """experiments/remarks.toml tells it of conv3."""
    target = open_target("caffenet-mini").target
    (box,) = receptive_fields(target, "conv3", [(3, 3)])
    assert target.size == (56, 56)
    assert (box.bottom - box.top, box.right - box.left) == (49, 49)


def test_inference_mode_hides_no_pixel():
    target = TorchTarget(nn.Sequential(nn.Conv2d(3, 2, 3)), (9, 9))
    with torch.inference_mode():
        assert receptive_fields(target, "0", [(2, 4)]) == [Box(2, 4, 5, 7)]

"""Which axis of a module's output holds its features."""

import pytest
import torch
from torch import nn

from dgnam.am import Channel, Direction, TorchTarget, Unit
from dgnam.am.targets.feature_axis import FeatureAxes, declared_axis
from tests.am.networks import ChannelsLast, Time, Tokens, ViT


class LayerNorm2d(nn.LayerNorm):
    """As torchvision's: a norm over the channels of images."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("module", "shape", "axis"),
    [
        (nn.Linear(4, 6), (2, 9, 6), 2),
        (nn.Linear(4, 6), (2, 7, 7, 6), 3),
        (nn.LayerNorm(6), (2, 9, 6), 2),
        (LayerNorm2d(6), (2, 6, 7, 8), 1),
        (nn.GroupNorm(2, 6), (2, 6, 9), 1),
        (nn.MultiheadAttention(6, 2), (2, 9, 6), 2),
        (nn.GRU(4, 6, batch_first=True), (2, 9, 6), 2),
        (nn.Conv1d(3, 6, 3), (2, 6, 9), 1),
        (nn.BatchNorm1d(6), (2, 6, 9), 1),
        (nn.AdaptiveAvgPool1d(9), (2, 6, 9), 1),
        (nn.Flatten(2), (2, 6, 9), 1),
        (nn.Identity(), (2, 6, 9), None),
        (nn.ReLU(), (2, 6, 9, 9), None),
        (nn.Linear(4, 6), (2, 6), None),
    ],
)
def test_axis_that_a_type_declares(module, shape, axis):
    assert declared_axis(module, shape) == axis


def test_undeclared_modules_follow_their_neighbors():
    axes = FeatureAxes()
    first = axes.saw(nn.ReLU(), [], (1, 8, 8, 6))  # before any neighbor
    axes.saw(nn.Linear(6, 12), [(1, 8, 8, 6)], (1, 8, 8, 12))
    later = axes.saw(nn.GELU(), [], (1, 8, 8, 12))
    alone = axes.saw(nn.ReLU(), [], (1, 5, 4, 4))
    tokens = axes.saw(nn.ReLU(), [], (1, 7, 5))
    assert [axes.axis(first, (1, 8, 8, 6)), axes.axis(later, (1, 8, 8, 12))] == [3, 3]
    assert [axes.axis(alone, (1, 5, 4, 4)), axes.axis(tokens, (1, 7, 5))] == [1, 2]


@pytest.mark.parametrize(
    ("module", "layer", "shape", "axis"),
    [
        (Tokens(), "norm", (16, 6), 2),
        (Tokens(), "mix", (16, 6), 2),
        (ViT(), "encoder", (65, 8), 2),
        (ViT(), "encoder.layers.1.dropout", (65, 16), 2),
        (Time(batch_first=True), "out", (64, 5), 2),
        (ChannelsLast(), "start", (6, 8, 8), 3),
        (ChannelsLast(), "mlp.1", (12, 8, 8), 3),
        (ChannelsLast(), "block", (6, 8, 8), 3),
        (ChannelsLast(), "back", (5, 8, 8), 1),
        (nn.Sequential(nn.Conv2d(3, 6, 8, 8), nn.Flatten(2), nn.ReLU()), "2", (64, 6), 1),
    ],
)
def test_values_of_a_unit_are_those_of_its_feature(module, layer, shape, axis):
    target = TorchTarget(module, size=(64, 64))
    images = 50 * torch.randn(2, 3, 64, 64)
    assert target.layer_shape(layer) == shape
    found, own = target(images, [layer])[layer], target.outputs(images, [layer])[layer]
    assert found.shape == (2, *shape)
    assert target.own_shape(layer) == own.shape[1:]
    feature = own.select(axis, 3).flatten(1)
    assert torch.allclose(Channel(layer, 3).measure(found), feature.mean(1), atol=1e-6)
    last = Unit(layer, 3, tuple(size - 1 for size in shape[1:])) if len(shape) == 3 else Unit(layer, 3, shape[0] - 1)
    assert torch.equal(last.measure(found), feature[:, -1])
    one_hot = torch.zeros(own.shape[axis])
    one_hot[3] = 5
    assert torch.allclose(Direction(layer, one_hot.numpy()).measure(found), feature.mean(1), atol=1e-6)


def test_what_the_neighbors_say():
    axes = FeatureAxes()
    assert axes.saw(nn.Linear(8, 6), [(2, 5, 8), (2, 8)], (2, 5, 6)) == 1
    assert axes.saw(nn.ReLU(), [(2, 5, 6)], (2, 5, 6)) == 2
    assert axes.saw(nn.Conv1d(5, 7, 1), [(2, 5, 6)], (2, 7, 6)) == 3
    assert axes.axis(2, (9, 5, 6)) == 2  # the linear layer before it says so
    assert axes.axis(3, (9, 5, 6)) == 1  # the convolution sees the same shape, and is nearer
    assert axes.axis(1, (9, 7, 6)) == 1  # after it
    assert axes.axis(3, (2, 5, 8)) == 2
    assert [axes.axis(3, shape) for shape in ((2, 4), (2, 3, 3), (2, 3, 3, 3))] == [1, 2, 1]


def test_axes_of_odd_modules():
    assert declared_axis(nn.Linear(3, 4), (2, 4)) is None
    assert declared_axis(nn.Identity(), (2, 3, 4)) is None
    assert declared_axis(nn.Flatten(2), (2, 3, 16)) == 1
    assert declared_axis(nn.Flatten(1), (2, 3, 16)) is None
    assert declared_axis(nn.LayerNorm(6), (2, 6, 4, 5)) == 1
    assert declared_axis(nn.LayerNorm(6), (2, 6, 5, 6)) == 3
    assert declared_axis(nn.LayerNorm(6), (2, 3, 5, 4)) == 3
    assert declared_axis(nn.LayerNorm((4, 6)), (2, 6, 4, 5)) == 1
    assert declared_axis(nn.Softmax2d(), (2, 6, 4, 5)) == 1
    assert declared_axis(nn.GroupNorm(1, 6), (2, 6, 4)) == 1

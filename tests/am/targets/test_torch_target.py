"""Torch modules as targets."""

import pytest
import torch
from torch import nn

from dgnam.am import TorchTarget
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.errors import DgnamError


class TestTorch:
    @pytest.fixture
    def module(self):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 36, 5))

    def test_values_precede_in_place_modules(self, module):
        target = TorchTarget(module, (8, 8))
        images = 50 * torch.randn(2, 3, 8, 8)
        values = target(images, ["0", "3"])
        assert values["0"].shape == (2, 4, 6, 6)
        assert (values["0"] < 0).any()
        assert torch.equal(values["3"], module(target.preprocess(images)))
        assert target.layer_shape("0") == (4, 6, 6)

    def test_preprocessing_is_the_modules_own(self, module):
        rgb = torch.tensor([[200.0, 100, 50]]).view(1, 3, 1, 1)
        images = rgb.flip(1) - torch.tensor(MEAN_BGR).view(3, 1, 1)
        target = TorchTarget(module, (8, 8), mean=(0.5, 0.4, 0.3), std=(1, 2, 4))
        expected = (rgb / 255 - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor([1.0, 2, 4]).view(3, 1, 1)
        assert torch.allclose(target.preprocess(images), expected)
        plain = TorchTarget(module, (8, 8), mean=(0, 0, 0), std=(1, 1, 1), scale=1, channels="BGR")
        assert torch.allclose(plain.preprocess(images), rgb.flip(1))

    def test_gradients_reach_the_image_and_no_parameter(self, module):
        target = TorchTarget(module, (8, 8))
        images = torch.randn(1, 3, 8, 8, requires_grad=True)
        target(images, ["3"])["3"].sum().backward()
        assert images.grad.abs().sum() > 0
        assert all(p.grad is None for p in module.parameters())

    def test_unknown_layer(self, module):
        with pytest.raises(DgnamError, match="no layer '4'; its layers, the closest first: 0, 1, 2, 3"):
            TorchTarget(module, (8, 8)).layer_shape("4")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, "size 8: give height and width"),
        ({"size": (0, 8)}, "size"),
        ({"mean": (1, 1, 1, 1)}, "mean .*3 channels"),
        ({"mean": float("nan")}, "mean .*not finite"),
        ({"std": (0, 1, 1)}, "neither may be 0"),
        ({"scale": 0}, "neither may be 0"),
        ({"module": len}, "takes a torch.nn.Module"),
    ],
)
def test_unsuitable_arguments_raise(options, message):
    with pytest.raises(DgnamError, match=message):
        TorchTarget(**({"module": nn.Conv2d(3, 2, 3), "size": (8, 8)} | options))


@pytest.mark.parametrize("module", [nn.Conv2d(1, 2, 3), nn.Conv2d(3, 2, 3).double(), nn.Conv2d(3, 2, 9)])
def test_module_unable_to_take_the_images_raises(module):
    target = TorchTarget(nn.Sequential(module), (8, 8))
    with pytest.raises(DgnamError, match="cannot take float32 images"):
        target.layer_shape("0")
    with pytest.raises(DgnamError, match="cannot take float32 images"):
        target.shapes()

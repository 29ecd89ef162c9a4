"""Torch modules as targets."""

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am import TorchTarget
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.errors import DgnamError
from tests.am.networks import classifier


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


def test_numbers_may_be_numpys():
    made = TorchTarget(nn.Conv2d(3, 2, 3), (np.int64(8), np.int64(8)), mean=np.float32(0.5), std=np.array([1, 2, 4]))
    assert (made.size, made.mean.flatten().tolist(), made.std.flatten().tolist()) == ((8, 8), [0.5] * 3, [1, 2, 4])


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


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Conv2d(3, 2, 9), r"cannot take float32 images \(1, 3, 8, 8\)"),
        (nn.Conv2d(1, 2, 9).double(), r"cannot take float64 images \(1, 1, 8, 8\)"),
        (nn.Conv2d(4, 2, 3), "takes 4 channels, and a target sees color, 3, or gray, 1"),
        (nn.Conv2d(2, 2, 3), "takes 2 channels"),
        (nn.Embedding(5, 2), "cannot take float32 images.*(Long|Int)"),
    ],
)
def test_module_unable_to_take_the_images_raises(module, message):
    target = TorchTarget(nn.Sequential(module), (8, 8))
    for ask in (target.layers, target.shapes, lambda: target.layer_shape("0")):
        with pytest.raises(DgnamError, match=message):
            ask()


class TestGray:
    images = torch.rand(2, 3, 8, 8) * 255 - torch.tensor(MEAN_BGR).view(3, 1, 1)

    def gray(self):
        bgr = self.images + torch.tensor(MEAN_BGR).view(3, 1, 1)
        return (0.114 * bgr[:, 0] + 0.587 * bgr[:, 1] + 0.299 * bgr[:, 2])[:, None]

    @pytest.mark.parametrize("module", [nn.Conv2d(1, 2, 3), nn.Sequential(nn.Flatten(), nn.Linear(64, 2))])
    def test_one_channel_is_the_gray_of_the_picture(self, module):
        target = TorchTarget(nn.Sequential(module), (8, 8), mean=0.1, std=0.5)
        assert target.gray
        assert torch.allclose(target.preprocess(self.images), (self.gray() / 255 - 0.1) / 0.5, atol=1e-5)
        expected = module((self.gray() / 255 - 0.1) / 0.5)
        assert torch.allclose(target(self.images, ["0"])["0"], expected, atol=1e-4)

    @pytest.mark.parametrize("channels", ["RGB", "BGR"])
    def test_of_three_means_it_is_their_gray(self, channels):
        three = (0.2, 0.4, 0.8) if channels == "RGB" else (0.8, 0.4, 0.2)
        target = TorchTarget(nn.Conv2d(1, 2, 3), (8, 8), mean=three, std=1, channels=channels)
        mean = 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8
        assert torch.allclose(target.preprocess(self.images), self.gray() / 255 - mean, atol=1e-5)

    def test_three_channels_are_no_gray(self):
        assert not TorchTarget(nn.Conv2d(3, 2, 3), (8, 8)).gray


class TestPrecision:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
    def test_values_and_gradients_are_those_of_float32(self, dtype):
        torch.manual_seed(0)
        module = classifier()
        images = (50 * torch.randn(2, 3, 32, 32)).requires_grad_()
        expected = TorchTarget(module, (32, 32))(images, ["6"])["6"]
        (gradient,) = torch.autograd.grad(expected[:, 1].sum(), images)
        found = TorchTarget(module.to(dtype), (32, 32))(images, ["6"])["6"]
        (own,) = torch.autograd.grad(found[:, 1].sum(), images)
        exact = dtype == torch.float64
        assert found.dtype == own.dtype == torch.float32
        assert (found - expected).abs().max() <= (1e-5 if exact else 0.02)
        assert (own - gradient).abs().max() <= (1e-5 if exact else 0.1) * gradient.abs().max()
        assert (own == 0).float().mean() <= (gradient == 0).float().mean() + 0.01

    def test_gradients_of_several_layers_add_up(self):
        torch.manual_seed(0)
        module = classifier()
        images = (50 * torch.randn(2, 3, 32, 32)).requires_grad_()

        def gradient(module):
            found = TorchTarget(module, (32, 32))(images, ["0", "4", "6"])
            return torch.autograd.grad(found["0"][:, 1, 3, 3].sum() + found["4"].sum() + found["6"].sum(), images)[0]

        expected = gradient(module)
        assert (gradient(module.half()) - expected).abs().max() <= 0.1 * expected.abs().max()


def test_compiled_and_parallel_modules_are_what_they_wrap():
    module = classifier()
    images = 50 * torch.randn(2, 3, 32, 32)
    expected = TorchTarget(module, (32, 32))
    for wrapped in (nn.DataParallel(module), torch.compile(module), nn.DataParallel(torch.compile(module))):
        target = TorchTarget(wrapped, (32, 32))
        assert target.layers() == expected.layers()
        assert torch.equal(target(images, ["6"])["6"], expected(images, ["6"])["6"])


def test_compiled_parts_run_uncompiled():
    module = nn.Sequential(torch.compile(nn.Sequential(nn.Flatten(), nn.Linear(192, 4))), nn.Linear(4, 3))
    target = TorchTarget(module, (8, 8))
    assert target.layer_shape("0._orig_mod.1") == (4,)
    inside = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    inside.compile()
    assert TorchTarget(inside, (8, 8)).layer_shape("1") == (4,)


@pytest.mark.parametrize("make", [torch.jit.script, lambda module: torch.jit.trace(module, torch.zeros(2, 3, 32, 32))])
def test_torchscript_is_one_layer(make):
    torch.manual_seed(0)
    module = classifier().eval()
    target = TorchTarget(make(module), (32, 32))
    images = (50 * torch.randn(3, 3, 32, 32)).requires_grad_()
    found = target(images, ["output"])["output"]
    assert torch.allclose(found, TorchTarget(module, (32, 32))(images, ["6"])["6"], atol=1e-4)
    assert torch.autograd.grad(found.sum(), images)[0].abs().sum() > 0
    assert target.shapes() == {"output": (5,)}
    with pytest.raises(DgnamError, match=r"'6' is scripted or traced, .* can't be read; .* is layer 'output'"):
        target.layer_shape("6")


def test_torchscript_within_a_module_is_passed_over():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), torch.jit.script(nn.ReLU()), nn.Flatten())
    target = TorchTarget(module, (8, 8))
    images = 50 * torch.randn(2, 3, 8, 8)
    assert torch.equal(target(images, ["2"])["2"], target(images, ["0"])["0"].relu().flatten(1))
    with pytest.raises(DgnamError, match="'1' is scripted or traced"):
        target.layer_shape("1")


def test_exported_programs_are_given_as_modules():
    module = classifier().eval()
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(module, (torch.zeros(3, 3, 32, 32),), dynamic_shapes=({0: batch},))
    with pytest.raises(DgnamError, match=r"this is an ExportedProgram: give program.module\(\)"):
        TorchTarget(program, (32, 32))
    target = TorchTarget(program.module(), (32, 32))
    images = 50 * torch.randn(2, 3, 32, 32)
    expected = TorchTarget(module, (32, 32))(images, ["6"])["6"]
    assert torch.allclose(target(images, ["output"])["output"], expected, atol=1e-4)


def test_what_is_given_beside_images_is_named():
    class Two(nn.Module):
        def forward(self, images, mask, *, scale):
            return images * mask * scale

    with pytest.raises(DgnamError, match=r"forward takes images, mask, scale.*gives it images alone: wrap it"):
        TorchTarget(Two(), (8, 8))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(5)), "'1.weight' of the module is lazy.*run it once on images"),
        (nn.Linear(3, 2, device="meta"), "'weight' of the module is on the meta device"),
    ],
)
def test_modules_without_values_raise_and_stay(module, message):
    with pytest.raises(DgnamError, match=message):
        TorchTarget(module, (8, 8))


def test_a_module_of_one_image_at_a_time_says_so():
    class One(nn.Module):
        def forward(self, images):
            return images.view(1, 192)

    with pytest.raises(DgnamError, match=r"cannot take float32 images \(2, 3, 8, 8\)"):
        TorchTarget(One(), (8, 8)).layers()


def test_values_on_another_device_than_the_images_come_back():
    target = TorchTarget(classifier(), (32, 32))
    before = target.module
    target.to(torch.device("meta"))  # a copy there, since no other device is at hand
    assert target.running is not before
    assert {parameter.device.type for parameter in before.parameters()} == {"cpu"}
    target.to(torch.device("cpu"))
    assert target.running is before


class Sometimes(nn.Module):
    """A layer that later passes go without; `fails` raises in it."""

    def __init__(self):
        super().__init__()
        self.always, self.sometimes, self.take, self.error = nn.Conv2d(3, 2, 1), nn.ReLU(), True, None

    def forward(self, images):
        if self.error is not None:
            raise self.error
        found = self.always(images)
        return self.sometimes(found) if self.take else found


def test_a_layer_that_takes_no_part_any_more():
    target = TorchTarget(Sometimes(), (4, 4))
    assert target.layer_shape("sometimes") == (2, 4, 4)
    target.module.take = False
    with pytest.raises(DgnamError, match="layer 'sometimes' took no part in this forward pass"):
        target(torch.zeros(1, 3, 4, 4), ["always", "sometimes"])


def test_errors_of_a_pass_are_told_once():
    target = TorchTarget(Sometimes(), (4, 4))
    target.layer_shape("always")
    for error, words in (
        (DgnamError("own"), "^own$"),
        (ValueError("b" * 400), rf"^the module cannot take float32 images \(1, 3, 4, 4\): {'b' * 300}… \(400 char"),
    ):
        target.module.error = error
        with pytest.raises(DgnamError, match=words):
            target(torch.zeros(1, 3, 4, 4), ["always"])

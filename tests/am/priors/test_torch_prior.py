"""Torch modules as priors: what their outputs mean, and what can't be one."""

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am import ImageValues, Job, TorchPrior, Unit, gather, released, synthesize, unit_box
from dgnam.data.preprocessing import MEAN_BGR
from dgnam.errors import DgnamError


class Same(nn.Module):
    """Codes (3, 2, 2) as they are."""

    def forward(self, codes):
        return codes


def decoder(*last):
    return nn.Sequential(
        nn.ConvTranspose2d(7, 8, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1), *last
    )


def gray(prior, value):
    """What the prior makes of an output of `value` everywhere."""
    return prior(torch.full((1, 3, 2, 2), value))[0, :, 0, 0].tolist()


def test_tanh_range_is_black_to_white_by_default():
    prior = TorchPrior(Same(), (3, 2, 2))
    assert gray(prior, -1.0) == pytest.approx([-104, -117, -123])
    assert gray(prior, 1.0) == pytest.approx([151, 138, 132])


@pytest.mark.parametrize("shape", [4, np.int64(4), (np.int64(4),), np.array([4])])
def test_a_codes_shape_may_be_numpys(shape):
    prior = TorchPrior(nn.Sequential(nn.Linear(4, 12), nn.Unflatten(1, (3, 2, 2))), shape)
    assert repr(prior.code_shape) == "(4,)"


def test_a_sigmoids_range_is_from_black_to_white():
    prior = TorchPrior(Same(), (3, 2, 2), mean=0, std=1)
    assert gray(prior, 0.0) == pytest.approx([-104, -117, -123])
    assert gray(prior, 1.0) == pytest.approx([151, 138, 132])


def test_bgr_minus_the_mean_is_the_image_itself():
    prior = TorchPrior(Same(), (3, 2, 2), mean=MEAN_BGR, std=1, scale=1, channels="BGR")
    codes = torch.randn(2, 3, 2, 2)
    assert prior(codes) is codes


def test_rgb_with_mean_and_std_becomes_bgr():
    prior = TorchPrior(Same(), (3, 2, 2), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    red = (255 * np.array([0.485, 0.456, 0.406]) + [25, 0, 0]) / 255  # in [0, 1]
    output = (red - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    image = prior(torch.tensor(output, dtype=torch.float32).view(1, 3, 1, 1))[0, :, 0, 0]
    expected = (255 * red)[::-1] - MEAN_BGR
    assert image.tolist() == pytest.approx(list(expected), abs=1e-3)


def test_image_size_is_measured_and_module_left_as_found():
    module = decoder(nn.Tanh())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    prior = TorchPrior(module, (7, 1, 1))
    assert (prior.code_shape, prior.image_size) == ((7, 1, 1), (8, 8))
    codes = torch.randn(2, 7, 1, 1, requires_grad=True)
    prior(codes).sum().backward()
    assert (codes.grad != 0).any()
    assert all(one.training for one in module.modules())
    assert all(p.requires_grad and p.grad is None for p in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert TorchPrior(module, [7, 1, 1], (8, 8)).image_size == (8, 8)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_modules_of_any_precision_make_float32_images(dtype):
    torch.manual_seed(0)
    module = decoder(nn.Tanh())
    codes = torch.randn(2, 7, 1, 1, requires_grad=True)
    expected = TorchPrior(module, (7, 1, 1))(codes)
    (gradient,) = torch.autograd.grad(expected.sum(), codes)
    found = TorchPrior(module.to(dtype), (7, 1, 1))(codes)
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < (1e-3 if dtype == torch.float64 else 3)
    (own,) = torch.autograd.grad(found.sum(), codes)
    assert (own - gradient).abs().max() <= 0.05 * gradient.abs().max()


def test_the_one_image_of_several_outputs_is_taken():
    class Pair(nn.Module):
        def forward(self, codes):
            return {"sample": codes, "mean": codes.mean((1, 2, 3))}

    assert TorchPrior(Pair(), (3, 2, 2)).image_size == (2, 2)


def test_gray_output_is_an_image_of_gray():
    prior = TorchPrior(Same(), (1, 2, 2), mean=0, std=1)
    image = prior(torch.full((1, 1, 2, 2), 0.5))[0, :, 0, 0]
    assert image.tolist() == pytest.approx([127.5 - mean for mean in MEAN_BGR])


def test_images_that_depend_on_the_other_codes_raise():
    module = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False))
    with pytest.raises(DgnamError, match="the values of one of a batch depend on the others"):
        TorchPrior(module, (3, 4, 4))


def test_a_search_in_its_codes_raises_a_unit():
    torch.manual_seed(0)
    prior = TorchPrior(decoder(nn.Tanh()), (7, 1, 1))

    class Target:
        size = (8, 8)

        def __call__(self, images, layers):
            return {layer: images.flatten(1) @ self.matrix for layer in layers}

        matrix = torch.from_numpy(np.random.RandomState(0).standard_normal((192, 4)).astype(np.float32))

        def layer_shape(self, layer):
            return (4,)

        def to(self, device):
            return None

    jobs = [Job(Unit("fc8", k), k, released(n_iters=20, start_lr=0.2)) for k in range(4)]
    result = gather(synthesize(Target(), prior, jobs, clip=unit_box(), progress=False))
    assert result.codes.shape == (4, 7, 1, 1)
    assert np.abs(result.codes).max() <= 1
    assert (result.last_activations > result.activations[:, 0]).all()


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (nn.Linear(5, 12), (5,), r"images \(N, 3, H, W\), and this gives \(2, 12\)"),
        (nn.Sequential(nn.Linear(5, 32), nn.Unflatten(1, (2, 4, 4))), (5,), r"this gives \(2, 2, 4, 4\)"),
        (nn.Sequential(nn.LazyLinear(48), nn.Unflatten(1, (3, 4, 4))), (5,), "'0.weight' of the module is lazy"),
        (nn.Bilinear(5, 5, 48), (5,), "forward takes input1, input2, and a TorchPrior gives it codes alone"),
        (decoder(), (5, 1, 1), r"cannot take codes of shape \(2, 5, 1, 1\)"),
        (nn.LSTM(3, 3), (3,), "gives a tuple"),
        (lambda codes: codes, (3, 2, 2), "takes a torch.nn.Module, and this is a function"),
        (Same(), (), r"code_shape \(\)"),
        (Same(), (3, 0, 2), r"code_shape \(3, 0, 2\)"),
    ],
)
def test_unsuitable_modules_raise(module, shape, message):
    with pytest.raises(DgnamError, match=message):
        TorchPrior(module, shape)


def test_a_number_stands_for_a_flat_code():
    module = nn.Sequential(nn.Linear(5, 48), nn.Unflatten(1, (3, 4, 4)))
    assert TorchPrior(module, 5).code_shape == (5,)


def test_wrong_image_size_raises():
    with pytest.raises(DgnamError, match=r"images of \(8, 8\), and image_size is \(64, 64\)"):
        TorchPrior(decoder(), (7, 1, 1), (64, 64))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((0.5, 0.5, 1.0, "RBG"), "channels 'RBG': give RGB"),
        (((1, 2), 0.5, 1.0, "RGB"), r"mean \(1, 2\)"),
        ((0.5, 0.0, 1.0, "RGB"), "neither may be 0"),
        ((0.5, 0.5, 0.0, "RGB"), "neither may be 0"),
        ((float("nan"), 0.5, 1.0, "RGB"), "mean.*not finite"),
    ],
)
def test_unsuitable_values_raise(options, message):
    with pytest.raises(DgnamError, match=message):
        ImageValues(*options)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), 0])
def test_a_code_has_one_number_or_more(shape):
    with pytest.raises(DgnamError, match="give one size or more, each at least 1"):
        TorchPrior(nn.Conv2d(1, 3, 1), shape)

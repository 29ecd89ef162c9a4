"""Caffe nets, torch modules, and several of them as targets."""

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am import CaffeTarget, Several, TorchTarget
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.data.image_set import MEAN_BGR
from dgnam.errors import DgnamError
from dgnam.zoo import registry as zoo


@pytest.fixture
def target(tiny_modules):
    return CaffeTarget(tiny_modules[0])


def test_input_size_is_the_data_blobs(target):
    assert target.size == (28, 28)


@pytest.mark.parametrize(("layer", "shape"), [("fc8", (10,)), ("conv5", (8, 6, 6)), ("prob", (10,))])
def test_layer_shape_is_that_of_one_images_values(target, layer, shape):
    assert target.layer_shape(layer) == shape
    assert target(torch.zeros(2, 3, 28, 28), [layer])[layer].shape == (2, *shape)


@pytest.mark.parametrize("layer", ["conv5", "fc6"])
def test_unit_value_is_that_before_the_in_place_relu(target, layer):
    images = 50 * torch.randn(4, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    values = target(images, [layer])[layer]
    assert (values < 0).any()
    after = target.module(images, keep=[layer])[layer]
    assert torch.equal(values.relu(), after)


def test_unknown_layer_is_an_error_that_lists_the_closest(target):
    with pytest.raises(DgnamError, match=r"no layer 'fc9'.*fc8"):
        target.layer_shape("fc9")


def test_target_is_frozen_and_in_eval_mode(target):
    assert not target.module.training
    assert not any(p.requires_grad for p in target.module.parameters())
    images = torch.ones(1, 3, 28, 28)
    assert torch.equal(target(images, ["fc8"])["fc8"], target(images, ["fc8"])["fc8"])


def test_layers_of_one_pass_are_each_as_the_layer_leaves_them(target):
    images = 50 * torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    both = target(images, ["fc8", "conv5"])
    assert list(both) == ["conv5", "fc8"]
    for layer, values in both.items():
        assert torch.equal(values, target(images, [layer])[layer])


def test_another_mean_is_made_up_for(tiny_modules):
    images = torch.randn(1, 3, 28, 28)
    other = CaffeTarget(tiny_modules[0], mean=(100, 110, 120))
    shifted = images + torch.tensor([4.0, 7, 3]).view(3, 1, 1)
    assert torch.allclose(other(images, ["fc8"])["fc8"], CaffeTarget(tiny_modules[0])(shifted, ["fc8"])["fc8"])


def test_a_mean_image_a_scale_and_rgb_are_made_up_for(tiny_modules):
    module = tiny_modules[0]
    pictures = torch.randint(0, 256, (2, 3, 28, 28)).float()  # BGR
    images = pictures - torch.tensor(MEAN_BGR).view(3, 1, 1)
    mean = np.random.default_rng(0).uniform(90, 130, (3, 32, 32)).astype(np.float32)
    own = (pictures.flip(1) - torch.from_numpy(mean[:, 2:30, 2:30])) * 0.0078125
    seen = CaffeTarget(module, mean=mean, scale=0.0078125, channels="RGB")(images, ["fc8"])["fc8"]
    assert torch.allclose(seen, CaffeTarget(module)(own, ["fc8"])["fc8"], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (1, 2)}, "mean has shape"),
        ({"mean": np.zeros((3, 20, 20))}, "at least"),
        ({"channels": "GRB"}, "give RGB or BGR"),
    ],
)
def test_preprocessing_that_the_net_cannot_have_is_an_error(tiny_modules, options, message):
    with pytest.raises(DgnamError, match=message):
        CaffeTarget(tiny_modules[0], **options)


def test_a_net_of_one_channel_is_no_target():
    grey = "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } }"
    with pytest.raises(DgnamError, match="needs three channels"):
        CaffeTarget(CaffeModule(parse_net(f"name: 'grey' {grey}")))


class TestTorch:
    @pytest.fixture
    def module(self):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 36, 5))

    def test_layers_by_module_name_before_what_works_in_place(self, module):
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
def test_what_a_torch_target_cannot_be_made_of(options, message):
    with pytest.raises(DgnamError, match=message):
        TorchTarget(**({"module": nn.Conv2d(3, 2, 3), "size": (8, 8)} | options))


@pytest.mark.parametrize("module", [nn.Conv2d(1, 2, 3), nn.Conv2d(3, 2, 3).double(), nn.Conv2d(3, 2, 9)])
def test_a_module_that_cannot_take_the_images(module):
    target = TorchTarget(nn.Sequential(module), (8, 8))
    with pytest.raises(DgnamError, match="can't take float32 images"):
        target.layer_shape("0")
    with pytest.raises(DgnamError, match="can't take float32 images"):
        target.shapes()


class TestSeveral:
    def test_layers_of_each_by_its_name(self, tiny_modules):
        caffe, small = CaffeTarget(tiny_modules[0]), TorchTarget(nn.Sequential(nn.Flatten()), (14, 14))
        both = Several(a=caffe, b=small)
        assert both.size == (28, 28)
        images = torch.randn(2, 3, 28, 28)
        values = both(images, ["a.fc8", "b.0"])
        assert torch.equal(values["a.fc8"], caffe(images, ["fc8"])["fc8"])
        assert torch.equal(values["b.0"], small(images[..., 7:21, 7:21], ["0"])["0"])
        assert both.layer_shape("a.conv5") == (8, 6, 6)

    def test_unknown_names(self, tiny_modules):
        both = Several(a=CaffeTarget(tiny_modules[0]))
        with pytest.raises(DgnamError, match=r"layer 'c.fc8': write target.layer, with one of the targets a"):
            both.layer_shape("c.fc8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": float("nan")}, "scale nan"),
        ({"scale": 0}, "scale 0"),
        ({"mean": (1, float("inf"), 1)}, "the mean has values that are not finite"),
    ],
)
def test_preprocessing_that_leaves_nothing_is_an_error(tiny_modules, options, message):
    with pytest.raises(DgnamError, match=message):
        CaffeTarget(tiny_modules[0], **options)


def test_a_net_without_an_input_is_no_target():
    with pytest.raises(DgnamError, match="has no input"):
        CaffeTarget(CaffeModule(parse_net('name: "empty"')))


@pytest.mark.parametrize("name", ["a.b", "a:b", ""])
def test_several_need_names_that_layers_can_begin_with(target, name):
    with pytest.raises(DgnamError, match="no dot and no colon"):
        Several(None, **{name: target})


def test_a_net_that_sees_clips_is_no_target():
    with pytest.raises(DgnamError, match=r"'action-lstm-motion-mini' sees clips \(layer 'frames' splits its batch\)"):
        CaffeTarget(zoo.load("action-lstm-motion-mini"))

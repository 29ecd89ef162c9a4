"""A Caffe generator as a prior."""

import pytest
import torch

from dgnam.am import GeneratorPrior
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.errors import DgnamError

CONV3 = """
force_backward: true
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 4 dim: 2 dim: 2 } } }
layer { name: "conv1_1" type: "Convolution" bottom: "feat" top: "conv1_1"
  convolution_param { num_output: 3 kernel_size: 1 } }
layer { name: "tanh" type: "TanH" bottom: "conv1_1" top: "conv1_1_tanh" }
layer { name: "scale" type: "Power" bottom: "conv1_1_tanh" top: "generated" power_param { scale: 255 } }
"""


@pytest.fixture
def prior(tiny_modules):
    return GeneratorPrior(tiny_modules[1])


def test_generator_maps_feat_to_the_last_top(prior):
    assert prior.module.input_names == ["feat"]
    assert prior.output == "deconv0"
    assert (prior.code_shape, prior.image_size) == ((12,), (32, 32))


def test_last_top_of_the_conv3_form_is_generated():
    prior = GeneratorPrior(CaffeModule(parse_net(CONV3)))
    assert prior.output == "generated"
    assert prior.code_shape == (4, 2, 2)
    assert prior(torch.randn(5, 4, 2, 2)).shape == (5, 3, 2, 2)


def test_reshape_to_batch_1_takes_any_batch(prior):
    codes = torch.randn(6, 12, generator=torch.Generator().manual_seed(1))
    images = prior(codes)
    assert images.shape == (6, 3, 32, 32)
    for code, image in zip(codes, images, strict=True):
        assert torch.allclose(prior(code[None])[0], image, atol=1e-4)


def test_codes_get_gradients_and_parameters_none(prior):
    codes = torch.randn(2, 12, requires_grad=True)
    prior(codes).sum().backward()
    assert (codes.grad != 0).any()
    assert all(p.grad is None for p in prior.module.parameters())


def test_generator_is_left_as_it_was_found():
    module = net(CONV3).train()
    prior = GeneratorPrior(module)
    prior.to(torch.device("cpu"))
    prior(torch.randn(2, 4, 2, 2))
    assert module.training
    assert all(p.requires_grad for p in module.parameters())


def net(text):
    return CaffeModule(parse_net(text))


class TestOfAUser:
    def test_input_of_another_name_and_a_convolutional_code(self):
        prior = GeneratorPrior(net(CONV3.replace('"feat"', '"my_code"')))
        assert prior.code_shape == (4, 2, 2)
        assert prior(torch.randn(3, 4, 2, 2)).shape == (3, 3, 2, 2)

    def test_output_in_another_range_becomes_an_image(self):
        module = net(CONV3)
        prior = GeneratorPrior(module, output="conv1_1_tanh", mean=0.5, std=0.5, scale=1 / 255, channels="RGB")
        codes = torch.randn(3, 4, 2, 2)
        tanh = module(codes, end="tanh")["conv1_1_tanh"]
        expected = (tanh * 127.5 + 127.5).flip(1) - torch.tensor([104.0, 117.0, 123.0]).view(3, 1, 1)
        assert torch.allclose(prior(codes), expected, atol=1e-4)

    def test_unknown_output_lists_the_closest(self):
        with pytest.raises(DgnamError, match=r"no blob 'generate'.*generated"):
            GeneratorPrior(net(CONV3), output="generate")

    def test_output_other_than_an_image_raises(self):
        text = CONV3 + 'layer { name: "flat" type: "Flatten" bottom: "generated" top: "flat" }'
        with pytest.raises(DgnamError, match=r"image \(N, 3, H, W\), and 'flat' has shape \(1, 12\)"):
            GeneratorPrior(net(text))
        assert GeneratorPrior(net(text), output="generated").image_size == (2, 2)

    def test_gray_output_is_an_image_of_gray(self):
        prior = GeneratorPrior(net(CONV3.replace("num_output: 3", "num_output: 1")), mean=0)
        found = prior(torch.randn(3, 4, 2, 2)) + torch.tensor([104.0, 117, 123]).view(3, 1, 1)
        assert prior.gray
        assert torch.allclose(found, found[:, :1].expand(-1, 3, -1, -1), atol=1e-4)

    def test_two_inputs_are_an_error(self):
        text = 'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 10 } } }' + CONV3
        with pytest.raises(DgnamError, match="has one input, its code, and this has 2: label, feat"):
            GeneratorPrior(net(text))

    def test_input_without_a_batch_axis_raises(self):
        text = """
        layer { name: "z" type: "Input" top: "z" input_param { shape { dim: 12 } } }
        layer { name: "image" type: "Reshape" bottom: "z" top: "image"
          reshape_param { shape { dim: 1 dim: 3 dim: 2 dim: 2 } } }
        """
        with pytest.raises(DgnamError, match=r"input 'z' has shape \(12,\)"):
            GeneratorPrior(net(text))

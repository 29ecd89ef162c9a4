"""A Caffe generator as a prior."""

import pytest
import torch

from dgnam.am import GeneratorPrior
from dgnam.caffe.module import CaffeModule
from dgnam.caffe.proto import parse_net

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


def test_code_to_image_is_from_feat_to_the_last_top(prior):
    assert prior.module.input_names == ["feat"]
    assert prior.output == "deconv0"
    assert (prior.code_shape, prior.image_size) == ((12,), (32, 32))


def test_last_top_of_the_conv3_form_is_generated():
    prior = GeneratorPrior(CaffeModule(parse_net(CONV3)))
    assert prior.output == "generated"
    assert prior.code_shape == (4, 2, 2)
    assert prior(torch.randn(5, 4, 2, 2)).shape == (5, 3, 2, 2)


def test_batch_sees_through_a_reshape_that_fixes_it_to_1(prior):
    codes = torch.randn(6, 12, generator=torch.Generator().manual_seed(1))
    images = prior(codes)
    assert images.shape == (6, 3, 32, 32)
    for code, image in zip(codes, images, strict=True):
        assert torch.allclose(prior(code[None])[0], image, atol=1e-4)


def test_generator_is_frozen_and_its_codes_get_gradients(prior):
    assert not any(p.requires_grad for p in prior.module.parameters())
    codes = torch.randn(2, 12, requires_grad=True)
    prior(codes).sum().backward()
    assert (codes.grad != 0).any()

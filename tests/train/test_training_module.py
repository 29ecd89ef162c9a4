"""BatchNorm and Scale in one pass: the values, gradients and statistics of the two layers."""

import pytest
import torch

from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, pb
from dgnam.train.data_layer import split_data_layer
from dgnam.train.training_module import TrainingModule
from tests.toy import TRAIN_VAL

DEFINITION = split_data_layer(parse_net(TRAIN_VAL, "test"), pb.TRAIN)[1]


def passes(module):
    """Two passes in training; the losses, the last gradients, and the parameters and statistics after them."""
    with torch.no_grad():
        module.parameter(3 + 1).uniform_(0.5, 2, generator=torch.Generator().manual_seed(1))
    draw = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(2):
        module.seed(9)
        images, labels = torch.randn(16, 3, 12, 12, generator=draw) * 40 + 20, torch.randint(6, (16,), generator=draw)
        loss = module.loss(module(images, labels.float()))
        module.zero_grad()
        loss.backward()
        losses.append(loss.detach())
    grads = {name: p.grad for name, p in module.named_parameters()}
    return {"loss": torch.stack(losses), **grads, **{f"state {k}": v for k, v in module.state_dict().items()}}


def test_it_computes_what_the_two_layers_do():
    fused, apart = (kind(DEFINITION, phase=pb.TRAIN, seed=4) for kind in (TrainingModule, CaffeModule))
    assert fused._fused == {"conv1/scale"}
    ours, theirs = passes(fused), passes(apart)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert (ours[name] - value).abs().max() <= 1e-5 * value.abs().max(), name
    assert fused.state_dict()["conv1/bn/2"] == pytest.approx(1.8)


def test_evaluation_is_untouched():
    fused, apart = (kind(DEFINITION, phase=pb.TRAIN, seed=4) for kind in (TrainingModule, CaffeModule))
    passes(fused)
    apart.load_state_dict(fused.state_dict())
    images = torch.randn(4, 3, 12, 12)
    results = [m.eval()(images, end="fc")["fc"] for m in (fused, apart)]
    assert torch.equal(*results)


@pytest.mark.parametrize("options", ["bias_term: false", "axis: 0 bias_term: true"])
def test_other_scales_run_by_themselves(options):
    text = TRAIN_VAL.replace("scale_param { bias_term: true }", f"scale_param {{ {options} }}")
    net = split_data_layer(parse_net(text, "test"), pb.TRAIN)[1]
    assert TrainingModule(net, phase=pb.TRAIN)._fused == set()

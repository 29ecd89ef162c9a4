"""What a run's record holds of objects: two that compute different things never look alike."""

import json

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from torch import nn

import dgnam
from dgnam.am import CaffeTarget, ClipPrior, FourierPrior, GeneratorPrior, JointTarget, PixelPrior, TorchTarget
from dgnam.api.fingerprint import fingerprint
from dgnam.api.targets import joint, open_target
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import pb
from dgnam.errors import DgnamError

NET = """
    name: "net"
    layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 3 dim: 8 dim: 8 }} }} }}
    layer {{ name: "a" type: "Convolution" bottom: "data" top: "a"
      convolution_param {{ num_output: 3 kernel_size: 3 pad: {pad} weight_filler {{ value: 1 }} }} }}
    layer {{ name: "b" type: "Power" bottom: "a" top: "b" power_param {{ scale: 2 }} }}
"""


def net(pad=1):
    return CaffeModule(text_format.Parse(NET.format(pad=pad), pb.NetParameter()))


class Wrapped(nn.Module):
    """A Caffe net in a torch module."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, images):
        return self.inner(images)["b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: FourierPrior((16, 16), 1.0), lambda: FourierPrior((16, 16), 0.0)),
        (lambda: PixelPrior((8, 8)), lambda: PixelPrior((8, 9))),
        (lambda: ClipPrior(PixelPrior((8, 8)), 2, (8, 8)), lambda: ClipPrior(PixelPrior((8, 8)), 3, (8, 8))),
        (lambda: ClipPrior(PixelPrior((8, 8)), 2, (8, 8)), lambda: ClipPrior(FourierPrior((8, 8)), 2, (8, 8))),
        (lambda: GeneratorPrior(net(), output="a"), lambda: GeneratorPrior(net(), output="b")),
        (lambda: GeneratorPrior(net()), lambda: GeneratorPrior(net(), torch.contiguous_format)),
        (lambda: GeneratorPrior(net(), mean=1), lambda: GeneratorPrior(net(), mean=2)),
        (lambda: CaffeTarget(net(0)), lambda: CaffeTarget(net(1))),
        (lambda: CaffeTarget(net()), lambda: CaffeTarget(net(), channels="RGB")),
        (lambda: TorchTarget(Wrapped(net(0)), (8, 8)), lambda: TorchTarget(Wrapped(net(1)), (8, 8))),
        (lambda: JointTarget(a=CaffeTarget(net())), lambda: JointTarget((9, 9), a=CaffeTarget(net()))),
    ],
)
def test_what_computes_otherwise_has_another_fingerprint(one, other):
    assert fingerprint(one()) == fingerprint(one())
    assert fingerprint(one()) != fingerprint(other())
    json.dumps([fingerprint(one()), fingerprint(other())])


def test_joint_targets_of_another_size_have_another_record():
    opened = {"a": open_target("caffenet-mini")}
    assert joint(opened).record != joint(opened, (80, 80)).record


def test_a_run_does_not_go_on_with_another_decay(tmp_path):
    how = {"settings": dgnam.am.released(n_iters=2), "seeds": 2, "batch_size": 1, "progress": False}
    target = TorchTarget(nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), (16, 16))
    dgnam.visualize(target, "2:1", prior=FourierPrior((16, 16)), folder=tmp_path / "run", **how)
    again = {"folder": tmp_path / "run", "resume": True, **how}
    with pytest.raises(DgnamError, match=r"prior\.decay changed \(was 1\.0, now 0\.0\)"):
        dgnam.visualize(target, "2:1", prior=FourierPrior((16, 16), 0.0), **again)
    assert np.isfinite(dgnam.visualize(target, "2:1", prior=FourierPrior((16, 16)), **again).activations).all()

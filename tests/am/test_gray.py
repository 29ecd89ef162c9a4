"""Networks of one channel: they see gray, and their pictures are gray."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import dgnam
from dgnam.am import CaffeTarget, JointTarget, TorchTarget, released
from dgnam.am.framing import CenterCrop, InGray, frame_for
from dgnam.am.gray import gray_of
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights
from dgnam.errors import ArgumentError

NET = """name: "gray"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 5 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""


def module(channels=1):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(channels, 8, 5, 2), nn.Flatten(), nn.Linear(1152, 4))


def caffe_target():
    return CaffeTarget(CaffeModule(parse_net(NET), seed=1))


TARGETS = {"caffe": (caffe_target, "fc:2"), "torch": (lambda: TorchTarget(module(), (28, 28), mean=0, std=1), "2:2")}


def is_gray(pictures):
    """Whether the channels of pictures (N, H, W, 3) are alike."""
    return bool((pictures == pictures[..., :1]).all())


def test_gray_is_that_of_opencv_and_pillow():
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    bgr = torch.from_numpy(picture[..., ::-1].transpose(2, 0, 1).astype(np.float32))
    found = gray_of(bgr)
    assert found.shape == (1, 9, 7)
    assert np.abs(found[0].numpy() - np.asarray(Image.fromarray(picture).convert("L"), np.float32)).max() <= 1
    assert torch.allclose(gray_of(bgr.flip(0), "RGB"), found)


@pytest.mark.parametrize("kind", TARGETS)
def test_preferred_images_are_gray_and_climb(kind):
    make, unit = TARGETS[kind]
    found = dgnam.visualize(make(), unit, prior="deepsim-fc6-mini", settings=released(n_iters=20), progress=False)
    assert found.images.shape == (1, 28, 28, 3)
    assert is_gray(found.images)
    assert found.images.std() > 5
    assert found.traces[0, -1] > found.traces[0, 0]
    target = make()
    layer = unit.partition(":")[0]
    assert float(target(torch.from_numpy(found.raw), [layer])[layer][0, 2].detach()) == pytest.approx(
        float(found.activations[0]), rel=1e-4
    )


@pytest.mark.parametrize("kind", TARGETS)
def test_evolved_images_are_gray(kind):
    make, unit = TARGETS[kind]
    found = dgnam.evolve(make(), unit, prior="deepsim-fc6-mini", generations=2, population=6, progress=False)
    assert is_gray(found.images)


@pytest.mark.parametrize("prior", ["pixels", "mahendran2016"])
def test_pixels_are_gray_too(prior):
    found = dgnam.visualize(caffe_target(), "fc:2", prior=prior, n_iters=3, progress=False)
    assert is_gray(found.images)


def test_files_of_a_run_are_gray(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    write_hdf5_weights(tmp_path / "net.h5", CaffeModule(parse_net(NET), seed=1).weights())
    how = {"weights": tmp_path / "net.h5", "mean": "33", "scale": 0.01, "settings": released(n_iters=3)}
    found = dgnam.visualize(tmp_path / "net.prototxt", "fc:2", movies=["gif"], folder=tmp_path / "run", **how)
    assert is_gray(found.images)
    assert is_gray(dgnam.load(tmp_path / "run").images)
    with pytest.raises(ArgumentError, match="a backend's loop takes nets of three channels"):
        dgnam.visualize(tmp_path / "net.prototxt", "fc:2", backend="dgnam", **how)


def test_framing_is_on_record():
    assert frame_for((64, 64), caffe_target()) == InGray(frame_for((64, 64), TorchTarget(module(3), (28, 28))))
    assert repr(InGray(CenterCrop((4, 4), (2, 2)))) == "InGray(framing=CenterCrop(outer=(4, 4), inner=(2, 2)))"


def test_several_targets_see_color_unless_all_are_gray():
    gray, color = caffe_target(), TorchTarget(module(3), (28, 28))
    assert JointTarget(a=gray, b=caffe_target()).gray
    assert not JointTarget(a=gray, b=color).gray
    how = {"prior": "deepsim-fc6-mini", "settings": released(n_iters=2), "progress": False}
    assert not is_gray(dgnam.visualize({"a": gray, "b": color}, "a.fc:1 + b.2:1", **how).images)
    assert is_gray(dgnam.visualize({"a": gray, "b": caffe_target()}, "a.fc:1 + b.fc:2", **how).images)

"""Real published models on real pictures: how many real Caffe has right, and its scores."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.net import Net
from dgnam.caffe.proto import parse_net, pb, read_blobproto
from tests.caffe.golden import ROOT, error

SHARED = ROOT.parent / "shared"
CIFAR10_QUICK = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 100 dim: 3 dim: 32 dim: 32 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 32 kernel_size: 5 pad: 2 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 32 kernel_size: 5 pad: 2 } }
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "conv3" type: "Convolution" bottom: "pool2" top: "conv3"
  convolution_param { num_output: 64 kernel_size: 5 pad: 2 } }
layer { name: "relu3" type: "ReLU" bottom: "conv3" top: "conv3" }
layer { name: "pool3" type: "Pooling" bottom: "conv3" top: "pool3"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool3" top: "ip1" inner_product_param { num_output: 64 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""


def needed(*names: str) -> list[Path]:
    """The files of these names beside the project; without them the test is skipped."""
    paths = [SHARED / name for name in names]
    for path in paths:
        if not path.exists():
            pytest.skip(f"needs ../shared/{path.relative_to(SHARED)}")
    return paths


def pictures(archive: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first pictures of an archive, (count, H, W, 3) RGB, and their labels."""
    with zipfile.ZipFile(archive) as file:
        rows = [line.rsplit(" ", 1) for line in file.read("val.txt").decode().splitlines()[:count]]
        images = [np.asarray(Image.open(io.BytesIO(file.read(name))).convert("RGB")) for name, _ in rows]
    return np.stack(images), np.array([int(label) for _, label in rows])


def squeezenet_scores(count: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    weights, archive = needed("weights/squeezenet_v1.0.caffemodel", "data/ilsvrc1000-probe256.zip")
    net = Net(ROOT / "prototxt" / "squeezenet" / "deploy.prototxt", pb.TEST, weights=weights, param_gradients=False)
    images, labels = pictures(archive, count)
    inputs = images[:, 14:241, 14:241, ::-1].transpose(0, 3, 1, 2) - np.float32([104, 117, 123]).reshape(3, 1, 1)
    net.blobs["data"].reshape(batch, 3, 227, 227)
    net.reshape()
    parts = [net.forward(blobs=["pool10"], data=inputs[i : i + batch])["pool10"].copy() for i in range(0, count, batch)]
    return np.concatenate(parts).reshape(count, 1000), labels


@pytest.mark.parametrize(("model", "right"), [("cifar10_quick_v1_legacy", 681), ("cifar10_quick_v2", 737)])
def test_cifar10_quick_has_as_many_right_as_in_real_caffe(model, right):
    weights, mean, archive = needed(
        f"weights/{model}.caffemodel", "weights/cifar10_mean.binaryproto", "data/cifar10-test1000.zip"
    )
    net = Net(parse_net(CIFAR10_QUICK), pb.TEST)
    net.copy_from(weights)
    images, labels = pictures(archive, 1000)
    inputs = images.transpose(0, 3, 1, 2) - read_blobproto(mean).reshape(3, 32, 32)
    assert int((net.forward_all(data=inputs)["prob"].argmax(1) == labels).sum()) == right


def test_squeezenet_gives_real_caffes_scores():
    (recorded,) = needed("oracle/squeezenet_probe.h5")
    scores, _ = squeezenet_scores(8, 8)
    with h5py.File(recorded) as file:
        assert error(scores, file["pool10_first8"][()]) < 1e-4


@pytest.mark.exhaustive
def test_squeezenet_has_as_many_right_as_in_real_caffe():
    scores, labels = squeezenet_scores(1000, 50)
    ranks = (scores > scores[np.arange(1000), labels][:, None]).sum(1)
    assert (int((ranks < 1).sum()), int((ranks < 5).sum())) == (623, 838)

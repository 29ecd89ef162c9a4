"""Training steps of the solver against a torch step written by hand, for CaffeNet and Caffe's CIFAR-10 quick net.

    python -m tests.bench.bench_train [--repeats 9] [--threads 1 2] [--processor-time]

Both take a step of stochastic gradient descent with momentum and weight decay on the same images, by turns; the ratio
is that of the medians, and should stay under 1.  In torch the step is what one writes: `zero_grad`, the loss,
`backward`, and `torch.optim.SGD.step`.  Where BVLC's Caffe can be imported it takes its turns too, and the ratio to it
should be at most 0.9.

--processor-time measures the processor's time in place of the wall's: for one thread, where other work has the machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import dgnam.caffe as ours
from dgnam.am.published.backend import real_caffe
from dgnam.caffe.proto import parse_net, pb, read_net, to_text
from tests.bench.bench_net import ROOT, CaffeNet, medians, waiting_without_spinning
from tests.bench.bench_scripts import BAR

QUICK = """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 32 pad: 2 kernel_size: 5 weight_filler { type: "gaussian" std: 0.0001 } } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 32 pad: 2 kernel_size: 5 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "conv3" type: "Convolution" bottom: "pool2" top: "conv3"
  convolution_param { num_output: 64 pad: 2 kernel_size: 5 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "relu3" type: "ReLU" bottom: "conv3" top: "conv3" }
layer { name: "pool3" type: "Pooling" bottom: "conv3" top: "pool3"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool3" top: "ip1"
  inner_product_param { num_output: 64 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 10 weight_filler { type: "gaussian" std: 0.1 } } }
"""
"""Caffe's `examples/cifar10/cifar10_quick_train_test.prototxt`, without its data."""

LABEL = 'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: %d } } }'
DATA = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: %d dim: 3 dim: %d dim: %d } } }'
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "%s" bottom: "label" }'


class Quick(nn.Sequential):
    """The CIFAR-10 quick net as one would write it in torch."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 32, 5, padding=2),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(3, 2, ceil_mode=True),
            nn.Flatten(),
            nn.Linear(1024, 64),
            nn.Linear(64, 10),
        )


class Classifier(CaffeNet):
    """CaffeNet up to its scores."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = self.classifier[:-1]


def net_of(name: str, batch: int, size: int) -> pb.NetParameter:
    """The training net, with its images and labels as inputs."""
    net = parse_net(DATA % (batch, size, size) + LABEL % batch)
    if name == "quick":
        layers, scores = parse_net(QUICK).layer, "ip2"
    else:
        layers, scores = read_net(ROOT / "prototxt/caffenet/deploy.prototxt").layer[1:-1], "fc8"
    net.layer.extend(layers)
    net.layer.extend(parse_net(LOSS % scores).layer)
    return net


def solver_step(
    name: str,
    module: nn.Module,
    images: Tensor,
    labels: Tensor,
    folder: str,
    rate: float,
    decay: float,
    caffe: ModuleType = ours,
) -> Callable[[], None]:
    """A step of the solver of a module with pycaffe's interface, from the module's weights."""
    definition = pb.SolverParameter(
        net_param=net_of(name, len(images), images.shape[-1]),
        base_lr=rate,
        lr_policy="fixed",
        momentum=0.9,
        weight_decay=decay,
        snapshot_prefix=str(Path(folder) / name),
        snapshot_after_train=False,
    )
    path = Path(folder) / f"{name}-solver.prototxt"
    path.write_text(to_text(definition))
    caffe.set_mode_cpu()
    solver = caffe.SGDSolver(str(path))
    learned = [blob for blobs in solver.net.params.values() for blob in blobs]
    for blob, parameter in zip(learned, module.parameters(), strict=True):
        blob.data[...] = parameter.detach().numpy()
    solver.net.blobs["data"].data[...] = images.numpy()
    solver.net.blobs["label"].data[...] = labels.numpy()
    return lambda: solver.step(1)


def bvlc() -> ModuleType | None:
    """BVLC's Caffe; None where it can't be imported."""
    try:
        return real_caffe()
    except Exception:  # one that was built for another system fails in its own ways
        return None


def line(seconds: list[float]) -> str:
    """The times of the solver, of the step by hand and, if it is there, of Caffe, and their ratios."""
    names = ("solver", "by hand", "Caffe")
    text = ", ".join(f"{name} {one * 1e3:.1f} ms" for name, one in zip(names, seconds, strict=False))
    text += f", ratio to the step by hand {seconds[0] / seconds[1]:.3f}"
    if len(seconds) < 3:
        return f"{text}; BVLC's Caffe is not here (bar of the ratio to it: {BAR})"
    ratio = seconds[0] / seconds[2]
    return f"{text}, to Caffe {ratio:.3f} (bar {BAR}: {'met' if ratio <= BAR else 'not met'})"


def torch_step(module: nn.Module, images: Tensor, labels: Tensor, rate: float, decay: float) -> Callable[[], None]:
    """The same step, as one writes it."""
    optimizer = torch.optim.SGD(module.parameters(), rate, momentum=0.9, weight_decay=decay)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(module(images), labels).backward()
        optimizer.step()

    return step


CASES: dict[str, tuple[Callable[[], nn.Module], int, int, int, float, float]] = {
    "caffenet": (Classifier, 16, 227, 1000, 1e-4, 0.0005),
    "quick": (Quick, 100, 32, 10, 0.001, 0.004),
}
"""The module, the batch, the images' size, the classes, the learning rate and the weight decay."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--nets", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--batch", type=int, help="in place of each net's own")
    parser.add_argument("--processor-time", action="store_true")
    args = parser.parse_args()
    waiting_without_spinning()
    clock = time.process_time if args.processor_time else time.perf_counter
    for name in args.nets:
        make, batch, size, classes, rate, decay = CASES[name]
        batch = batch if args.batch is None else args.batch
        draw, module = np.random.default_rng(0), make()
        images = torch.from_numpy(draw.normal(0, 50, (batch, 3, size, size)).astype(np.float32))
        labels = torch.from_numpy(draw.integers(0, classes, batch))
        with tempfile.TemporaryDirectory() as folder:
            given = module, images, labels, folder, rate, decay
            jobs = [solver_step(name, *given), torch_step(module, images, labels, rate, decay)]
            if (caffe := bvlc()) is not None:
                jobs.append(solver_step(name, *given, caffe))
            for count in args.threads:
                torch.set_num_threads(count)
                found = line(medians(tuple(jobs), args.repeats, clock))
                print(f"{name}, batch {batch}, {count} threads, training step: {found}", flush=True)


if __name__ == "__main__":
    main()

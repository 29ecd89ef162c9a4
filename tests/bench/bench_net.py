"""The eager `Net` against torch modules written by hand for the same two networks, and the memory that CaffeNet takes.

    python tests/bench/bench_net.py [--repeats 15] [--threads 1 2] [--batches 1 4]

Time: the two programs take turns, pass by pass, so that whatever else the machine does slows both; the ratio is that
of the medians, and should stay under 1.10.  The threads of both wait without spinning.  Backward is to the input
alone, or to all parameters as well, whose gradients accumulate in both programs.

Memory: what a fresh process takes at most, while it loads the weights and while it runs three forward passes, beyond
what it took after its imports: by the kernel's own record of the peak, pages of files included, and without them.
Each is given as a ratio to the weights and the activations, every blob counted once, and should stay under 1.25.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dgnam.bench.by_hand import CaffeNet
from dgnam.caffe import TEST, Net, read_net
from dgnam.caffe.proto import pb

ROOT = Path(__file__).parents[2]


class Inception(nn.Module):
    """Four branches, joined along the channels."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int):
        super().__init__()
        self.one = nn.Conv2d(inputs, one, 1)
        self.reduce3, self.three = nn.Conv2d(inputs, reduce3, 1), nn.Conv2d(reduce3, three, 3, padding=1)
        self.reduce5, self.five = nn.Conv2d(inputs, reduce5, 1), nn.Conv2d(reduce5, five, 5, padding=2)
        self.pool = nn.Conv2d(inputs, pool, 1)

    def forward(self, x: Tensor) -> Tensor:
        branches = [
            F.relu_(self.one(x)),
            F.relu_(self.three(F.relu_(self.reduce3(x)))),
            F.relu_(self.five(F.relu_(self.reduce5(x)))),
            F.relu_(self.pool(F.max_pool2d(x, 3, 1, 1))),
        ]
        return torch.cat(branches, 1)


class GoogLeNet(nn.Module):
    """GoogLeNet as one would write it in torch."""

    size = 224

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.LocalResponseNorm(5, 1e-4, 0.75, 1),
            nn.Conv2d(64, 64, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 192, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.LocalResponseNorm(5, 1e-4, 0.75, 1),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(192, 64, 96, 128, 16, 32, 32),
            Inception(256, 128, 128, 192, 32, 96, 64),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(480, 192, 96, 208, 16, 48, 64),
            Inception(512, 160, 112, 224, 24, 64, 64),
            Inception(512, 128, 128, 256, 24, 64, 64),
            Inception(512, 112, 144, 288, 32, 64, 64),
            Inception(528, 256, 160, 320, 32, 128, 128),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Inception(832, 256, 160, 320, 32, 128, 128),
            Inception(832, 384, 192, 384, 48, 128, 128),
            nn.AvgPool2d(7),
            nn.Flatten(),
            nn.Dropout(0.4),
            nn.Linear(1024, 1000),
            nn.Softmax(1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


PASSES = {"forward": False, "forward and backward to the input": False, "forward and backward": True}
"""What is timed, and whether with gradients of the parameters."""

BY_HAND: dict[str, Callable[[], nn.Module]] = {"caffenet": CaffeNet, "googlenet": GoogLeNet}


def pair(name: str, batch: int, param_gradients: bool) -> tuple[Net, nn.Module, np.ndarray]:
    """The net and the module with the same weights, and images for them; their scores agree."""
    definition = read_net(ROOT / "prototxt" / name / "deploy.prototxt")
    definition.layer[0].input_param.shape[0].dim[0] = batch
    net, module = Net(definition, TEST, param_gradients=param_gradients), BY_HAND[name]().eval()
    # Both list their parameters in the order of the network.
    for blob, parameter in zip(net.learnable_params, module.parameters(), strict=True):
        blob.data[...] = parameter.detach().numpy()
        parameter.requires_grad_(param_gradients)
    images = np.random.default_rng(0).normal(0, 50, net.blobs["data"].shape).astype(np.float32)
    ours = net.forward(data=images)["prob"]
    np.testing.assert_allclose(ours, module(torch.from_numpy(images)).detach().numpy(), rtol=1e-3)
    return net, module, images


def programs(net: Net, module: nn.Module, images: np.ndarray, backward: bool) -> tuple[Callable[[], None], ...]:
    """One pass by the net, and the same one by the module."""
    diff = np.zeros(net.blobs["prob"].shape, np.float32)
    diff[:, 643] = 1

    def ours() -> None:
        net.forward(data=images)
        if backward:
            net.backward(prob=diff)

    def by_hand() -> None:
        x = torch.from_numpy(images)
        if not backward:
            with torch.no_grad():
                module(x)
            return
        x = x.requires_grad_()
        module(x).backward(torch.from_numpy(diff))

    return ours, by_hand


def medians(
    jobs: tuple[Callable[[], None], ...], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Seconds of each job; they take turns, and each goes first as often as last."""
    times: list[list[float]] = [[] for _ in jobs]
    for job in jobs:
        job()
    for turn in range(repeats):
        for i in range(len(jobs))[:: 1 if turn % 2 else -1]:
            start = clock()
            jobs[i]()
            times[i].append(clock() - start)
    return [statistics.median(t) for t in times]


def compare_times(repeats: int, threads: list[int], batch: int) -> None:
    for name in BY_HAND:
        for what, param_gradients in PASSES.items():
            jobs = programs(*pair(name, batch, param_gradients), backward=what != "forward")
            for count in threads:
                torch.set_num_threads(count)
                ours, by_hand = medians(jobs, repeats)
                print(
                    f"{name}, batch {batch}, {count} threads, {what}: "
                    f"net {ours * 1e3:.1f} ms, by hand {by_hand * 1e3:.1f} ms, ratio {ours / by_hand:.3f}",
                    flush=True,
                )


def compare_memory(batch: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("caffemodel", "h5"):
            path = Path(folder) / f"caffenet.{suffix}"
            Net(caffenet(1), TEST).save(path)
            # A process of its own, since the peak of this one was reached long ago.
            command = [sys.executable, __file__, "--memory-of", str(path), "--batches", str(batch)]
            subprocess.run(command, check=True)


def caffenet(batch: int) -> pb.NetParameter:
    definition = read_net(ROOT / "prototxt/caffenet/deploy.prototxt")
    definition.layer[0].input_param.shape[0].dim[0] = batch
    return definition


def report_memory(weights: Path, batch: int) -> None:
    """Load the weights, run the net, and print what that took at most."""
    F.conv2d(torch.zeros(1, 3, 16, 16), torch.zeros(8, 3, 3, 3))  # what torch sets up for itself at the first call
    definition, before = caffenet(batch), memory()
    anonymous, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            anonymous[0] = max(anonymous[0], memory()["RssAnon"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    net = Net(definition, TEST, weights=weights, param_gradients=False)
    for _ in range(3):
        net.forward()
    done.set()
    watcher.join()
    held = 4 * sum(blob.count for blob in (*net.learnable_params, *net.blobs.values()))
    peak, own = memory()["VmHWM"] - before["VmRSS"], anonymous[0] - before["RssAnon"]
    print(
        f"caffenet, batch {batch}, from {weights.suffix[1:]}: weights and activations {held / 1e6:.0f} MB; "
        f"peak {peak / 1e6:.0f} MB, ratio {peak / held:.3f}; "
        f"without pages of files {own / 1e6:.0f} MB, ratio {own / held:.3f}"
    )


def memory() -> dict[str, int]:
    """Bytes that this process takes, by Linux's names."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0][:-1]: int(line[1]) * 1024 for line in lines if line[-1:] == ["kB"]}


def waiting_without_spinning() -> None:
    """Begin the process anew where its threads would spin while they wait for each other.

    Where there is other work on the machine that times the scheduler, not the programs.  OpenMP reads the variable when
    it is loaded.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    waiting_without_spinning()
    if args.memory_of is not None:
        report_memory(args.memory_of, *args.batches)
        return
    if Path("/proc/self/status").exists():
        for batch in (1, 10):
            compare_memory(batch)
    for batch in args.batches:
        compare_times(args.repeats, args.threads, batch)


if __name__ == "__main__":
    main()

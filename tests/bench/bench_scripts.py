"""A step of the published loop as an old script runs it, with gradients of all parameters, beside real Caffe's.

    python -m tests.bench.bench_scripts [--rounds 5] [--threads 2]

CaffeNet's fc8 and the generator for fc6 at batch 1, with random weights.  Where BVLC's Caffe can be imported both take
turns; otherwise the times are compared with those recorded of it, which say something on a like machine alone.  The
ratios should be at most 0.9.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import torch

from dgnam import zoo
from dgnam.am import L2Decay, Unit, random_code
from dgnam.am.published import loop
from dgnam.am.published.backend import backend_name, find_backend, open_net
from dgnam.caffe.proto import write_hdf5_weights
from dgnam.zoo.stand_ins import GENERATOR, stand_in
from tests.bench.bench_net import waiting_without_spinning

RECORDED = {"backward passes": 0.111, "whole step": 0.218}
"""Seconds of BVLC Caffe 1.0 with OpenBLAS, on two idle cores of an AMD EPYC with AVX-512."""

BAR = 0.9
TARGET, LAYER = "caffenet", "fc8"


class Timed:
    """A net with its passes' seconds."""

    def __init__(self, net: Any, clock: Callable[[], float]):
        self.net, self.clock = net, clock
        self.seconds = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.net, name)

    def forward(self, *given: Any, **named: Any) -> Any:
        return self._timed("forward passes", self.net.forward, given, named)

    def backward(self, *given: Any, **named: Any) -> Any:
        return self._timed("backward passes", self.net.backward, given, named)

    def _timed(self, what: str, work: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        began = self.clock()
        found = work(*given, **named)
        self.seconds[what] += self.clock() - began
        return found


def open_nets(backend: ModuleType, folder: Path, clock: Callable[[], float] = time.perf_counter) -> list[Timed]:
    """The target and the generator; both backends compute the gradients of all parameters, as for an old script."""
    nets = []
    for name in (TARGET, GENERATOR):
        path = folder / f"{name}.h5"
        if not path.is_file():
            write_hdf5_weights(path, stand_in(name).weights())
        net = open_net(backend, zoo.get(name).prototxt, path)
        if backend_name(backend) == "dgnam":
            net.param_gradients = True
        nets.append(Timed(net, clock))
    return nets


def step_seconds(target: Timed, generator: Timed) -> dict[str, float]:
    """Seconds of one step, and of its passes."""
    for net in (target, generator):
        net.seconds.clear()
    began = target.clock()
    code = random_code(0, generator.blobs[generator.inputs[0]].data.shape)
    loop.advance(target, generator, Unit(LAYER, 0), code, 8.0, L2Decay(0.99), None)
    return {**(target.seconds + generator.seconds), "whole step": target.clock() - began}


def least(times: list[dict[str, float]]) -> dict[str, float]:
    return {what: min(one[what] for one in times) for what in times[0]}


def lines(ours: Mapping[str, float], theirs: Mapping[str, float], whose: str) -> list[str]:
    """A line for each time that both have, with the ratio and whether it meets the bar."""
    found = []
    for what, seconds in ours.items():
        text = f"{what}: {seconds:.3f} s"
        if what in theirs:
            ratio = seconds / theirs[what]
            met = "met" if ratio <= BAR else "not met"
            text += f", {whose} {theirs[what]:.3f} s, ratio {ratio:.2f} (bar {BAR}: {met})"
        found.append(text)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    waiting_without_spinning()
    torch.set_num_threads(args.threads)
    backends = {backend_name(one): one for one in (find_backend("dgnam"), find_backend("auto"))}
    times: dict[str, list[dict[str, float]]] = {name: [] for name in backends}
    with TemporaryDirectory() as folder:
        nets = {name: open_nets(one, Path(folder)) for name, one in backends.items()}
        for turn in range(args.rounds + 1):
            for name, pair in nets.items():
                found = step_seconds(*pair)
                times[name] += [found] if turn else []  # the first sets things up
    ours = least(times["dgnam"])
    measured = least(times["caffe"]) if "caffe" in times else None
    whose = "Caffe's recorded" if measured is None else "Caffe's"
    for line in lines(ours, RECORDED if measured is None else measured, whose):
        print(line, flush=True)


if __name__ == "__main__":
    main()

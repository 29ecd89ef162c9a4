"""A case: a small net with inputs, and what a module of pycaffe's face, real Caffe's or ours, makes of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

TRAIN, TEST = 0, 1

Draw = Callable[[np.random.RandomState], np.ndarray]


@dataclass(frozen=True)
class Input:
    """An input's shape and how its numbers are drawn."""

    shape: tuple[int, ...]
    draw: Draw

    def array(self, random: np.random.RandomState) -> np.ndarray:
        return np.asarray(self.draw(random), np.float32).reshape(self.shape)


def normal(*shape: int) -> Input:
    return Input(shape, lambda random: random.randn(*shape))


def halves(*shape: int) -> Input:
    """Normal, rounded to halves, so that many are equal or 0."""
    return Input(shape, lambda random: np.round(2 * np.asarray(random.randn(*shape))) / 2)


def wide(*shape: int) -> Input:
    return Input(shape, lambda random: 10 * np.asarray(random.randn(*shape)))


def positive(*shape: int) -> Input:
    return Input(shape, lambda random: 0.1 + np.asarray(random.rand(*shape)))


def share(*shape: int) -> Input:
    """Between 0 and 1."""
    return Input(shape, lambda random: random.rand(*shape))


def whole(end: int, *shape: int) -> Input:
    """Whole numbers below `end`."""
    return Input(shape, lambda random: random.randint(0, end, shape))


def given(values: list[float], *shape: int) -> Input:
    return Input(shape, lambda random: np.array(values))


@dataclass(frozen=True)
class Case:
    """A net of one layer `l` on inputs, or of any layers (`net`), and how often it is run.

    tops: how many; 0 for none.  in_place: the first top is the first bottom.
    force: whether gradients are forced to all bottoms.
    passes: forward and backward passes on the same inputs, the parameters' diffs never cleared.
    """

    type: str = ""
    options: str = ""
    inputs: Mapping[str, Input] = field(default_factory=dict)
    tops: int = 1
    in_place: bool = False
    phase: int = TEST
    force: bool = True
    passes: int = 1
    net: str = ""

    @property
    def prototxt(self) -> str:
        lines = ["force_backward: true"] if self.force else []
        for name, given_input in self.inputs.items():
            dims = " ".join(f"dim: {d}" for d in given_input.shape)
            lines.append(f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}')
        if self.type:
            bottoms = " ".join(f'bottom: "{name}"' for name in self.inputs)
            names = [f"y{i}" if i else "y" for i in range(self.tops)]
            if self.in_place:
                names[0] = next(iter(self.inputs))
            tops = " ".join(f'top: "{name}"' for name in names)
            lines.append(f'layer {{ name: "l" type: "{self.type}" {bottoms} {tops} {self.options} }}')
        return "\n".join([*lines, *(line.strip() for line in self.net.strip().splitlines())]) + "\n"


@dataclass
class Result:
    """What one side made of a case: arrays by blob, or by layer in a list."""

    outputs: list[str]
    inputs: dict[str, np.ndarray] = field(default_factory=dict)
    params: dict[str, list[np.ndarray]] = field(default_factory=dict)
    blobs: dict[str, np.ndarray] = field(default_factory=dict)
    params_after: dict[str, list[np.ndarray]] = field(default_factory=dict)
    top_diffs: dict[str, np.ndarray] = field(default_factory=dict)
    bottom_diffs: dict[str, np.ndarray] = field(default_factory=dict)
    param_diffs: dict[str, list[np.ndarray]] = field(default_factory=dict)


def compute(caffe: ModuleType, name: str, case: Case, file: Any) -> Result:
    """Run a case on `caffe`, real Caffe's module or ours; file: where the prototxt is put."""
    file.write_text(case.prototxt)
    net = caffe.Net(str(file), case.phase)
    random = np.random.RandomState(zlib.crc32(name.encode()))
    result = Result(list(net.outputs))
    for layer, blobs in net.params.items():
        result.params[layer] = [_param(random, case, blob.data.shape) for blob in blobs]
        for blob, values in zip(blobs, result.params[layer], strict=True):
            blob.data[...] = values
    result.inputs = {blob: source.array(random) for blob, source in case.inputs.items()}
    weights = dict(net.blob_loss_weights)
    for _ in range(case.passes):
        for blob, values in result.inputs.items():
            net.blobs[blob].reshape(*values.shape)
            net.blobs[blob].data[...] = values
        net.forward()
        result.blobs = {blob: np.array(net.blobs[blob].data) for blob in net.blobs}
        if not result.top_diffs:
            free = [blob for blob in net.outputs if not weights[blob]]
            result.top_diffs = {blob: _normal(random, net.blobs[blob].data.shape) for blob in free}
        for blob, values in result.top_diffs.items():
            net.blobs[blob].diff[...] = values
        net.backward()
    result.bottom_diffs = {blob: np.array(net.blobs[blob].diff) for blob in net.blobs}
    result.params_after = {layer: [np.array(b.data) for b in blobs] for layer, blobs in net.params.items()}
    result.param_diffs = {layer: [np.array(b.diff) for b in blobs] for layer, blobs in net.params.items()}
    return result


def _normal(random: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(random.randn(*shape), np.float32)


def _param(random: np.random.RandomState, case: Case, shape: tuple[int, ...]) -> np.ndarray:
    """Weights; BatchNorm's variances and their divisor must be positive."""
    values = np.float32(0.7) * _normal(random, shape)
    return np.abs(values) + np.float32(0.3) if case.type == "BatchNorm" else values

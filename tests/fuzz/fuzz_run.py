"""The record of a run, from which `dgnam resume` makes its plan again."""

from __future__ import annotations

import contextlib
import json
from importlib import import_module
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

from dgnam.api.recorded import arguments
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights
from dgnam.errors import DgnamError, naming
from dgnam.runs import Record

FILE = "hostile/run.json"

INPUTS = {"target": {"name": "tiny", "sha256": "0" * 64}, "batches": [[0, 2], [2, 3]], "device": "cpu"}

INPUT = 'layer { name: "%s" type: "Input" top: "%s" input_param { shape { dim: 1 %s } } }'
TARGET = """layer { name: "fc8" type: "InnerProduct" bottom: "data" top: "fc8"
  inner_product_param { num_output: 5 weight_filler { type: "msra" } } }"""
GENERATOR = """layer { name: "defc5" type: "InnerProduct" bottom: "feat" top: "defc5"
  inner_product_param { num_output: 48 weight_filler { type: "msra" } } }
layer { name: "deconv0" type: "Reshape" bottom: "defc5" top: "deconv0"
  reshape_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }"""
NETS = {
    "target": INPUT % ("data", "data", "dim: 3 dim: 4 dim: 4") + TARGET,
    "generator": INPUT % ("feat", "feat", "dim: 6") + GENERATOR,
}
USUAL = {"target": "caffenet-mini", "objective": "fc8:3", "prior": "deepsim-fc6-mini", "seeds": 2}
MANY = {
    "target": "net.prototxt",
    "objective": "0.5*fc8:1 - fc8:4",
    "mean": "104,117,123",
    "scale": 0.5,
    "channels": "RGB",
    "settings": "paper",
    "clip": "unit",
    "n_iters": [50, 100],
    "start_lr": [2.0, 4.0],
    "end_lr": 0.1,
    "norm_penalty": [0.005],
    "start": "zero",
    "seed": 7,
    "batch_size": 3,
    "movies": ["gif"],
    "every": 2,
    "fps": 5.0,
    "published_images": True,
    "labels": None,
}


class _PlannedError(Exception):
    """The plan is made, and nothing of it was done."""


def seeds() -> list[bytes]:
    records = [Record("visualize", spec, INPUTS, {"threads": 1}) for spec in (USUAL, MANY)]
    return [json.dumps(record.to_json(), sort_keys=True).encode() for record in records]


def read(path: Path) -> None:
    folder = path.parent
    record = Record.read(folder)
    # What it names is a user's own; here it is nets that take no time.
    own = {name: str(folder.parent / name) for name in NETS}
    if not Path(f"{own['target']}.prototxt").exists():
        for name, text in NETS.items():
            Path(f"{own[name]}.prototxt").write_text(text)
            write_hdf5_weights(f"{own[name]}.h5", CaffeModule(parse_net(text), seed=1).weights())
    nets = {
        "target": f"{own['target']}.prototxt",
        "weights": f"{own['target']}.h5",
        "prior": f"{own['generator']}.prototxt",
        "prior_weights": f"{own['generator']}.h5",
    }

    def begin(now: Record, **how: object) -> NoReturn:
        with contextlib.suppress(DgnamError):  # it is another run than that of these nets
            record.check_same(now, folder)
        raise _PlannedError

    visualize = import_module("dgnam.api.visualize")
    with naming(path), patch.object(visualize, "begin", begin), contextlib.suppress(_PlannedError):
        spec = {**arguments(record, visualize.visualize, folder, {}), **nets}
        visualize.visualize(**spec, folder=folder, resume=True, progress=False)

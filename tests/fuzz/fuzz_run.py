"""The record of a run, from which `dgnam synthesize --resume` makes its plan again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from dgnam.api import Request
from dgnam.api.folder import FORMAT, Folder
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights
from dgnam.errors import naming

FILE = "hostile/run.json"

RECORD = {"target": {"name": "tiny", "sha256": "0" * 64}, "partition": [[0, 1], [2]], "threads": 1, "device": "cpu"}

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


def seeds() -> list[bytes]:
    usual = Request("caffenet-mini", "fc8:3", prior="deepsim-fc6-mini", seeds=2)
    many = Request(
        *("net.prototxt", "0.5*fc8:1 - fc8:4"),
        mean="104,117,123",
        scale=0.5,
        channels="RGB",
        settings="paper",
        clip="unit",
        iters=(50, 100),
        lr=(2.0, 4.0),
        end_lr=0.1,
        norm_penalty=(0.005,),
        start="zero",
        seed=7,
        batch_size=3,
        movies=("gif",),
        every=2,
        fps=5.0,
        published=True,
    )
    contents = [{"format": FORMAT, "record": RECORD, "request": request.as_dict()} for request in (usual, many)]
    return [json.dumps(content, sort_keys=True).encode() for content in contents]


def read(path: Path) -> None:
    folder = Folder.open(path.parent)
    request = Request.from_dict(folder.request, path)
    # What it names is a user's own; here it is nets that take no time.
    own = {name: str(path.parent.parent / name) for name in NETS}
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
    with naming(path):  # what can't be done is an error of the options
        folder.check_same(RECORD)
        dataclasses.replace(request, **nets).plan()

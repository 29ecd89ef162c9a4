"""`dgnam caffe upgrade-…`: old files in, files of the present form out."""

from __future__ import annotations

import numpy as np

from dgnam.caffe.proto import parse_net, pb, read_caffemodel, read_net, read_net_from_caffemodel, read_solver
from tests.caffe.tools.commands import run

OLD = """
name: "old" input: "data" input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1
layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" blobs_lr: 3 inner_product_param { num_output: 2 } }
"""


def test_a_net_and_a_solver_as_text(tmp_path):
    (tmp_path / "old.prototxt").write_text(OLD)
    run("upgrade_net_proto_text", f"{tmp_path}/old.prototxt", f"{tmp_path}/new.prototxt")
    assert "layers" not in (tmp_path / "new.prototxt").read_text()
    assert read_net(tmp_path / "new.prototxt") == parse_net(OLD)
    (tmp_path / "old.solver").write_text("solver_type: ADAM base_lr: 0.5")
    run("upgrade-solver-proto-text", f"{tmp_path}/old.solver", f"{tmp_path}/new.solver")
    assert (tmp_path / "new.solver").read_text() == 'base_lr: 0.5\ntype: "Adam"\n'
    assert read_solver(tmp_path / "new.solver").type == "Adam"


def test_a_model(tmp_path):
    old = pb.NetParameter(name="old")
    layer = old.layers.add(name="ip", type="INNER_PRODUCT", bottom=["data"], top=["ip"])
    layer.blobs.add(num=1, channels=1, height=2, width=2, data=range(4))
    layer.blobs.add(num=1, channels=1, height=1, width=2, data=[4, 5], diff=[6, 7])
    (tmp_path / "old").write_bytes(old.SerializeToString())
    run("upgrade_net_proto_binary", f"{tmp_path}/old", f"{tmp_path}/new")
    assert np.array_equal(read_caffemodel(tmp_path / "new")["ip"][0].reshape(-1), [0, 1, 2, 3])
    assert [diff.tolist() for diff in read_caffemodel(tmp_path / "new", diffs=True)["ip"]] == [[], [[[[6, 7]]]]]
    assert [found.type for found in read_net_from_caffemodel(tmp_path / "new").layer] == ["InnerProduct"]

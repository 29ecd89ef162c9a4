"""What `import caffe` gave: every name is there, and what the compiled module had is in `_caffe`."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import dgnam.caffe as caffe
from dgnam.caffe import _caffe, pycaffe

SOLVERS = ("SGDSolver", "NesterovSolver", "AdaGradSolver", "RMSPropSolver", "AdaDeltaSolver", "AdamSolver")
FUNCTIONS = (
    *("init_log", "log", "set_mode_cpu", "set_mode_gpu", "set_device", "get_solver", "layer_type_list"),
    *("set_random_seed", "solver_count", "set_solver_count", "solver_rank", "set_solver_rank", "set_multiprocess"),
    *("has_nccl", "__version__"),
)
WRAPPED = ("Net", *SOLVERS, "NCCL", "Timer")
VECTORS = ("BlobVec", "RawBlobVec", "LayerVec", "NetVec", "IntVec", "BoolVec", "DtypeVec", "StringVec")
COMPILED = (*WRAPPED, *FUNCTIONS, *VECTORS, "Blob", "Layer", "Solver", "LayerParameter", "SolverParameter")
METHODS = {
    "Net": "_forward _backward reshape clear_param_diffs copy_from share_with _blob_loss_weights _bottom_ids _top_ids "
    "_blob_names _layer_names _inputs _outputs _set_input_arrays save save_hdf5 load_hdf5 before_forward after_forward "
    "before_backward after_backward blobs blob_loss_weights layer_dict params forward backward forward_all "
    "forward_backward_all set_input_arrays _batch inputs outputs top_names bottom_names",
    "Blob": "shape num channels height width count reshape data diff",
    "Layer": "setup reshape type",
    "Solver": "iter add_callback solve step restore snapshot share_weights apply_update lr",
    "SolverParameter": "max_iter display layer_wise_reduce base_lr",
    "BlobVec": "add_blob append extend",
    "NCCL": "new_uid bcast",
    "Timer": "start stop ms",
}
"""What the classes of the compiled module have, as `_caffe.cpp` and `pycaffe.py` define it."""
NAMES = (
    *(*WRAPPED, *FUNCTIONS, "Layer", "TRAIN", "TEST", "Classifier", "Detector"),
    *("io", "layers", "params", "NetSpec", "to_proto"),
)
FUNCTIONS_OF_NET = tuple(
    f"_Net_{name}"
    for name in (
        *("blobs", "blob_loss_weights", "layer_dict", "params", "inputs", "outputs", "forward", "backward"),
        *("forward_all", "forward_backward_all", "set_input_arrays", "batch"),
    )
)
MODULES = ("_caffe", "pycaffe", "classifier", "detector", "io", "net_spec", "proto")


@pytest.mark.parametrize(
    ("module", "names"),
    [(caffe, NAMES + MODULES), (_caffe, COMPILED), (pycaffe, WRAPPED + FUNCTIONS_OF_NET)],
    ids=["caffe", "_caffe", "pycaffe"],
)
def test_pycaffes_names(module, names):
    assert [name for name in names if not hasattr(module, name)] == []


def test_a_star_import_gives_them_all():
    assert set(NAMES) <= set(caffe.__all__)


def test_they_are_the_same_things_in_all_modules():
    assert pycaffe.Net is _caffe.Net is caffe.Net
    assert [name for name in COMPILED if getattr(caffe, name) is not getattr(_caffe, name)] == []


@pytest.mark.parametrize("name", METHODS)
def test_the_classes_have_pycaffes_methods(name):
    owner = getattr(_caffe, name)
    owner = owner() if name == "SolverParameter" else owner  # the fields of a message are not its class's
    assert [method for method in METHODS[name].split() if not hasattr(owner, method)] == []


NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "x" top: "loss" }
"""


def test_lists_are_of_pycaffes_types(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 0.5 lr_policy: "fixed" max_iter: 3 test_iter: 1 test_interval: 9'
    )
    solver = caffe.get_solver(str(tmp_path / "solver.prototxt"))
    net = solver.net
    for found, kind, values in (
        (net.params["ip"], _caffe.BlobVec, net.params["ip"]),
        (net.layers[2].blobs, _caffe.BlobVec, net.params["ip"]),
        (net._blobs, _caffe.BlobVec, net.blobs.values()),
        (net.layers, _caffe.LayerVec, net.layer_dict.values()),
        (net._blob_names, _caffe.StringVec, ["x", "x_x_0_split_0", "x_x_0_split_1", "ip", "loss"]),
        (net._layer_names, _caffe.StringVec, ["x", "x_x_0_split", "ip", "loss"]),
        (net.blobs["ip"].shape, _caffe.IntVec, [1, 2]),
        (caffe.layer_type_list(), _caffe.StringVec, caffe.layer_type_list()),
        (net._inputs, _caffe.IntVec, [0]),
        (net._outputs, _caffe.IntVec, [4]),
        (net._top_ids(2), _caffe.IntVec, [3]),
        (net._bottom_ids(3), _caffe.IntVec, [3, 2]),
        (net._blob_loss_weights, _caffe.DtypeVec, [0, 0, 0, 0, 1]),
        (solver.test_nets, _caffe.NetVec, solver.test_nets),
    ):
        assert type(found) is kind
        assert list(found) == list(values)
        assert type(found[:1]) is kind
    assert type(solver.param) is _caffe.SolverParameter
    assert (solver.param.max_iter, solver.param.base_lr) == (3, 0.5)
    assert all(isinstance(layer, caffe.Layer) for layer in net.layers)
    assert [name for name in net.params if type(net.params[name]) is caffe._caffe.BlobVec] == ["ip"]


def test_an_empty_vector_of_each_type():
    for name in VECTORS:
        assert list(getattr(_caffe, name)()) == []
    blobs = _caffe.BlobVec()
    blobs.add_blob(2, 3)
    assert [blob.shape for blob in blobs] == [(2, 3)]


class Probe(caffe.Layer):
    """Notes the types that its methods are called with."""

    seen: ClassVar[list[type]] = []

    def setup(self, bottom, top):
        self.seen[:] = [type(bottom), type(top), type(self.blobs)]

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        pass

    def backward(self, top, propagate_down, bottom):
        self.seen.append(type(propagate_down))


def test_python_layers_get_pycaffes_types(monkeypatch):
    monkeypatch.setenv("DGNAM_ALLOW_PYTHON_LAYERS", "1")
    text = f"""force_backward: true {NET[: NET.index('layer { name: "ip"')]}
    layer {{ name: "p" type: "Python" bottom: "x" top: "y" python_param {{ module: "{__name__}" layer: "Probe" }} }}"""
    net = caffe.Net(caffe.proto.parse_net(text), caffe.TEST)
    net.forward()
    net.backward()
    assert Probe.seen == [_caffe.RawBlobVec, _caffe.RawBlobVec, _caffe.BlobVec, _caffe.BoolVec]
    assert isinstance(net.layers[1], Probe)


def test_nccl_is_taken_for_a_callback_and_does_nothing(tmp_path):
    (tmp_path / "solver.prototxt").write_text(f'base_lr: 0.1 lr_policy: "fixed" net_param {{ {NET} }}')
    solver = caffe.SGDSolver(str(tmp_path / "solver.prototxt"))
    nccl = caffe.NCCL(solver, "uid")
    solver.add_callback(nccl)
    solver.net.after_backward(nccl)
    solver.step(1)
    with pytest.raises(TypeError, match="add_callback takes two functions"):
        solver.add_callback(print)


def test_the_version_is_the_one_whose_interface_it_is():
    assert caffe.__version__ == "1.0.0"


def test_the_phases_are_the_messages():
    assert (caffe.TRAIN, caffe.TEST) == (caffe.proto.caffe_pb2.TRAIN, caffe.proto.caffe_pb2.TEST) == (0, 1)


def test_the_layer_types_are_known_and_sorted():
    known = list(caffe.layer_type_list())
    assert {"Convolution", "InnerProduct", "SoftmaxWithLoss", "Input"} <= set(known)
    assert known == sorted(known)


def test_a_net_of_what_is_exported(tmp_path):
    n = caffe.NetSpec()
    n.data = caffe.layers.Input(shape={"dim": [1, 2]})
    n.out = caffe.layers.Power(n.data, scale=2)
    (tmp_path / "net.prototxt").write_text(str(n.to_proto()))
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    np.testing.assert_array_equal(net.forward(data=np.array([[1, 2]]))["out"], [[2, 4]])


def test_top_level_has_only_names_of_caffe():
    folder = Path(caffe.__file__).parent
    of_pycaffe = {"__init__", "__main__", "_caffe", "pycaffe", "classifier", "coord_map", "detector", "draw"}
    of_pycaffe |= {"io", "net_spec", "timer"}
    of_caffe = {"blob", "data_transformer", "filler", "glog", "layer", "mode", "net", "parallel", "solver", "syncedmem"}
    assert {path.stem for path in folder.glob("*.py")} == of_pycaffe | of_caffe

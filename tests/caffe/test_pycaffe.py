"""What `import caffe` gave: every name is there, and what the compiled module had is in `_caffe`."""

from pathlib import Path

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
COMPILED = (*WRAPPED, *FUNCTIONS, "Blob", "Layer", "Solver")
NAMES = (
    *(*WRAPPED, *FUNCTIONS, "Layer", "TRAIN", "TEST", "Classifier", "Detector"),
    *("io", "layers", "params", "NetSpec", "to_proto"),
)
MODULES = ("_caffe", "pycaffe", "classifier", "detector", "io", "net_spec", "proto")


@pytest.mark.parametrize(
    ("module", "names"),
    [(caffe, NAMES + MODULES), (_caffe, COMPILED), (pycaffe, WRAPPED)],
    ids=["caffe", "_caffe", "pycaffe"],
)
def test_pycaffes_names(module, names):
    assert [name for name in names if not hasattr(module, name)] == []


def test_a_star_import_gives_them_all():
    assert set(NAMES) <= set(caffe.__all__)


def test_they_are_the_same_things_in_all_modules():
    assert pycaffe.Net is _caffe.Net is caffe.Net
    assert [name for name in COMPILED if getattr(caffe, name) is not getattr(_caffe, name)] == []


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
    of_caffe = {"blob", "data_transformer", "filler", "glog", "layer", "mode", "net", "parallel", "solver"}
    assert {path.stem for path in folder.glob("*.py")} == of_pycaffe | of_caffe

"""Caffe's Python interface, on PyTorch.

What `import caffe` gave, under the same names, and `import caffe` itself for scripts that nobody may edit: `install()`,
or `python -m dgnam.caffe script.py`.  Beside it `CaffeModule`, a net as a torch module by Caffe's rules; `to_torch` and
`to_onnx`, the ways out of Caffe; and `read_net` and its kin for the files themselves, in `dgnam.caffe.proto`.
"""

from . import _caffe, io, pycaffe  # the modules by which some scripts call what is below
from ._caffe import __version__
from .alias import install, uninstall
from .blob import Blob
from .classifier import Classifier
from .detector import Detector
from .errors import CaffeError, CaffeFormatError
from .glog import init_log, log
from .layer import layer_type_list
from .layer_types.python import PythonLayer as Layer
from .mode import allow_python_layers, set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from .module import CaffeModule
from .net import Net
from .net_spec import NetSpec, layers, params, to_proto
from .parallel import (
    NCCL,
    has_nccl,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from .proto import read_net, read_weights
from .proto.caffe_pb2 import TEST, TRAIN
from .solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    Solver,
    get_solver,
)
from .timer import Timer
from .to_onnx import to_onnx
from .to_torch import to_torch

__all__ = [
    "NCCL",
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "CaffeError",
    "CaffeFormatError",
    "CaffeModule",
    "Classifier",
    "Detector",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
    "Timer",
    "__version__",
    "_caffe",
    "allow_python_layers",
    "get_solver",
    "has_nccl",
    "init_log",
    "install",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "params",
    "pycaffe",
    "read_net",
    "read_weights",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_onnx",
    "to_proto",
    "to_torch",
    "uninstall",
]

"""The names of pycaffe's compiled module `caffe._caffe`."""

from .blob import Blob, BlobVec, RawBlobVec
from .glog import init_log, log
from .layer import layer_type_list
from .layer_types.python import PythonLayer as Layer
from .mode import set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from .net import Net
from .parallel import NCCL, has_nccl, set_multiprocess, set_solver_count, set_solver_rank, solver_count, solver_rank
from .proto.caffe_pb2 import LayerParameter, SolverParameter
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
from .wiring.bound_layer import NetLayer
from .wiring.vectors import BoolVec, DtypeVec, IntVec, LayerVec, NetVec, StringVec

__version__ = "1.0.0"
"""The version of BVLC Caffe with this interface."""

__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "BlobVec",
    "BoolVec",
    "DtypeVec",
    "IntVec",
    "Layer",
    "LayerParameter",
    "LayerVec",
    "NesterovSolver",
    "Net",
    "NetVec",
    "RMSPropSolver",
    "RawBlobVec",
    "SGDSolver",
    "Solver",
    "SolverParameter",
    "StringVec",
    "Timer",
    "__version__",
    "get_solver",
    "has_nccl",
    "init_log",
    "layer_type_list",
    "log",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
]

Layer.register(NetLayer)  # as in pycaffe, each layer of a net is a `Layer`

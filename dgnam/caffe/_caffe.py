"""The names of pycaffe's compiled module `caffe._caffe`."""

from .blob import Blob
from .glog import init_log, log
from .layer import layer_type_list
from .layer_types.python import PythonLayer as Layer
from .mode import set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from .net import Net
from .parallel import NCCL, has_nccl, set_multiprocess, set_solver_count, set_solver_rank, solver_count, solver_rank
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

__version__ = "1.0.0"
"""The version of BVLC Caffe with this interface."""

__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "Layer",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
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

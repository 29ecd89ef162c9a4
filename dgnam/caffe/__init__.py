"""Caffe's Python interface, on PyTorch.

What `import caffe` gave: `Net` with numpy views of its blobs, the mode functions, the phases.  Beside it
`CaffeModule`, a net as a torch module, and `read_net` and its kin for the files themselves, in `dgnam.caffe.proto`.
"""

from .blob import Blob
from .errors import CaffeError, CaffeFormatError
from .layer import layer_type_list
from .mode import set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from .module import CaffeModule
from .net import Net
from .proto import pb, read_net, read_weights
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

TRAIN, TEST = pb.TRAIN, pb.TEST

__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "CaffeError",
    "CaffeFormatError",
    "CaffeModule",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
    "get_solver",
    "layer_type_list",
    "read_net",
    "read_weights",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
]

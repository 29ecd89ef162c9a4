"""Caffe's Python interface, on PyTorch.

What `import caffe` gave: `Net` with numpy views of its blobs, the mode functions, the phases.  Beside it
`CaffeModule`, a net as a torch module, and `read_net` and its kin for the files themselves, in `dgnam.caffe.proto`.
"""

from .blob import Blob
from .errors import CaffeError, CaffeFormatError
from .layer import layer_type_list
from .layer_types.python import PythonLayer as Layer
from .mode import allow_python_layers, set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from .module import CaffeModule
from .net import Net
from .proto import pb, read_net, read_weights

TRAIN, TEST = pb.TRAIN, pb.TEST

__all__ = [
    "TEST",
    "TRAIN",
    "Blob",
    "CaffeError",
    "CaffeFormatError",
    "CaffeModule",
    "Layer",
    "Net",
    "allow_python_layers",
    "layer_type_list",
    "read_net",
    "read_weights",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
]

"""Caffe's Python interface, on PyTorch.

What `import caffe` gave: `Net` with numpy views of its blobs, the mode functions, the phases.  Beside it
`CaffeModule`, a net as a torch module by Caffe's rules; `to_torch` and `to_onnx`, the ways out of Caffe; and
`read_net` and its kin for the files themselves, in `dgnam.caffe.proto`.
"""

from .blob import Blob
from .errors import CaffeError, CaffeFormatError
from .layer import layer_type_list
from .mode import set_device, set_mode_cpu, set_mode_gpu, set_random_seed
from .module import CaffeModule
from .net import Net
from .proto import pb, read_net, read_weights
from .to_onnx import to_onnx
from .to_torch import to_torch

TRAIN, TEST = pb.TRAIN, pb.TEST

__all__ = [
    "TEST",
    "TRAIN",
    "Blob",
    "CaffeError",
    "CaffeFormatError",
    "CaffeModule",
    "Net",
    "layer_type_list",
    "read_net",
    "read_weights",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
    "to_onnx",
    "to_torch",
]

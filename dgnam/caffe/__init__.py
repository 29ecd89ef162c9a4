"""Caffe's Python interface, on PyTorch.

What `import caffe` gave, under the same names, and `import caffe` itself for scripts that nobody may edit: `install()`,
or `python -m dgnam.caffe script.py`.  Beside it `CaffeModule`, a net as a torch module by Caffe's rules; `to_torch` and
`to_onnx`, the ways out of Caffe; and `read_net` and its kin for the files themselves, in `dgnam.caffe.proto`.
"""

from ..errors import CaffeError, CaffeFormatError
from . import _caffe, io, pycaffe  # the modules by which some scripts call what is below
from ._caffe import *  # noqa: F403  (all that the compiled module gave)
from .classifier import Classifier
from .detector import Detector
from .launch.alias import install, uninstall
from .mode import allow_python_layers
from .modules.caffe_module import CaffeModule
from .modules.to_onnx import to_onnx
from .modules.to_torch import to_torch
from .net_spec import NetSpec, layers, params, to_proto
from .proto import read_net, read_weights
from .proto.caffe_pb2 import TEST, TRAIN

__all__ = [
    "TEST",
    "TRAIN",
    "CaffeError",
    "CaffeFormatError",
    "CaffeModule",
    "Classifier",
    "Detector",
    "NetSpec",
    "_caffe",
    "allow_python_layers",
    "install",
    "io",
    "layers",
    "params",
    "pycaffe",
    "read_net",
    "read_weights",
    "to_onnx",
    "to_proto",
    "to_torch",
    "uninstall",
]
__all__ += _caffe.__all__

"""pycaffe's interface on PyTorch.

All names of pycaffe 1.0, plus `import caffe` itself for unmodified scripts: `install()`, or
`python -m dgnam.caffe script.py`.  `CaffeModule` runs a net as a torch module by Caffe's rules, `to_torch` and
`to_onnx` export nets, and the readers in `dgnam.caffe.proto`, such as `read_net`, open Caffe's files.
"""

from ..errors import CaffeError, CaffeFormatError
from . import _caffe, io, pycaffe  # scripts reach the names below through these modules too
from ._caffe import *  # noqa: F403  (all names of pycaffe's compiled module)
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

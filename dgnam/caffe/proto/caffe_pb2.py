"""Caffe's protobuf messages under pycaffe's name: `from caffe.proto import caffe_pb2`.

These are the classes and enum values of `dgnam_caffe_pb2`: `TRAIN`, `PoolingParameter.MAX`,
`V1LayerParameter.CONVOLUTION`.  Only the package name in `DESCRIPTOR` differs from Caffe's.
"""

from typing import Any

from . import dgnam_caffe_pb2 as pb
from .dgnam_caffe_pb2 import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """Private names omitted by the star import: descriptors such as `_V1LAYERPARAMETER_LAYERTYPE`."""
    try:
        return getattr(pb, name)
    except AttributeError:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'", name=name) from None

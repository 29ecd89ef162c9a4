"""The messages under the name that scripts import: `from caffe.proto import caffe_pb2`.

These are the classes of `dgnam_caffe_pb2`, with the enum values beside them as protobuf lays them out: `TRAIN`,
`PoolingParameter.MAX`, `V1LayerParameter.CONVOLUTION`.  Only the package's name in `DESCRIPTOR` is our own.
"""

from typing import Any

from . import dgnam_caffe_pb2 as pb
from .dgnam_caffe_pb2 import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """What a star import leaves behind: the descriptors, such as `_V1LAYERPARAMETER_LAYERTYPE`."""
    try:
        return getattr(pb, name)
    except AttributeError:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'", name=name) from None

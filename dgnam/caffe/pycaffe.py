"""What pycaffe's module `caffe.pycaffe` gave, for scripts that import from it."""

from ._caffe import NCCL, Net, Timer

__all__ = ["NCCL", "Net", "Timer"]

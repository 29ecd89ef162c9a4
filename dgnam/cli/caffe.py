"""The commands under `dgnam caffe`: those of Caffe, with its options."""

from ..caffe.tools import app

__all__ = ["app"]

"""Caffe's files: protobuf messages, prototxt text, and weights in caffemodel, HDF5 and torch's format."""

from . import dgnam_caffe_pb2 as pb
from .caffemodel import read_blobproto, read_caffemodel, read_net_from_caffemodel, write_caffemodel
from .hdf5_weights import read_hdf5_weights, write_hdf5_weights
from .prototxt import parse_net, parse_solver, read_net, read_solver, to_text
from .state_dict import StateDict, read_state_dict
from .weights import read_diffs, read_weights

__all__ = [
    "StateDict",
    "parse_net",
    "parse_solver",
    "pb",
    "read_blobproto",
    "read_caffemodel",
    "read_diffs",
    "read_hdf5_weights",
    "read_net",
    "read_net_from_caffemodel",
    "read_solver",
    "read_state_dict",
    "read_weights",
    "to_text",
    "write_caffemodel",
    "write_hdf5_weights",
]

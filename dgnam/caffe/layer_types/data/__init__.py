"""The layers that bring data into a net, or write them out; importing this package registers them all."""

from . import dummy_data, hdf5_data, hdf5_output, memory_data

__all__ = ["dummy_data", "hdf5_data", "hdf5_output", "memory_data"]

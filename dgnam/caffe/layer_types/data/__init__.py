"""The data layers; importing this package registers them all."""

from . import data, dummy_data, hdf5_data, hdf5_output, image_data, memory_data, window_data

__all__ = ["data", "dummy_data", "hdf5_data", "hdf5_output", "image_data", "memory_data", "window_data"]

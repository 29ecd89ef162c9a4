"""The files that a net's data layers name: from the working directory, as in Caffe, or else beside the prototxt."""

from __future__ import annotations

from google.protobuf.message import Message

from ...files.paths import StrPath, looked_up
from ..proto import pb

_FILES = {
    "data_param": ("source",),
    "hdf5_data_param": ("source",),
    "image_data_param": ("source", "root_folder"),
    "infogain_loss_param": ("source",),
    "transform_param": ("mean_file",),
    "window_data_param": ("source", "root_folder"),
}
"""The fields that name a file or folder to read, by the layers' messages."""


def located(definition: pb.NetParameter, folder: StrPath) -> pb.NetParameter:
    """Return the definition with the paths of files that only `folder`, the prototxt's, has changed to be there."""
    net = pb.NetParameter()
    net.CopyFrom(definition)
    for layer in net.layer:
        for name, fields in _FILES.items():
            if layer.HasField(name):
                _locate(getattr(layer, name), fields, folder)
    return net


def _locate(options: Message, fields: tuple[str, ...], folder: StrPath) -> None:
    for field in fields:
        path = getattr(options, field)
        if path:
            setattr(options, field, looked_up(path, folder))

"""Replacing data layers by Input layers, for nets with data from the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...errors import CaffeError
from ..layer import Shape
from ..proto import pb


def data_to_inputs(definition: pb.NetParameter, shapes: Mapping[str, Sequence[int]]) -> pb.NetParameter:
    """Return the definition with an Input layer in place of each data layer.

    shapes: shapes of tops by name, including the batch.  They override the shapes derived from the data layer's options
        (batch and crop size, three channels unless gray, one label per item) and those of Input layers.  Any other
        layer without bottoms, such as Python, is replaced if shapes of all its tops are given.
    """
    made = {top for layer in definition.layer if not layer.bottom for top in layer.top}
    if unknown := sorted(set(shapes) - made):
        raise CaffeError(f"net '{definition.name}': input_shapes names {unknown}; its inputs are {sorted(made)}")
    net = pb.NetParameter()
    net.CopyFrom(definition)
    del net.layer[:]
    for layer in definition.layer:
        given = not layer.bottom and len(layer.top) > 0 and all(top in shapes for top in layer.top)
        new = net.layer.add()
        if layer.type in _SHAPES or given:
            new.MergeFrom(pb.LayerParameter(name=layer.name, type="Input", top=layer.top))
            new.input_param.shape.extend(pb.BlobShape(dim=shape) for shape in _top_shapes(layer, shapes))
        else:
            new.CopyFrom(layer)
    return net


def _top_shapes(layer: pb.LayerParameter, given: Mapping[str, Sequence[int]]) -> list[Sequence[int]]:
    if all(top in given for top in layer.top):
        return [given[top] for top in layer.top]
    known = _SHAPES[layer.type](layer)
    if known is None or len(known) < len(layer.top):
        raise CaffeError(
            f"layer '{layer.name}' ({layer.type}): its options don't determine the shapes of its tops "
            f"{list(layer.top)}; pass them, as in input_shapes={{'{layer.top[0]}': (1, 3, 227, 227)}}"
        )
    return [given.get(top, shape) for top, shape in zip(layer.top, known, strict=False)]


def _images(layer: pb.LayerParameter, batch: int, height: int, width: int, channels: int) -> list[Shape] | None:
    """Return the shapes of images, cropped if the options say so, and labels; None for an unknown size."""
    options = layer.transform_param
    if options.crop_size:
        height = width = options.crop_size
    if options.force_gray:
        channels = 1
    return [(batch, channels, height, width), (batch,)] if batch and channels and height and width else None


def _data(layer: pb.LayerParameter) -> list[Shape] | None:
    return _images(layer, layer.data_param.batch_size, 0, 0, 3)


def _image_data(layer: pb.LayerParameter) -> list[Shape] | None:
    options = layer.image_data_param
    return _images(layer, options.batch_size, options.new_height, options.new_width, 3 if options.is_color else 1)


def _window_data(layer: pb.LayerParameter) -> list[Shape] | None:
    return _images(layer, layer.window_data_param.batch_size, 0, 0, 3)


def _memory_data(layer: pb.LayerParameter) -> list[Shape] | None:
    options = layer.memory_data_param
    return _images(layer, options.batch_size, options.height, options.width, options.channels)


def _hdf5_data(layer: pb.LayerParameter) -> list[Shape] | None:
    return None


def _dummy_data(layer: pb.LayerParameter) -> list[Shape]:
    options = layer.dummy_data_param
    shapes = [tuple(shape.dim) for shape in options.shape] or list(
        zip(options.num, options.channels, options.height, options.width, strict=False)
    )
    return shapes * len(layer.top) if len(shapes) == 1 else shapes


_SHAPES: dict[str, Callable[[pb.LayerParameter], list[Shape] | None]] = {
    "Data": _data,
    "DummyData": _dummy_data,
    "HDF5Data": _hdf5_data,
    "ImageData": _image_data,
    "MemoryData": _memory_data,
    "WindowData": _window_data,
}

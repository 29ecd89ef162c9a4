"""Weights and definitions from caffemodel files, in Caffe's three generations, and mean images.

A caffemodel is a NetParameter whose layers carry their blobs: `layer` (V2), `layers` (V1), or `layers { layer … }`
(V0).  The numbers are read straight from the file into arrays, so that reading costs about a copy of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError, Message

from ...errors import CaffeError, closest, shortened
from ...files.paths import HDF5_MAGIC, StrPath, file_head, foreign_format, looks_like_text, replacing
from .. import upgrade  # the module, since it imports this package in turn
from . import dgnam_caffe_pb2 as pb
from .wire import BYTES, FIXED32, FIXED64, VARINT, Field, WireFile, encode_header, encode_varint, signed

_MAX_AXES = 32
_MAX_DIM = 2**31 - 1
_MAX_BYTES = 2**31 - 1
"""What real Caffe reads at most."""
_MAX_DEFINITION = 16 << 20
"""Far more than any published net's takes; in memory it takes many times as much."""

_FLOAT, _DOUBLE = np.dtype("<f4"), np.dtype("<f8")


class _Form(NamedTuple):
    """The field numbers of one generation's layer message; `inner` is that of the older layer within it."""

    name: int
    blobs: int
    inner: int | None = None


_V0 = _Form(pb.V0LayerParameter.NAME_FIELD_NUMBER, pb.V0LayerParameter.BLOBS_FIELD_NUMBER)
_V1 = _Form(
    pb.V1LayerParameter.NAME_FIELD_NUMBER,
    pb.V1LayerParameter.BLOBS_FIELD_NUMBER,
    pb.V1LayerParameter.LAYER_FIELD_NUMBER,
)
_V2 = _Form(pb.LayerParameter.NAME_FIELD_NUMBER, pb.LayerParameter.BLOBS_FIELD_NUMBER)
_FORMS = {pb.NetParameter.LAYERS_FIELD_NUMBER: _V1, pb.NetParameter.LAYER_FIELD_NUMBER: _V2}

_LEGACY_AXES = (
    pb.BlobProto.NUM_FIELD_NUMBER,
    pb.BlobProto.CHANNELS_FIELD_NUMBER,
    pb.BlobProto.HEIGHT_FIELD_NUMBER,
    pb.BlobProto.WIDTH_FIELD_NUMBER,
)
_DATA = pb.BlobProto.DATA_FIELD_NUMBER
_DIFF = pb.BlobProto.DIFF_FIELD_NUMBER
_DOUBLE_DATA = pb.BlobProto.DOUBLE_DATA_FIELD_NUMBER
_SHAPE = pb.BlobProto.SHAPE_FIELD_NUMBER
_DIM = pb.BlobShape.DIM_FIELD_NUMBER
_NUMBERS = {(_DATA, BYTES), (_DATA, FIXED32), (_DOUBLE_DATA, BYTES), (_DOUBLE_DATA, FIXED64)}


def read_caffemodel(path: StrPath) -> dict[str, list[np.ndarray]]:
    """The blobs of each layer that has any, as float32 arrays, in the order of the file.

    Shapes are as stored: in old files all of four axes (num, channels, height, width), which the net compares with
    its own.  Of two layers of one name the later counts, as in Caffe.  Fields that Caffe doesn't know are passed over.
    """
    wire = open_wire(path)
    weights: dict[str, list[np.ndarray]] = {}
    layers = 0
    for name, blobs in _layers(wire):
        layers += 1
        if blobs:
            where = f"layer '{shortened(name)}'"
            weights[name] = [read_blob(wire, blob, f"{where}, blob {i}") for i, blob in enumerate(blobs)]
    if not layers:
        raise wire.fail("holds no layers, so it is no caffemodel; mean images are read by read_blobproto")
    return weights


def read_net_from_caffemodel(path: StrPath) -> pb.NetParameter:
    """The net's definition that the file carries, upgraded to the present form, without the blobs."""
    wire = open_wire(path)
    kept = bytearray()
    for field in wire.fields():
        form = _FORMS.get(field.number)
        kept += wire.raw(field.begin, field.end) if form is None else _stripped(wire, field, form)
        if len(kept) > _MAX_DEFINITION:
            raise wire.fail(f"its definition takes over {_MAX_DEFINITION} bytes without the blobs")
    try:
        net = pb.NetParameter.FromString(bytes(kept))
    except (DecodeError, UnicodeDecodeError) as error:
        raise wire.fail(f"is no caffemodel: {error}") from None
    damaged = _damaged_text(net)
    if damaged is not None:
        raise wire.fail(f"a field '{damaged}' is not UTF-8")
    return upgrade.upgrade_net(net, str(path))


def read_blobproto(path: StrPath) -> np.ndarray:
    """The one blob of a file such as mean.binaryproto, as float32; mean images are (1, C, H, W)."""
    wire = open_wire(path)
    return read_blob(wire, Field(0, BYTES, 0, 0, wire.size, 0), "the blob")


def write_caffemodel(
    path: StrPath,
    net: pb.NetParameter,
    weights: Mapping[str, Sequence[np.ndarray]],
    diffs: Mapping[str, Sequence[np.ndarray]] | None = None,
) -> None:
    """Write a V2 caffemodel: the layers of `net`, each with its blobs from `weights`, as float32.

    net: in the present form; blobs that it holds itself are left out.
    weights: by layer name; a layer that is missing here is written without blobs.
    diffs: the gradients to write beside the weights, if any, as many and in the same shapes.
    """
    write_pieces(path, _net_pieces(path, net, weights, {} if diffs is None else diffs), "a caffemodel")


def write_pieces(path: StrPath, pieces: Sequence[bytes | memoryview], what: str) -> None:
    """Write a message that is given in pieces, whole or not at all; over 2 GB is an error, since Caffe reads no more.

    what: the kind of file, for the error.
    """
    size = total_bytes(pieces)
    if size > _MAX_BYTES:
        raise CaffeError(f"{path}: would be {size} bytes, and {what} holds at most 2 GB; write HDF5 instead")
    with replacing(path) as part, open(part, "wb") as file:
        for piece in pieces:
            file.write(piece)


def open_wire(path: StrPath) -> WireFile:
    """A file that should be a binary message; raises CaffeFormatError where its beginning is of something else."""
    wire = WireFile(path)
    head = file_head(path)
    foreign = foreign_format(head)
    if foreign is not None:
        hint = "; its name should end in .h5" if head.startswith(HDF5_MAGIC) else ""
        raise wire.fail(f"is {foreign}, not a binary Caffe file{hint}")
    if looks_like_text(head):
        raise wire.fail("is text, such as a prototxt, not a binary Caffe file")
    return wire


def _layers(wire: WireFile) -> Iterator[tuple[str, list[Field]]]:
    """Each layer's name and where its blobs lie."""
    for field in wire.fields():
        form = _FORMS.get(field.number)
        if form is not None and field.kind == BYTES:
            yield _layer(wire, field, form)


def _layer(wire: WireFile, field: Field, form: _Form) -> tuple[str, list[Field]]:
    name = inner_name = ""
    blobs = []
    for part in wire.fields(field.start, field.end):
        if part.kind != BYTES:
            continue
        if part.number == form.name:
            name = wire.text(part)
        elif part.number == form.blobs:
            blobs.append(part)
        elif part.number == form.inner:
            inner_name, inner_blobs = _layer(wire, part, _V0)
            blobs += inner_blobs
    return (inner_name if inner_name else name), blobs


def read_blob(wire: WireFile, blob: Field, where: str) -> np.ndarray:
    """One BlobProto as a float32 array; a shape that the data don't fill is an error before anything is allocated."""
    legacy: dict[int, int] = {}
    dims: list[int] = []
    chunks: dict[int, list[Field]] = {_DATA: [], _DOUBLE_DATA: []}
    for field in wire.fields(blob.start, blob.end):
        if field.number in _LEGACY_AXES and field.kind == VARINT:
            legacy[field.number] = signed(field.value)
        elif field.number == _SHAPE and field.kind == BYTES:
            dims += _read_dims(wire, field, where)
        elif (field.number, field.kind) in _NUMBERS:
            chunks[field.number].append(field)
    shape = [legacy.get(axis, 0) for axis in _LEGACY_AXES] if legacy else dims
    if len(shape) > _MAX_AXES or not all(0 <= dim <= _MAX_DIM for dim in shape):
        raise wire.fail(f"{where}: {tuple(shape[:_MAX_AXES])} is no shape of a blob", blob.start)
    # As in Caffe, the doubles count where there are both.
    dtype, found = (_DOUBLE, chunks[_DOUBLE_DATA]) if chunks[_DOUBLE_DATA] else (_FLOAT, chunks[_DATA])
    count = sum(wire.count(chunk, dtype.itemsize) for chunk in found)
    if count != math.prod(shape):
        raise wire.fail(
            f"{where}: shape {tuple(shape)} is of {math.prod(shape)} numbers, and the file holds {count}", blob.start
        )
    try:
        return _gather(wire, found, dtype, count).reshape(shape)
    except ValueError:
        # numpy refuses axes that are too long together even where another is 0.
        raise wire.fail(f"{where}: {tuple(shape)} is no shape of a blob", blob.start) from None


def _read_dims(wire: WireFile, shape: Field, where: str) -> list[int]:
    dims: list[int] = []
    for field in wire.fields(shape.start, shape.end):
        if field.number != _DIM or field.kind not in (VARINT, BYTES):
            continue
        for value in wire.varints(field):
            dims.append(signed(value))
            if len(dims) > _MAX_AXES:
                raise wire.fail(f"{where}: its shape has over {_MAX_AXES} axes", shape.start)
    return dims


def _gather(wire: WireFile, chunks: Sequence[Field], dtype: np.dtype, count: int) -> np.ndarray:
    """The numbers of all chunks, one after the other, as float32."""
    if len(chunks) == 1 and chunks[0].kind == BYTES and dtype == _FLOAT:
        return wire.loaded(chunks[0], dtype)
    out = np.empty(count, np.float32)
    at = 0
    for chunk in chunks:
        numbers = wire.numbers(chunk, dtype)
        with np.errstate(over="ignore"):
            out[at : at + len(numbers)] = numbers
        at += len(numbers)
    return out


def _damaged_text(message: Message) -> str | None:
    """The name of a field of text within that is not UTF-8, which protobuf gives as bytes; None where there is none."""
    for field, value in message.ListFields():
        for part in list(value) if hasattr(value, "extend") else [value]:
            if field.type == field.TYPE_STRING and isinstance(part, bytes):
                return str(field.name)
            within = _damaged_text(part) if field.message_type is not None else None
            if within is not None:
                return within
    return None


def _stripped(wire: WireFile, field: Field, form: _Form) -> bytes:
    """A layer's field without its blobs."""
    if field.kind != BYTES:
        return b""
    kept = bytearray()
    for part in wire.fields(field.start, field.end):
        if part.number == form.inner:
            kept += _stripped(wire, part, _V0)
        elif part.number != form.blobs:
            kept += wire.raw(part.begin, part.end)
    return encode_header(field.number, len(kept)) + kept


def _net_pieces(
    path: StrPath,
    net: pb.NetParameter,
    weights: Mapping[str, Sequence[np.ndarray]],
    diffs: Mapping[str, Sequence[np.ndarray]],
) -> list[bytes | memoryview]:
    """What the file is made of, in order; the numbers are views of the arrays."""
    if net.layers:
        raise CaffeError(f"{path}: the net '{net.name}' is of an old form; upgrade_net makes it the present one")
    names = [layer.name for layer in net.layer]
    for name in weights:
        if name not in names:
            raise CaffeError(
                f"{path}: net '{net.name}' has no layer '{name}'; its layers, the closest first: {closest(name, names)}"
            )
    head = pb.NetParameter()
    head.CopyFrom(net)
    head.ClearField("layer")
    pieces: list[bytes | memoryview] = [head.SerializeToString()]
    for layer in net.layer:
        parts = _layer_pieces(layer, weights.get(layer.name, ()), diffs.get(layer.name, ()))
        pieces.append(encode_header(pb.NetParameter.LAYER_FIELD_NUMBER, total_bytes(parts)))
        pieces += parts
    return pieces


def _layer_pieces(
    layer: pb.LayerParameter, blobs: Sequence[np.ndarray], diffs: Sequence[np.ndarray]
) -> list[bytes | memoryview]:
    bare = pb.LayerParameter()
    bare.CopyFrom(layer)
    bare.ClearField("blobs")
    pieces: list[bytes | memoryview] = [bare.SerializeToString()]
    for i, blob in enumerate(blobs):
        pieces += blob_pieces(_V2.blobs, blob, diffs[i] if i < len(diffs) else None)
    return pieces


def blob_pieces(number: int, data: np.ndarray, diff: np.ndarray | None = None) -> list[bytes | memoryview]:
    """A BlobProto as the field `number` of a message, in pieces; the numbers are views of the arrays, as float32."""
    dims = b"".join(encode_varint(n) for n in np.shape(data))
    shape = encode_header(_DIM, len(dims)) + dims
    parts: list[bytes | memoryview] = []
    for field, array in ((_DATA, data), (_DIFF, diff)):
        if array is not None:
            values = np.ascontiguousarray(array, _FLOAT)
            parts += [encode_header(field, values.nbytes), values.reshape(-1).data]
    parts.append(encode_header(_SHAPE, len(shape)) + shape)
    return [encode_header(number, total_bytes(parts)), *parts]


def total_bytes(pieces: Sequence[bytes | memoryview]) -> int:
    """How many bytes all pieces have together."""
    return sum(memoryview(piece).nbytes for piece in pieces)

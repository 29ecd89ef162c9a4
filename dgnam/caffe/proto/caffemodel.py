"""Reading and writing caffemodels, in Caffe's three versions, and reading mean images.

A caffemodel is a NetParameter with blobs in its layers: `layer` (V2), `layers` (V1), or `layers { layer … }` (V0).
Numbers are read from the file directly into arrays, at about the cost of copying the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError, Message

from ...errors import CaffeError, closest, shortened
from ...files.paths import HDF5_MAGIC, StrPath, file_head, foreign_format, looks_like_text, replacing
from . import dgnam_caffe_pb2 as pb
from . import upgrade
from .wire import BYTES, FIXED32, FIXED64, VARINT, Field, WireFile, encode_header, encode_varint, signed

_MAX_AXES = 32
_MAX_DIM = 2**31 - 1
_MAX_BYTES = 2**31 - 1
"""Real Caffe's limit."""
_MAX_DEFINITION = 16 << 20
"""Far more than any published net's; it takes many times as much memory."""

_FLOAT, _DOUBLE = np.dtype("<f4"), np.dtype("<f8")


class _Form(NamedTuple):
    """The field numbers of one version's layer message; `inner` is that of the nested older layer."""

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
_DOUBLE_DIFF = pb.BlobProto.DOUBLE_DIFF_FIELD_NUMBER
_SHAPE = pb.BlobProto.SHAPE_FIELD_NUMBER
_DIM = pb.BlobShape.DIM_FIELD_NUMBER
_KINDS = {
    **dict.fromkeys((_DATA, _DIFF), (BYTES, FIXED32)),
    **dict.fromkeys((_DOUBLE_DATA, _DOUBLE_DIFF), (BYTES, FIXED64)),
}
"""How the numbers of each field are stored."""


def read_caffemodel(path: StrPath, *, diffs: bool = False) -> dict[str, list[np.ndarray]]:
    """Read the blobs of each layer with parameters, as float32 arrays, in the order of the file.

    Shapes are the stored ones: in old files always four axes (num, channels, height, width), which the net reconciles
    with its own.  Of two layers with one name the later wins, as in Caffe.  Unknown fields are ignored.

    diffs: read the gradients stored with the weights, as by a solver's `snapshot_diff`; (0,) for a blob without.
    """
    wire = open_wire(path)
    weights: dict[str, list[np.ndarray]] = {}
    layers = 0
    for name, blobs in _layers(wire):
        layers += 1
        if blobs:
            where = f"layer '{shortened(name)}'"
            weights[name] = [read_blob(wire, blob, f"{where}, blob {i}", diff=diffs) for i, blob in enumerate(blobs)]
    if not layers:
        raise wire.fail("is not a caffemodel: it holds no layers; read mean images by read_blobproto")
    return weights


def read_net_from_caffemodel(path: StrPath) -> pb.NetParameter:
    """Read the net's definition in a caffemodel, upgraded to the current format, without blobs."""
    wire = open_wire(path)
    kept = bytearray()
    for field in wire.fields():
        form = _FORMS.get(field.number)
        kept += wire.raw(field.begin, field.end) if form is None else _stripped(wire, field, form)
        if len(kept) > _MAX_DEFINITION:
            raise wire.fail(f"its definition without blobs exceeds {_MAX_DEFINITION} bytes")
    try:
        net = pb.NetParameter.FromString(bytes(kept))
    except (DecodeError, UnicodeDecodeError) as error:
        raise wire.fail(f"is not a caffemodel: {error}") from None
    damaged = _damaged_text(net)
    if damaged is not None:
        raise wire.fail(f"a field '{damaged}' is not UTF-8")
    return upgrade.upgrade_net(net, str(path))


def read_blobproto(path: StrPath) -> np.ndarray:
    """Read a BlobProto file such as mean.binaryproto, as float32; mean images are (1, C, H, W)."""
    wire = open_wire(path)
    return read_blob(wire, Field(0, BYTES, 0, 0, wire.size, 0), "the blob")


def write_caffemodel(
    path: StrPath,
    net: pb.NetParameter,
    weights: Mapping[str, Sequence[np.ndarray]],
    diffs: Mapping[str, Sequence[np.ndarray]] | None = None,
) -> None:
    """Write a V2 caffemodel: the layers of `net` with their blobs from `weights`, as float32.

    net: in the current format; its own blobs are omitted.
    weights: by layer name; layers without weights are written without blobs.
    diffs: gradients to write with the weights, of the same number and shapes.
    """
    write_pieces(path, _net_pieces(path, net, weights, {} if diffs is None else diffs), "a caffemodel")


def write_pieces(path: StrPath, pieces: Sequence[bytes | memoryview], what: str) -> None:
    """Write a message given in pieces, atomically; more than 2 GB, Caffe's limit, is an error.

    what: the kind of file, for the error.
    """
    size = total_bytes(pieces)
    if size > _MAX_BYTES:
        raise CaffeError(f"{path}: would take {size} bytes; {what} holds at most 2 GB; write HDF5 instead")
    with replacing(path) as part, open(part, "wb") as file:
        for piece in pieces:
            file.write(piece)


def open_wire(path: StrPath) -> WireFile:
    """Open a binary message; raises CaffeFormatError if the file starts like another format."""
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
    """Yield each layer's name and the fields of its blobs."""
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


def read_blob(wire: WireFile, blob: Field, where: str, *, diff: bool = False) -> np.ndarray:
    """Read a BlobProto as a float32 array; checks the shape against the data before allocation.

    diff: read its gradient; (0,) if it has none.
    """
    legacy: dict[int, int] = {}
    dims: list[int] = []
    single, double = (_DIFF, _DOUBLE_DIFF) if diff else (_DATA, _DOUBLE_DATA)
    chunks: dict[int, list[Field]] = {single: [], double: []}
    for field in wire.fields(blob.start, blob.end):
        if field.number in _LEGACY_AXES and field.kind == VARINT:
            legacy[field.number] = signed(field.value)
        elif field.number == _SHAPE and field.kind == BYTES:
            dims += _read_dims(wire, field, where)
        elif field.number in chunks and field.kind in _KINDS[field.number]:
            chunks[field.number].append(field)
    if diff and not any(chunks.values()):
        return np.zeros(0, np.float32)
    shape = [legacy.get(axis, 0) for axis in _LEGACY_AXES] if legacy else dims
    if len(shape) > _MAX_AXES or not all(0 <= dim <= _MAX_DIM for dim in shape):
        raise wire.fail(f"{where}: {tuple(shape[:_MAX_AXES])} is not a valid shape of a blob", blob.start)
    # As in Caffe, doubles take precedence over floats.
    dtype, found = (_DOUBLE, chunks[double]) if chunks[double] else (_FLOAT, chunks[single])
    count = sum(wire.count(chunk, dtype.itemsize) for chunk in found)
    if count != math.prod(shape):
        raise wire.fail(
            f"{where}: shape {tuple(shape)} needs {math.prod(shape)} numbers; the file holds {count}", blob.start
        )
    try:
        return _gather(wire, found, dtype, count).reshape(shape)
    except ValueError:
        # numpy rejects axes with too large a product even if another axis is 0.
        raise wire.fail(f"{where}: {tuple(shape)} is not a valid shape of a blob", blob.start) from None


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
    """Concatenate the numbers of all chunks, as float32."""
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
    """Return the name of a nested string field that is not UTF-8, which protobuf returns as bytes; None if all are."""
    for field, value in message.ListFields():
        for part in list(value) if hasattr(value, "extend") else [value]:
            if field.type == field.TYPE_STRING and isinstance(part, bytes):
                return str(field.name)
            within = _damaged_text(part) if field.message_type is not None else None
            if within is not None:
                return within
    return None


def _stripped(wire: WireFile, field: Field, form: _Form) -> bytes:
    """Return a layer's field without its blobs."""
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
    """Return the file's contents in pieces, with views of the arrays."""
    if net.layers:
        raise CaffeError(f"{path}: the net '{net.name}' is in an old format; convert it by upgrade_net")
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
        pieces += blob_pieces(_V2.blobs, blob, diffs[i] if i < len(diffs) and np.size(diffs[i]) else None)
    return pieces


def blob_pieces(number: int, data: np.ndarray, diff: np.ndarray | None = None) -> list[bytes | memoryview]:
    """Encode a BlobProto as the field `number` of a message, in pieces, with views of the arrays as float32."""
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
    """Return the total size of all pieces."""
    return sum(memoryview(piece).nbytes for piece in pieces)

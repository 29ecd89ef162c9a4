"""Weights as a torch state dict, as `torch.save(module.state_dict(), path)` writes it.

Keys are a layer's name and a parameter's, `conv1.weight`; `fc6.1.weight`, of a layer converted as a pair of modules,
is fc6's too.  Convolution, Deconvolution and InnerProduct have the axes of torch's Conv2d, ConvTranspose2d and Linear.
`CaffeModule.state_dict()` (keys `conv1/0`) and that of `to_torch` are read as well.

What the file claims is compared with its bytes, and these with their CRCs, which torch leaves out, and what its pickle
asks for with what tensors need, before torch reads it, with `weights_only=True`.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import struct
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CaffeFormatError, DgnamError, closest, shortened
from ...files.archives import read_entry
from ...files.paths import StrPath, existing_file, file_head, foreign_format

SUFFIXES = (".pt", ".pth")

ZIP_MAGIC = b"PK\x03\x04"
_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files begin that torch wrote before its version 1.6."""

_ORDER = (
    *("weight", "weight_x", "mean", "bias", "variance", "weight_static"),
    *("scale_factor", "weight_hidden", "weight_output", "bias_output"),
)
"""What a parameter's key may end in, in the order of Caffe's blobs."""
_FURTHER = re.compile(r"blob[0-9]{1,2}", re.ASCII)
_STATISTICS = ("running_mean", "running_var")
_COUNTER = "num_batches_tracked"
_AS_PAIR = ".1"
_INDEXED = re.compile(r"(?P<layer>.+)/(?P<index>0|[1-9][0-9]?)", re.ASCII | re.DOTALL)
_MOST_BLOBS = 32

_DICTS = {"collections OrderedDict"}
_TENSORS = {"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor", "torch._utils _rebuild_parameter"}
_OTHER_TENSOR = re.compile(r"torch\._utils _rebuild_\w+|torch\._tensor _rebuild_\w+|torch\.\w*sparse\w* \w+", re.ASCII)
_STORAGE = re.compile(r"torch(\.storage)? \w+Storage", re.ASCII)

_MOST_PICKLE = 16 << 20
"""Far more than the names and shapes of any net take."""
_PIECE = 1 << 20
_MOST_AXES = 32
_LONGEST_REASON = 300
_HOW = "a state dict is what torch.save(module.state_dict(), path) writes"


class StateDict(dict[str, list[np.ndarray]]):
    """The blobs of each layer, from a state dict: unlike a caffemodel's layers, all of them belong to one net."""


def is_state_dict(path: Path, head: bytes) -> bool:
    """Whether a file that begins with `head` is to be read as a state dict, by how it begins or by its name."""
    known = path.suffix.lower() in SUFFIXES or head.startswith((ZIP_MAGIC, _LEGACY_MAGIC))
    return known or (
        head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and head[2:3] in b"}]\x95c"
    )


def read_state_dict(path: StrPath) -> StateDict:
    """Read the blobs of each layer, converted to float32, in the order of the file.

    Arrays may be views of the file, mapped into memory.  Raises CaffeFormatError for what is no state dict of plain
    tensors of floating-point numbers, for numbers that are not finite, and for a pickle that asks for code.
    """
    file = existing_file(path)
    try:
        _check_claims(path, file)
        return _layers(path, _load(path, file), file.stat().st_size)
    except DgnamError:
        raise
    except (OSError, MemoryError) as error:
        raise _fail(path, f"can't be read ({shortened(str(error), _LONGEST_REASON)})") from None


def _fail(path: StrPath, reason: str) -> CaffeFormatError:
    return CaffeFormatError(f"{path}: {reason}")


def _check_claims(path: StrPath, file: Path) -> None:
    """Raise unless the file is torch's, whole, and asks for nothing but dicts and tensors."""
    head = file_head(file)
    if head.startswith(ZIP_MAGIC):
        pickles = [_zipped_pickle(path, file)]
    elif head.startswith(_LEGACY_MAGIC):
        with open(file, "rb") as stream:
            pickles = [stream.read(_MOST_PICKLE)]
    elif head[:1] == b"\x80":
        raise _fail(path, f"is a pickle of Python objects, and not one of torch's, so it is not read: {_HOW}")
    else:
        foreign = foreign_format(head)
        what = "an empty file" if not head else "a file of another format" if foreign is None else foreign
        raise _fail(path, f"is {what}, not a torch state dict")
    for name in dict.fromkeys(name for data in pickles for name in _globals(path, data)):
        if name not in _DICTS | _TENSORS and _STORAGE.fullmatch(name) is None:
            raise _fail(path, _unwanted(name))


def _zipped_pickle(path: StrPath, file: Path) -> bytes:
    """The pickle within torch's zip, whose files must be stored as they are."""
    try:
        with zipfile.ZipFile(file) as zipped:
            entries = zipped.infolist()
            found = [entry for entry in entries if entry.filename.split("/")[1:] == ["data.pkl"]]
            if len(found) != 1:
                raise _fail(path, f"is a zip archive, and not one of torch's, which holds one data.pkl: {_HOW}")
            if any(
                entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size for entry in entries
            ):
                raise _fail(path, "is a zip archive with compressed files; torch stores them as they are")
            if sum(entry.file_size for entry in entries) > file.stat().st_size:
                raise _fail(path, "is a zip archive whose files claim more bytes than it has")
            for entry in entries:
                _check_crc(zipped, entry)
            return read_entry(zipped, file, found[0], _MOST_PICKLE)
    except (
        zipfile.BadZipFile,
        struct.error,
        ValueError,
        NotImplementedError,
        EOFError,
        KeyError,
        IndexError,
        RuntimeError,
    ) as error:
        if isinstance(error, DgnamError):
            raise
        reason = shortened(str(error), _LONGEST_REASON)
        raise _fail(
            path, f"is truncated or damaged: it is not a whole zip archive ({reason}); fetch it again"
        ) from None


def _check_crc(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Raise zipfile's error unless the bytes of a file within have the CRC that the zip has for them."""
    with zipped.open(entry) as stream:
        while stream.read(_PIECE):
            pass


def _globals(path: StrPath, data: bytes) -> Iterator[str]:
    """What the pickles at the beginning of `data` ask for, as "module name"; nothing is run.

    A zip has one; torch's older files have several in a row.
    """
    start, said = 0, 0
    while data[start : start + 1] == b"\x80" and said < 5:
        end, strings = start, ["", ""]
        try:
            for opcode, argument, place in pickletools.genops(data[start:]):
                end = start + (0 if place is None else place) + 1
                if opcode.name in ("GLOBAL", "INST"):
                    yield str(argument)
                elif opcode.name == "STACK_GLOBAL":
                    yield " ".join(strings)
                elif isinstance(argument, str):
                    strings = [strings[1], argument]
        except Exception as error:  # genops raises what the bytes lead it to
            reason = shortened(str(error), _LONGEST_REASON)
            raise _fail(path, f"is truncated or damaged: its pickle ends within an object ({reason})") from None
        start, said = end, said + 1


def _unwanted(name: str) -> str:
    shown = shortened(name.replace(" ", "."))
    if _OTHER_TENSOR.fullmatch(name) is not None:
        return f"holds tensors by {shown}; weights are plain dense tensors of floating-point numbers"
    return (
        f"its pickle asks for {shown}, that is for code, which is not run: {_HOW}, where the file may hold the whole "
        "module, or a checkpoint with other objects"
    )


def _load(path: StrPath, file: Path) -> Any:
    """What the file holds, read by torch; tensors of a zip are mapped."""
    import torch

    try:
        zipped = file_head(file).startswith(ZIP_MAGIC)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that it only may not read
            return torch.load(file, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        reason = str(error).partition("WeightsUnpickler error:")[2].strip().partition("\n")[0]
        why = shortened(reason if reason else str(error).partition("\n")[0], _LONGEST_REASON)
        raise _fail(path, f"is not a state dict ({why}): {_HOW}") from None
    except Exception as error:  # of a damaged file torch raises what its bytes lead it to
        reason = shortened(str(error).partition("\n")[0], _LONGEST_REASON)
        raise _fail(path, f"is truncated or damaged: torch can't read it ({reason}); fetch it again") from None


def _layers(path: StrPath, found: Any, size: int) -> StateDict:
    """The blobs of each layer from the dict in a file of `size` bytes."""
    import torch

    if not isinstance(found, Mapping):
        raise _fail(path, f"is not a state dict but holds {_called(found)}: {_HOW}")
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise _fail(
                path,
                f"is not a state dict: it has {_called(value)} at {shortened(repr(key))}, and a state dict has a "
                f"tensor for each parameter{_within(found)}",
            )
    blobs: dict[str, dict[str, np.ndarray]] = {}
    mapped: set[int] = set()
    for key, layer, what in _named(path, [key for key in found if key.rpartition(".")[2] != _COUNTER]):
        tensor = found[key]
        size -= tensor.numel() * tensor.element_size()
        if size < 0:
            shape = tuple(tensor.shape)
            raise _fail(path, f"'{shortened(key)}' of shape {shape} asks for more numbers than the file has")
        if what in blobs.setdefault(layer, {}):
            raise _fail(path, f"'{shortened(key)}' is a second {what} of layer '{shortened(layer)}'")
        memory = tensor.untyped_storage().data_ptr()  # two layers with one tensor get an array each
        blobs[layer][what] = _array(path, key, tensor.clone() if memory in mapped else tensor)
        mapped.add(memory)
    if not blobs:
        raise _fail(path, "is a state dict without parameters")
    return StateDict({layer: _in_order(path, layer, named) for layer, named in blobs.items()})


def _called(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def _within(found: Mapping[Any, Any]) -> str:
    """Where in a checkpoint the state dict seems to be, for an error message."""
    inner = [key for key, value in found.items() if isinstance(key, str) and isinstance(value, Mapping) and value]
    return f"; it may be what is at {closest('state_dict', inner)}: save that alone" if inner else ""


def _named(path: StrPath, keys: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Each key with its layer and the parameter: a name of `_ORDER`, or a number."""
    split = {key: _split(path, key) for key in keys}
    layers = {layer for layer, _ in split.values()}
    families = Counter(layer.rpartition(".")[0] for layer in layers)
    for key, (layer, what) in split.items():
        base = layer.removesuffix(_AS_PAIR)
        alone = base not in layers and families[base] == 1
        yield key, base if base and alone else layer, what


def _split(path: StrPath, key: str) -> tuple[str, str]:
    """A key's layer and parameter."""
    layer, dot, what = key.rpartition(".")
    if dot and layer and (what in (*_ORDER, *_STATISTICS) or _FURTHER.fullmatch(what) is not None):
        return layer, what
    indexed = _INDEXED.fullmatch(key)
    if indexed is not None and int(indexed["index"]) < _MOST_BLOBS:
        return indexed["layer"].replace("·", "."), indexed["index"]
    raise _fail(
        path, f"its key '{shortened(key)}' is no layer's parameter, such as 'conv1.weight', 'conv1.bias' or 'conv1/0'"
    )


def _in_order(path: StrPath, layer: str, named: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The blobs of a layer in Caffe's order; statistics of torch's batch norm get the factor that Caffe divides by.

    A numbered blob that another layer owns becomes an array of shape (0,), as in `read_hdf5_weights`.
    """
    if set(named) == set(_STATISTICS):
        return [*(named[what] for what in _STATISTICS), np.ones(1, np.float32)]
    if set(named) & set(_STATISTICS):
        raise _fail(
            path,
            f"layer '{shortened(layer)}' has {', '.join(named)}: torch's batch norm with weights is two of Caffe's "
            "layers, BatchNorm and Scale",
        )
    if all(what.isdigit() for what in named):
        return [named.get(str(i), np.zeros(0, np.float32)) for i in range(max(map(int, named)) + 1)]
    if any(what.isdigit() for what in named):
        raise _fail(path, f"layer '{shortened(layer)}' has parameters by number and by name: {', '.join(named)}")
    further = sorted(
        (what for what in named if what not in _ORDER and not what.isdigit()), key=lambda what: int(what[4:])
    )
    return [named[what] for what in (*(what for what in _ORDER if what in named), *further)]


def _array(path: StrPath, key: str, tensor: Any) -> np.ndarray:
    """The tensor as float32."""
    import torch

    where = f"'{shortened(key)}'"
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or not tensor.dtype.is_floating_point:
        kind = str(tensor.dtype) if tensor.layout == torch.strided else str(tensor.layout)
        raise _fail(path, f"{where} is of {kind}; weights are dense tensors of floating-point numbers, such as float32")
    if tensor.dim() > _MOST_AXES:
        raise _fail(path, f"{where} has {tensor.dim()} axes; a blob has at most {_MOST_AXES}")
    array: np.ndarray = tensor.detach().to(torch.float32).contiguous().numpy()
    if not np.isfinite(array).all():
        what = "NaN" if np.isnan(array).any() else "infinite numbers, or ones beyond float32"
        raise _fail(path, f"{where} holds {what}; weights are finite")
    return array

"""Caffe's solver snapshots: the iteration, the weights' file, the update rule's history.

`<prefix>_iter_N.solverstate` is a SolverState message; `<prefix>_iter_N.solverstate.h5` holds the datasets `iter`,
`current_step`, `learned_net` and `history/0`, `history/1`, …  The files are interchangeable with real Caffe's.

The random state is stored as well, in fields ignored by Caffe, so that nets with Dropout resume bit-identically.  The
position of data layers is not stored: they restart, as Caffe's do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from ...files.hdf5 import Hdf5File, open_hdf5
from ...files.paths import HDF5_MAGIC, StrPath, existing_file, file_head, replacing
from ..proto import pb
from ..proto.caffemodel import blob_pieces, open_wire, read_blob, write_pieces
from ..proto.hdf5_weights import LIBVER
from ..proto.wire import BYTES, VARINT, Field, WireFile, encode_header

_ITER = pb.SolverState.ITER_FIELD_NUMBER
_LEARNED_NET = pb.SolverState.LEARNED_NET_FIELD_NUMBER
_HISTORY = pb.SolverState.HISTORY_FIELD_NUMBER
_CURRENT_STEP = pb.SolverState.CURRENT_STEP_FIELD_NUMBER
_RANDOM = {"cpu": 1001, "cuda": 1002}
"""Field numbers unknown to Caffe; protobuf readers ignore unknown fields."""

_RANDOM_GROUP = "random_state"
_HDF5_SUFFIX = ".h5"
_MAX_ITER = 2**31 - 1
_MAX_PATH = 1 << 16
_MAX_RANDOM = 1 << 20


@dataclass(frozen=True)
class SolverState:
    """The state of a training.

    learned_net: the weights' file; "" if none.
    current_step: the number of steps taken by the learning rate.
    history: the update rule's memory, float32: one array per parameter, for some rules followed by a second one each.
    random: the random states as bytes, by kind of device; empty in Caffe's own files.
    """

    iteration: int
    learned_net: str
    current_step: int
    history: Sequence[np.ndarray]
    random: Mapping[str, np.ndarray] = field(default_factory=dict)


def write_state(path: StrPath, state: SolverState) -> None:
    """Write a solverstate atomically: HDF5 if `path` ends in .h5, else the binary message."""
    if os.fspath(path).endswith(_HDF5_SUFFIX):
        _write_hdf5(path, state)
        return
    head = pb.SolverState(iter=state.iteration, current_step=state.current_step)
    if state.learned_net:
        head.learned_net = state.learned_net
    pieces: list[bytes | memoryview] = [head.SerializeToString()]
    for array in state.history:
        pieces += blob_pieces(_HISTORY, array)
    for kind, values in state.random.items():
        pieces += [encode_header(_RANDOM[kind], values.nbytes), values.tobytes()]
    write_pieces(path, pieces, "a solverstate")


def read_state(path: StrPath) -> SolverState:
    """Read a solverstate; the content determines the format.

    Raises FormatError, naming file and reason, for a damaged, truncated or foreign file.
    """
    file = existing_file(path)
    if file_head(file).startswith(HDF5_MAGIC) or file.suffix == _HDF5_SUFFIX:
        return _read_hdf5(path)
    return _read_binary(open_wire(path))


def learned_net_file(path: StrPath, state: SolverState) -> str:
    """Return the weights' file of the state read from `path`.

    That is the file named by the state or, after its folder was moved, the file of that name beside `path`; "" if the
    state names none.
    """
    if not state.learned_net:
        return ""
    beside = Path(path).parent / Path(state.learned_net).name
    if not Path(state.learned_net).exists() and beside.exists():
        return str(beside)
    return state.learned_net


def _read_binary(wire: WireFile) -> SolverState:
    numbers = {_CURRENT_STEP: 0}
    learned_net = ""
    history: list[np.ndarray] = []
    random: dict[str, np.ndarray] = {}
    kinds = {number: kind for kind, number in _RANDOM.items()}
    for part in wire.fields():
        if part.number in (_ITER, _CURRENT_STEP):
            numbers[part.number] = _count(wire, part)
        elif part.number == _LEARNED_NET and part.kind == BYTES:
            learned_net = _path(wire, part)
        elif part.number == _HISTORY and part.kind == BYTES:
            history.append(read_blob(wire, part, f"history {len(history)}"))
        elif part.number in kinds and part.kind == BYTES and part.end - part.start <= _MAX_RANDOM:
            random[kinds[part.number]] = np.frombuffer(wire.raw(part.start, part.end), np.uint8)
    if _ITER not in numbers:
        raise wire.fail("is not a solverstate: it has no iteration")
    return SolverState(numbers[_ITER], learned_net, numbers[_CURRENT_STEP], history, random)


def _count(wire: WireFile, part: Field) -> int:
    name = pb.SolverState.DESCRIPTOR.fields_by_number[part.number].name
    if part.kind != VARINT:
        raise wire.fail(f"is not a solverstate: {name} is not a number; pass a caffemodel as weights", part.begin)
    if part.value > _MAX_ITER:
        raise wire.fail(f"{name} is out of range", part.begin)
    return part.value


def _path(wire: WireFile, part: Field) -> str:
    if part.end - part.start > _MAX_PATH:
        raise wire.fail("learned_net is too long for a path", part.start)
    return wire.text(part)


def _write_hdf5(path: StrPath, state: SolverState) -> None:
    with replacing(path) as part, h5py.File(part, "w", libver=LIBVER) as file:
        for name, value in (("iter", state.iteration), ("current_step", state.current_step)):
            file.create_dataset(name, data=np.array([value], np.int32), track_times=False)
        if state.learned_net:
            text = os.fsencode(state.learned_net)
            # One byte longer than the name: real Caffe expects the terminating zero.
            file.create_dataset("learned_net", data=np.array(text, f"S{len(text) + 1}"), track_times=False)
        history = file.create_group("history")
        for i, array in enumerate(state.history):
            history.create_dataset(str(i), data=np.asarray(array, np.float32), track_times=False)
        random = file.create_group(_RANDOM_GROUP)
        for kind, values in state.random.items():
            random.create_dataset(kind, data=values, track_times=False)


def _read_hdf5(path: StrPath) -> SolverState:
    with open_hdf5(path) as file:
        if not file.is_group("history"):
            raise file.fail(f"is not a solverstate: it has no group 'history'; it has {sorted(file.names())[:8]}")
        held = file.names("history")
        wanted = [str(i) for i in range(len(held))]
        if sorted(held) != sorted(wanted):
            raise file.fail(f"the group 'history' should hold 0, 1, …; it holds {sorted(held)[:8]}")
        return SolverState(
            _hdf5_count(file, "iter"),
            os.fsdecode(file.text("learned_net", _MAX_PATH)) if file.has("learned_net") else "",
            _hdf5_count(file, "current_step"),
            [file.floats(f"history/{name}") for name in wanted],
            _hdf5_random(file),
        )


def _hdf5_count(file: Hdf5File, name: str) -> int:
    if not file.has(name):
        raise file.fail(f"is not a solverstate: it has no whole number '{name}'")
    values = file.numbers(name)
    if values.size != 1 or values.dtype.kind not in "iu":
        raise file.fail(f"is not a solverstate: it has no whole number '{name}'")
    value = int(values.item())
    if not 0 <= value <= _MAX_ITER:
        raise file.fail(f"{name} {value} is out of range")
    return value


def _hdf5_random(file: Hdf5File) -> dict[str, np.ndarray]:
    if not file.is_group(_RANDOM_GROUP):
        return {}
    held = [kind for kind in _RANDOM if file.has(f"{_RANDOM_GROUP}/{kind}")]
    states = {kind: file.numbers(f"{_RANDOM_GROUP}/{kind}") for kind in held}
    return {kind: state for kind, state in states.items() if state.dtype == np.uint8 and state.size <= _MAX_RANDOM}

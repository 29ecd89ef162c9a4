"""Solvers' snapshots, binary and HDF5."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from dgnam.caffe.proto import pb
from dgnam.caffe.solving.state import SolverState, read_state, write_state

FILE = "hostile.solverstate"


def seeds() -> list[bytes]:
    state = SolverState(7, "net_iter_7.caffemodel", 2, [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])
    random = {"cpu": np.arange(40, dtype=np.uint8)}
    old = pb.SolverState(
        iter=3, learned_net="n", history=[pb.BlobProto(num=1, channels=1, height=1, width=1, data=[1])]
    )
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "a.solverstate", Path(folder) / "a.solverstate.h5"]
        for file in files:
            write_state(file, SolverState(7, state.learned_net, 2, state.history, random))
        return [*(file.read_bytes() for file in files), old.SerializeToString()]


def read(path: Path) -> None:
    read_state(path)

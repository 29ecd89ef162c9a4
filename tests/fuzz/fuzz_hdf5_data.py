"""HDF5 files of rows, as the HDF5Data layer takes them, and act_ranges."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np

from dgnam.caffe import TEST, Net
from dgnam.zoo import read_act_range

FILE = "hostile.h5"

NET = """layer { name: "d" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { source: "%s" batch_size: 5 } }"""


def seeds() -> list[bytes]:
    return [_file({}), _file({"chunks": (2, 3, 2), "maxshape": (None, 3, 2)}), _file({"compression": "gzip"}, "latest")]


def read(path: Path) -> None:
    definition = path.parent / "net.prototxt"
    if not definition.exists():
        (path.parent / "list.txt").write_text(f"{path}\n")
        definition.write_text(NET % (path.parent / "list.txt"))
    failure: Exception | None = None
    for reader in (lambda: read_act_range(path), lambda: Net(str(definition), TEST).forward()):
        try:
            reader()
        except RuntimeError as error:
            failure = error
    if failure is not None:
        raise failure


def _file(options: dict[str, object], libver: str = "earliest") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.h5"
        with h5py.File(path, "w", libver=libver) as file:
            rows = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
            file.create_dataset("data", data=rows, **options)
            file.create_dataset("label", data=np.arange(4, dtype=np.int64))
            file.create_dataset("act_range", data=rows[0])
        return path.read_bytes()

"""LMDB databases of Datums, as the Data layer takes them."""

from __future__ import annotations

import io
import tempfile
from itertools import islice
from pathlib import Path

import lmdb
import numpy as np
from PIL import Image

from dgnam.caffe import TEST, Net
from dgnam.caffe.databases.backends import open_database
from dgnam.caffe.proto import pb
from dgnam.errors import naming

FILE = "hostile/data.mdb"

NET = """layer { name: "d" type: "Data" top: "d" top: "y" data_param {
  source: "%s" backend: LMDB batch_size: 3 prefetch: 0 } }"""
_ENTRIES = 10_000
"""A database that goes round in circles has more than a small file can hold."""


def seeds() -> list[bytes]:
    picture = io.BytesIO()
    Image.new("RGB", (4, 3), (1, 2, 3)).save(picture, "PNG")
    plain = [pb.Datum(channels=3, height=3, width=4, data=bytes(range(36)), label=i) for i in range(3)]
    floats = [pb.Datum(channels=1, height=2, width=2, float_data=np.arange(4) / i, label=i) for i in range(1, 4)]
    encoded = [pb.Datum(data=picture.getvalue(), encoded=True, label=i) for i in range(3)]
    large = [pb.Datum(channels=1, height=60, width=60, data=bytes(3600), label=i) for i in range(2)]
    return [_database(plain), _database(floats), _database(encoded), _database(large), _database(plain * 20)]


def read(path: Path) -> None:
    definition = path.parent.parent / "net.prototxt"
    if not definition.exists():
        definition.write_text(NET % path.parent)
    for record in islice(open_database(path.parent, "lmdb").records(), _ENTRIES):
        record.read()
    net = Net(str(definition), TEST)
    with naming(path):  # a pass's own errors name the layer
        net.forward()


def _database(datums: list[pb.Datum]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        environment = lmdb.open(folder, map_size=1 << 20)
        with environment.begin(write=True) as transaction:
            for i, datum in enumerate(datums):
                transaction.put(f"{i:08d}".encode(), datum.SerializeToString())
        environment.close()
        data = (Path(folder) / "data.mdb").read_bytes()
    return data.rstrip(b"\0") + bytes(-len(data.rstrip(b"\0")) % 4096)

"""LevelDB databases of Datums, as the Data layer takes them: their files one after the other, parted by MARK."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from dgnam.caffe import TEST, Net
from dgnam.caffe.databases.backends import create_database, open_database
from dgnam.caffe.proto import pb
from dgnam.errors import naming

FILE = "hostile/files"
MARK = b"\n--FILE--\n"

_NAME = re.compile(rb"[A-Z0-9][A-Z0-9.-]{0,39}[a-z]{0,9}")

NET = """layer { name: "d" type: "Data" top: "d" top: "y" data_param {
  source: "%s" backend: LEVELDB batch_size: 3 prefetch: 0 } }"""


def seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        database = create_database(path, "leveldb")
        for i in range(5):
            datum = pb.Datum(channels=3, height=3, width=4, data=bytes(range(36)), label=i)
            database.put(f"{i:08d}".encode(), datum.SerializeToString())
        database.commit()
        database.close()
        log = _packed(path)
        list(open_database(path, "leveldb").records())  # which makes a table of the log
        return [log, _packed(path)]


def read(path: Path) -> None:
    definition, folder = path.parent.parent / "net.prototxt", path.parent / "db"
    if not definition.exists():
        definition.write_text(NET % folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for packed in path.read_bytes().split(MARK)[1:]:
        name, _, content = packed.partition(b"\n")
        if _NAME.fullmatch(name):
            (folder / name.decode()).write_bytes(content)
    for record in open_database(folder, "leveldb").records():
        record.read()
    net = Net(str(definition), TEST)
    with naming(folder):  # a pass's own errors name the layer
        net.forward()


def _packed(folder: Path) -> bytes:
    names = sorted(p for p in folder.iterdir() if p.name not in ("LOCK", "LOG", "LOG.old"))
    return b"".join(MARK + p.name.encode() + b"\n" + p.read_bytes() for p in names)

"""Databases of either kind: written and read again, and what is said where that can't be done."""

import itertools
import sys

import pytest

from dgnam.caffe.databases import backends
from dgnam.caffe.databases.backends import create_database, endless, open_database
from dgnam.errors import CaffeError, CaffeFormatError, MissingPackageError


@pytest.fixture(params=["lmdb", "leveldb"])
def backend(request) -> str:
    if request.param == "leveldb":
        pytest.importorskip("plyvel", reason="LevelDB needs the package plyvel")
    return request.param


def read(path, backend: str) -> list[tuple[bytes, bytes]]:
    return [(record.key, record.read()) for record in open_database(path, backend).records()]


def test_what_was_committed_comes_in_the_order_of_the_keys(tmp_path, backend):
    writer = create_database(tmp_path / "db", backend)
    writer.put(b"b", b"1")
    writer.put(b"aa", b"x" * 5000)
    writer.commit()
    writer.put(b"a", b"2")
    writer.put(b"b", b"3")
    writer.commit()
    writer.put(b"lost", b"")
    writer.close()
    assert read(tmp_path / "db", backend) == [(b"a", b"2"), (b"aa", b"x" * 5000), (b"b", b"3")]


def test_a_database_that_is_there_already_is_left_alone(tmp_path, backend):
    writer = create_database(tmp_path / "db", backend)
    writer.put(b"a", b"1")
    writer.commit()
    writer.close()
    with pytest.raises(CaffeError, match="db: can't create a database"):
        create_database(tmp_path / "db", backend)
    with pytest.raises(CaffeError, match="can't create a database"):
        create_database(tmp_path / "no" / "folder", backend)
    assert read(tmp_path / "db", backend) == [(b"a", b"1")]


def test_lmdb_grows_as_needed(tmp_path):
    writer = create_database(tmp_path / "db", "lmdb")
    for i in range(6):
        writer.put(b"%d" % i, bytes(1 << 20))
    writer.commit()
    writer.close()
    assert [len(value) for _, value in read(tmp_path / "db", "lmdb")] == [1 << 20] * 6


def test_keys_that_lmdb_can_not_hold(tmp_path):
    writer = create_database(tmp_path / "db", "lmdb")
    writer.put(b"k" * 511, b"")
    with pytest.raises(CaffeError, match="1 to 511 bytes; got 512"):
        writer.put(b"k" * 512, b"")
    writer.close()


def test_endless_begins_again(tmp_path, backend):
    writer = create_database(tmp_path / "db", backend)
    for key in (b"b", b"a"):
        writer.put(key, key)
    writer.commit()
    writer.close()
    records = endless(open_database(tmp_path / "db", backend), tmp_path / "db")
    assert [record.key for record in itertools.islice(records, 5)] == [b"a", b"b", b"a", b"b", b"a"]


def test_an_empty_one_has_no_end_to_begin_again_at(tmp_path, backend):
    create_database(tmp_path / "db", backend).close()
    with pytest.raises(CaffeFormatError, match="db: the database is empty"):
        next(endless(open_database(tmp_path / "db", backend), tmp_path / "db"))


def test_the_other_kind_and_none(tmp_path, backend):
    create_database(tmp_path / "db", backend).close()
    other, name = {"lmdb": ("leveldb", "LMDB"), "leveldb": ("lmdb", "LEVELDB")}[backend]
    if other == "leveldb":
        pytest.importorskip("plyvel", reason="LevelDB needs the package plyvel")
    with pytest.raises(CaffeFormatError, match=f"use the backend {name}"):
        open_database(tmp_path / "db", other)
    with pytest.raises(CaffeError, match="absent: there is no such database"):
        open_database(tmp_path / "absent", backend)


def test_a_damaged_leveldb(tmp_path):
    pytest.importorskip("plyvel", reason="LevelDB needs the package plyvel")
    writer = create_database(tmp_path / "db", "leveldb")
    for i in range(100):
        writer.put(b"%03d" % i, b"value" * 50)
    writer.commit()
    writer.close()
    open_database(tmp_path / "db", "leveldb")  # brings the log into a table
    table = next((tmp_path / "db").glob("*.ldb"))
    content = bytearray(table.read_bytes())
    content[10:200] = bytes(190)
    table.write_bytes(content)
    with pytest.raises(CaffeFormatError, match=r"db: LevelDB failed to read it: .*orrupt"):
        read(tmp_path / "db", "leveldb")


def test_unknown_backends_and_missing_packages(tmp_path, monkeypatch):
    with pytest.raises(CaffeError, match="unknown database backend 'lmbd'; known ones: lmdb, leveldb"):
        open_database(tmp_path, "lmbd")
    for package, use in (("plyvel", open_database), ("plyvel", create_database), ("lmdb", create_database)):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingPackageError, match=f"pip install {package}"):
            use(tmp_path / "db", "leveldb" if package == "plyvel" else "lmdb")


def test_lmdb_is_read_without_the_package(tmp_path, monkeypatch):
    writer = create_database(tmp_path / "db", "lmdb")
    writer.put(b"a", b"1")
    writer.commit()
    writer.close()
    monkeypatch.setattr(backends, "optional_module", None)
    assert read(tmp_path / "db", "lmdb") == [(b"a", b"1")]


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_index_gives_records_in_any_order(tmp_path, backend):
    if backend == "leveldb":
        pytest.importorskip("plyvel")
    writer = create_database(tmp_path / "db", backend)
    values = [bytes([number % 256]) * (1 + 97 * number % 9000) for number in range(300)]
    for number, value in enumerate(values):
        writer.put(f"{number:05d}".encode(), value)
    writer.commit()
    writer.close()
    database = open_database(tmp_path / "db", backend)
    index = database.index()
    assert len(index) == 300
    assert database.count in (300, None)
    for place in (299, 0, 150, 151, 3):
        assert index[place].key == f"{place:05d}".encode()
        assert index[place].read() == values[place]
    assert [record.read() for record in index[10:13]] == values[10:13]
    with pytest.raises(IndexError):
        index[300]

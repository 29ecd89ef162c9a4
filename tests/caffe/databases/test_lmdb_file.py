"""LMDB files: what the library wrote is read, and whatever is done to a file, the error is one of ours."""

import os
import struct
from contextlib import suppress
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dgnam.caffe.databases.lmdb_file import LMDBFile
from dgnam.errors import CaffeError, CaffeFormatError

PAGE = os.sysconf("SC_PAGESIZE") if hasattr(os, "sysconf") else 4096


def write(path: Path, entries: dict[bytes, bytes], **options: object) -> Path:
    environment = lmdb.open(str(path), map_size=1 << 26, **options)
    with environment.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key, value)
    environment.close()
    return path


def read(path: Path) -> dict[bytes, bytes]:
    return {record.key: record.read() for record in LMDBFile(path).records()}


def entries(count: int, largest: int, seed: int = 0) -> dict[bytes, bytes]:
    draw = np.random.default_rng(seed)
    return {
        b"%08d_%s" % (draw.integers(10**8), b"k" * int(draw.integers(100))): draw.bytes(int(draw.integers(largest)))
        for _ in range(count)
    }


@pytest.mark.parametrize(("count", "largest"), [(0, 1), (1, 10), (7, 30_000), (3000, 20), (500, 3000)])
def test_what_the_library_wrote_comes_in_the_order_of_the_keys(tmp_path, count, largest):
    wrote = entries(count, largest)
    got = read(write(tmp_path / "db", wrote))
    assert got == wrote
    assert list(got) == sorted(wrote)


def test_deleted_and_replaced_entries(tmp_path):
    wrote = entries(2000, 200)
    write(tmp_path / "db", wrote)
    gone = list(wrote)[::3]
    environment = lmdb.open(str(tmp_path / "db"), map_size=1 << 26)
    with environment.begin(write=True) as transaction:
        for key in gone:
            transaction.delete(key)
            del wrote[key]
    with environment.begin(write=True) as transaction:
        for key in list(wrote)[::5]:
            wrote[key] = b"another" * 1000
            transaction.put(key, wrote[key])
    environment.close()
    assert read(tmp_path / "db") == wrote


def test_values_are_read_when_asked_for(tmp_path):
    write(tmp_path / "db", {b"a": b"1" * 100_000, b"b": b"2"})
    records = list(LMDBFile(tmp_path / "db").records())
    os.truncate(tmp_path / "db/data.mdb", 3 * PAGE)
    assert records[1].read() == b"2"
    with pytest.raises(CaffeFormatError, match=r"data\.mdb: is truncated"):
        records[0].read()


def test_where_there_is_none(tmp_path):
    with pytest.raises(CaffeError, match="absent: there is no such database"):
        LMDBFile(tmp_path / "absent")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CaffeFormatError, match=r"is a file; an LMDB database is a folder with a file data\.mdb"):
        LMDBFile(tmp_path / "file")
    with pytest.raises(CaffeFormatError, match=r"has no file data\.mdb"):
        LMDBFile(tmp_path)
    (tmp_path / "CURRENT").write_text("MANIFEST-000001")
    with pytest.raises(CaffeFormatError, match="a LevelDB database: use the backend LEVELDB"):
        LMDBFile(tmp_path)


def test_tables_that_caffe_does_not_write(tmp_path):
    environment = lmdb.open(str(tmp_path / "db"), max_dbs=1)
    environment.open_db(b"named")
    environment.close()
    with pytest.raises(CaffeFormatError, match="b'named' is a sub-table"):
        read(tmp_path / "db")


def damaged(path: Path, offset: int, layout: str, value: int) -> Path:
    with open(path / "data.mdb", "r+b") as file:
        file.seek(offset)
        file.write(struct.pack(layout, value))
    return path


@pytest.fixture
def one_leaf(tmp_path) -> Path:
    """A database whose pages are two meta pages, the newer being the second, and page 2, a leaf of two entries."""
    path = write(tmp_path / "db", {b"a": b"1", b"b": b"2"})
    assert (path / "data.mdb").stat().st_size == 3 * PAGE
    return path


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (16, "<I", 0, "there is no meta page at byte 0"),
        (20, "<I", 7, "version 7 of LMDB's format"),
        (40, "<I", 5000, "5000 is not a valid page size"),
        (PAGE + 16, "<I", 0, f"there is no meta page at byte {PAGE}"),
        (PAGE + 92, "<H", 4, "its main table has flags 0x4"),
        (PAGE + 94, "<H", 77, "its tree has depth 77"),
        (PAGE + 94, "<H", 2, "page 2 is damaged: it is not a branch page"),
        (PAGE + 128, "<Q", 9, "refers to page 9 of 3"),
        (PAGE + 136, "<Q", 9, f"is truncated: {3 * PAGE} bytes of {10 * PAGE}"),
        (2 * PAGE, "<Q", 3, "page 2 is damaged: it is not a leaf page of that number"),
        (2 * PAGE + 12, "<H", 9999, "page 2 is damaged: its entries don't fit"),
        (2 * PAGE + 16, "<H", PAGE - 4, "page 2 is damaged: an entry lies outside it"),
    ],
)
def test_damage_is_named(one_leaf, offset, layout, value, message):
    with pytest.raises(CaffeFormatError, match=r"data\.mdb: .*" + message):
        read(damaged(one_leaf, offset, layout, value))


def test_keys_out_of_order(one_leaf):
    content = bytearray((one_leaf / "data.mdb").read_bytes())
    first, second = 2 * PAGE + 16, 2 * PAGE + 18
    content[first:second], content[second : second + 2] = content[second : second + 2], content[first:second]
    (one_leaf / "data.mdb").write_bytes(content)
    with pytest.raises(CaffeFormatError, match="keys are not in order: b'a' follows b'b'"):
        read(one_leaf)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> bytes:
    path = write(tmp_path_factory.mktemp("healthy") / "db", entries(150, 5000))
    return (path / "data.mdb").read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 150), st.integers(0, 255)), max_size=8),
    cut=st.none() | st.integers(0, 2**31),
)
def test_any_damage_is_an_error_or_harmless(tmp_path, healthy, flips, cut):
    content = bytearray(healthy)
    for page, place, value in flips:
        content[page % (len(content) // PAGE) * PAGE + place] = value
    path = tmp_path / "damaged"
    path.mkdir(exist_ok=True)
    (path / "data.mdb").write_bytes(content if cut is None else content[: cut % len(content)])
    with suppress(CaffeFormatError):
        read(path)

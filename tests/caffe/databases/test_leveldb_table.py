"""Tables of LevelDB: whole ones pass, and a footer's lies are found before the library believes them."""

import pytest

from dgnam.caffe.databases.leveldb_table import check_tables
from dgnam.caffe.proto.wire import encode_varint
from dgnam.errors import CaffeFormatError

MAGIC = bytes.fromhex("57fb808b247547db")


def table(*handles: int, body: int = 100) -> bytes:
    numbers = b"".join(encode_varint(n) for n in handles)
    return bytes(body) + numbers + bytes(40 - len(numbers)) + MAGIC


def test_whole_tables_and_other_files_pass(tmp_path):
    (tmp_path / "000005.ldb").write_bytes(table(10, 20, 35, 60))
    (tmp_path / "000004.log").write_bytes(b"anything")
    check_tables(tmp_path)


def test_what_leveldb_wrote_passes(tmp_path):
    plyvel = pytest.importorskip("plyvel")
    for _ in range(2):  # the second time, the log of the first becomes a table
        with plyvel.DB(str(tmp_path / "db"), create_if_missing=True) as database:
            database.put(b"key", b"value" * 100)
    assert list((tmp_path / "db").glob("*.ldb"))
    check_tables(tmp_path / "db")


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "is not a LevelDB table"),
        (table(10, 20, 35, 60)[:-1], "is not a LevelDB table"),
        (table(10, 20, 35, 2**62), "its index of 4611686018427387904 bytes at byte 35"),
        (table(2**63, 20, 35, 60), "its meta index of 20 bytes at byte 9223372036854775808"),
        (table(10, 20, 35, 61), "its index of 61 bytes"),
        (bytes(100) + b"\xff" * 40 + MAGIC, "its footer is damaged"),
    ],
)
def test_lies_are_found(tmp_path, data, part):
    (tmp_path / "000005.ldb").write_bytes(data)
    with pytest.raises(CaffeFormatError) as caught:
        check_tables(tmp_path)
    assert str(tmp_path / "000005.ldb") in str(caught.value)
    assert part in str(caught.value)

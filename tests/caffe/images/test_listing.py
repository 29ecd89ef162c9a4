"""Listings, as Caffe reads them."""

import pytest

from dgnam.caffe.images.listing import Entry, read_listing
from dgnam.errors import CaffeFormatError, DgnamError


def read(folder, content: bytes):
    (folder / "list.txt").write_bytes(content)
    return read_listing(folder / "list.txt")


def test_the_last_space_parts_path_from_label(tmp_path):
    assert read(tmp_path, b"a b/c.jpg 3\nd.jpg -1\n") == [Entry("a b/c.jpg", 3, 1), Entry("d.jpg", -1, 2)]


def test_line_ends(tmp_path):
    assert read(tmp_path, b"a 1\r\nb 2") == [Entry("a", 1, 1), Entry("b", 2, 2)]


def test_a_line_without_a_label_has_the_number_that_it_begins_with(tmp_path):
    assert [(e.path, e.label) for e in read(tmp_path, b"a.jpg\n12b.jpg\n\nc 1\n4294967299.jpg\n")] == [
        ("a.jpg", 0),
        ("12b.jpg", 12),
        ("", 0),
        ("c", 1),
        ("4294967299.jpg", 3),
    ]


def test_paths_are_bytes(tmp_path):
    assert read(tmp_path, b"caf\xe9 1\n")[0].path.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize("label", [b"cat", b"1.5", b"", b"1_0", b"99999999999", b"2147483648", b"\xd9\xa3"])
def test_labels_that_are_none(tmp_path, label):
    with pytest.raises(CaffeFormatError, match=r"list\.txt, line 2: "):
        read(tmp_path, b"a 1\nb " + label + b"\n")


def test_no_listing_and_an_empty_one(tmp_path):
    with pytest.raises(DgnamError, match="absent: no such file"):
        read_listing(tmp_path / "absent")
    with pytest.raises(CaffeFormatError, match="the listing is empty"):
        read(tmp_path, b"")


def test_a_byte_order_mark_is_no_part_of_a_path(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbfa.png 1\n") == [Entry("a.png", 1, 1)]


def test_utf_16_is_no_listing(tmp_path):
    with pytest.raises(CaffeFormatError, match=r"list\.txt: is not a text; a listing is UTF-8"):
        read(tmp_path, "a.png 1\n".encode("utf-16"))

"""Text files of any origin: marks, encodings and line ends, and what is refused."""

import codecs

import pytest

from dgnam.errors import DgnamError, FormatError
from dgnam.files.text import decode, read_lines, split_lines

TEXT = "Zürich\nλ"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
    ],
)
def test_every_encoding_gives_the_same_text(content):
    assert decode(content, "a.txt", "a list") == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zero_bytes(encoding):
    assert decode("image,score\r\na,1".encode(encoding), "a.csv", "a table") == "image,score\r\na,1"


def test_lines_end_as_on_any_system_and_at_nothing_else():
    assert split_lines("a\nb\r\nc\rd\n\ne\x0bf\x85g\u2028h") == ["a", "b", "c", "d", "", "e\x0bf\x85g\u2028h"]
    assert split_lines("") == []
    assert split_lines("a") == ["a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\xe9c", r"a\.txt, line 2: is not a text in UTF-8 \(byte 0xe9\), so not a list; save it as UTF-8"),
        (b"\xff\xfe\x00", "is not a text in UTF-16-LE"),
        (b"a\0b\0\0c" * 20, "is not a text, so not a list: it holds zero bytes"),
        (b"abc\0" * 20 + b"x", "holds zero bytes"),
        (b"PK\x03\x04rest", r"is a zip archive, as \.xlsx files are, not a list"),
        (b"\x89PNG", "is a PNG image, not a list"),
        (b"<!DOCTYPE html>", "is a web page"),
    ],
)
def test_what_is_no_text_is_named(content, message):
    with pytest.raises(FormatError, match=message):
        decode(content, "a.txt", "a list")


def test_other_bytes_may_be_kept():
    assert decode(b"a\xe9", "a.txt", "a list", any_bytes=True) == "a\udce9"


def test_a_file_that_is_too_long_or_missing(tmp_path):
    (tmp_path / "a.txt").write_text("abc")
    assert read_lines(tmp_path / "a.txt", 3, "a list") == ["abc"]
    with pytest.raises(FormatError, match=r"3 bytes are too many for a list \(at most 2\)"):
        read_lines(tmp_path / "a.txt", 2, "a list")
    with pytest.raises(DgnamError, match="no such file"):
        read_lines(tmp_path / "b.txt", 2, "a list")

"""Listings: lines, labels, and the memory that long ones take."""

import tracemalloc

import numpy as np
import pytest

from dgnam.data.dataset import open_dataset
from dgnam.data.listing import Line, parse_line
from dgnam.data.picture import DataError


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"a.png 3\r\n", Line(1, "a.png", 3)),
        (b"my picture.png -1\n", Line(1, "my picture.png", -1)),
        (b"a.png\t007", Line(1, "a.png", 7)),
        (b"a.png", Line(1, "a.png", None)),
        (b"a.png 1234567890", Line(1, "a.png 1234567890", None)),
        (b" \r\n", None),
        (b"\xff.png 1", Line(1, "\udcff.png", 1)),
        ("a.png ²".encode(), Line(1, "a.png ²", None)),
    ],
)
def test_lines(raw, line):
    assert parse_line(1, raw) == line


def test_labels_of_a_partly_labeled_listing(tmp_path):
    (tmp_path / "list.txt").write_text("a.png 1\n\nb.png\nc.png 1\n")
    dataset = open_dataset(tmp_path / "list.txt")
    assert dataset.labels is None
    assert [picture.label for picture in dataset] == [1, None, 1]
    assert [picture.name.rsplit("/", 1)[-1] for picture in dataset.of_class(1)] == ["a.png", "c.png"]
    with pytest.raises(DataError, match=r"list\.txt, line 3: 'b\.png' is not of the form 'path label'"):
        dataset.take(slice(None))


def test_a_long_listing_takes_little_memory(tmp_path):
    count = 30_000
    path = tmp_path / "list.txt"
    path.write_text("".join(f"some/folder/of/pictures/{number:08d}.jpg {number % 1000}\n" for number in range(count)))
    tracemalloc.start()
    try:
        dataset = open_dataset(path)
        assert sum(1 for _ in dataset) == len(dataset) == count
        streaming = tracemalloc.get_traced_memory()[1]
        assert dataset[27_777].label == 777
        assert np.array_equal(dataset.labels, np.arange(count) % 1000)
        indexed = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert streaming < 500_000
    assert indexed < 60 * count


def test_lines_end_anywhere_in_a_long_listing(tmp_path):
    names = [f"{'x' * (number % 97)}{number}.png" for number in range(3000)]
    path = tmp_path / "list.txt"
    path.write_text("\n".join(f"{name} {number}" for number, name in enumerate(names)))
    dataset = open_dataset(path)
    assert [picture.name.rsplit("/", 1)[-1] for picture in dataset] == names
    assert dataset[2999].label == 2999
    path.write_text("a.png 1\n" * 20_000 + "x" * 4097 + "\nb.png 2\n")
    with pytest.raises(DataError, match="line 20001: is longer than 4096 bytes"):
        open_dataset(path)


def pictures(folder, content):
    (folder / "list.txt").write_bytes(content)
    return open_dataset(folder / "list.txt")


def test_a_byte_order_mark_is_no_part_of_a_path(tmp_path):
    found = pictures(tmp_path, b"\xef\xbb\xbfa.png 1\r\nb.png 2\r\n")
    assert [(picture.name.rsplit("/", 1)[-1], picture.label) for picture in found] == [("a.png", 1), ("b.png", 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a.png 1\nb.png 2\n".encode("utf-16"), r"list\.txt: is a text in UTF-16; save it as UTF-8"),
        (b"a.png 1\rb.png 2\r", "its lines end in carriage returns alone"),
        (b"a.png 1\rb.png 2", "its lines end in carriage returns alone"),
    ],
)
def test_texts_that_are_no_listing_are_named(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        pictures(tmp_path, content)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_label_behind_a_comma_is_told(tmp_path, separator):
    found = pictures(tmp_path, f"a.png{separator}3\n".encode())
    with pytest.raises(DataError, match=r"there is no .*a\.png.3; a line is 'path label', with a blank between"):
        found[0].read()


def test_class_names_beside_a_listing_have_any_encoding(tmp_path):
    (tmp_path / "classes.txt").write_bytes("n1 größe\r\nn2 b".encode("utf-16"))
    assert tuple(pictures(tmp_path, b"a.png 1\n").classes) == ("größe", "b")

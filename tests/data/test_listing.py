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
    count = 100_000
    path = tmp_path / "list.txt"
    path.write_text("".join(f"some/folder/of/pictures/{number:08d}.jpg {number % 1000}\n" for number in range(count)))
    tracemalloc.start()
    try:
        dataset = open_dataset(path)
        assert sum(1 for _ in dataset) == len(dataset) == count
        streaming = tracemalloc.get_traced_memory()[1]
        assert dataset[77_777].label == 777
        assert np.array_equal(dataset.labels, np.arange(count) % 1000)
        indexed = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert streaming < 500_000
    assert indexed < 60 * count

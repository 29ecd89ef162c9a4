"""Window files, and what is said of those that are none."""

import pytest

from dgnam.caffe.layer_types.data.window_file import Window, read_window_file
from dgnam.errors import CaffeFormatError, DgnamError

GOOD = "# 0\na.png\n3\n10\n20\n2\n1 0.5 1 2 3 4\n2 0.25 0 0 9 9\n# 1\nb.png 3 5\t5\r\n0\n"


def read(folder, text: str):
    (folder / "windows.txt").write_text(text)
    return read_window_file(folder / "windows.txt")


def test_images_and_their_windows(tmp_path):
    found = read(tmp_path, GOOD)
    assert found.paths == ["a.png", "b.png"]
    assert found.channels == 3
    assert found.windows == [Window(0, 1, 0.5, 1, 2, 3, 4), Window(0, 2, 0.25, 0, 0, 9, 9)]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (GOOD, "", "the window file is empty"),
        ("# 0", "0", "line 1: a # before the next image is expected, and there is '0'"),
        ("# 0", "# a", "line 1: the index of an image, a whole number, is expected, and there is 'a'"),
        ("# 0", "# 2", "there is an image of index 2, and indices count from 0 to 1"),
        ("10\n", "1e1\n", "line 4: the height, a whole number, is expected, and there is '1e1'"),
        ("0.25", "x", "line 8: an overlap, a number, is expected"),
        ("0.25", "nan", "line 8: an overlap, a number, is expected"),
        ("9 9\n", "9 99999999999\n", "line 8: y2, of at most 32 bits, is expected"),
        ("2\n1 0.5", "3\n1 0.5", "line 9: a class, a whole number, is expected, and there is '#'"),
        ("5\t5\r\n0\n", "", "line 10: the file ends where the height is expected"),
    ],
)
def test_files_that_are_none(tmp_path, before, after, message):
    assert before in GOOD
    with pytest.raises(CaffeFormatError, match=f"windows.txt.*{message}"):
        read(tmp_path, GOOD.replace(before, after))


def test_no_file(tmp_path):
    with pytest.raises(DgnamError, match="absent: no such file"):
        read_window_file(tmp_path / "absent")

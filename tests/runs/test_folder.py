"""The names of run folders and of files in folders of a thousand."""

import pytest

from dgnam.errors import DgnamError
from dgnam.runs.folder import create_folder, folder_name, in_folders, new_folder


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DgnamError, match=r"cannot make a run folder in .*file"):
        new_folder(tmp_path / "file", "a")
    with pytest.raises(DgnamError, match=r"cannot make the folder .*file"):
        create_folder(tmp_path / "file")


def test_the_first_free_number_is_taken(tmp_path):
    for name in ("a-1", "a-3"):
        (tmp_path / "deep" / name).mkdir(parents=True)
    assert [new_folder(tmp_path / "deep", "a").name for _ in range(2)] == ["a-2", "a-4"]


def test_names_are_safe_and_short():
    assert folder_name("fc8:lemon, 'x'/..") == "fc8-lemon-x"
    assert folder_name("...") == "run"
    assert folder_name("a" * 90) == "a" * 80


def test_thousands_share_a_folder():
    assert [in_folders(number, "x") for number in (0, 999, 1000, 12345)] == ["x", "x", "0001/x", "0012/x"]

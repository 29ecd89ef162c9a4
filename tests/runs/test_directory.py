"""The working directory of a run, for as long as the run is at work there."""

import os
import sys

import pytest

from dgnam.runs.directory import relative_paths, working_in


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The working directory, and another folder."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", ["", "lib", *sys.path])
    return tmp_path / "here", tmp_path / "there"


@pytest.mark.parametrize("error", [None, ValueError("in it")])
def test_the_directory_and_the_imports_come_back(folders, error):
    (here, there), path = folders, list(sys.path)
    try:
        with working_in(str(there)) as moved:
            assert moved
            assert os.getcwd() == str(there)
            assert sys.path[:2] == [str(here), str(here / "lib")]
            if error is not None:
                raise error
    except ValueError:
        assert error is not None
    assert os.getcwd() == str(here)
    assert sys.path == path


@pytest.mark.parametrize("name", [None, "here", "gone", "file", "nul\0"])
def test_where_there_is_no_other_folder_nothing_moves(folders, name):
    (here, _), path = folders, list(sys.path)
    (here.parent / "file").write_text("no folder")
    with working_in(None if name is None else f"{here.parent}/{name}") as moved:
        assert not moved
        assert os.getcwd() == str(here)
        assert sys.path == path
    assert os.getcwd() == str(here)


def test_relative_paths_of_a_spec():
    spec = {
        "images": "pictures",
        "target": "nets/a.prototxt",
        "start": ["image:cat.jpg", "fc8:3"],
        "prior": "/abs/b.prototxt",
        "n_iters": 3,
    }
    found = set(relative_paths(spec))
    assert {"pictures", "nets/a.prototxt", "cat.jpg"} <= found
    assert not found & {"/abs/b.prototxt", "fc8:3", "3", "fc8"}

"""Run folders: numbered, whole, and the same to the byte."""

import json

import h5py
import numpy as np
import pytest

from dgnam.errors import DgnamError
from dgnam.runs.folder import RunFolder, read_json, sha256, versions


def fill(folder: RunFolder) -> None:
    folder.write_json("run.json", {"b": 1, "a": "ü"})
    folder.write_png("sub/picture.png", np.full((2, 3, 3), 7, np.uint8))
    folder.write_arrays("codes.h5", {"codes": np.arange(6, dtype=np.float32)}, {"layer": "fc8"})


def test_a_run_never_overwrites_another(tmp_path):
    first, second = (RunFolder.create(tmp_path / "runs", "fig") for _ in range(2))
    assert (first.path.name, second.path.name) == ("fig-1", "fig-2")


def test_the_same_content_gives_the_same_bytes(tmp_path):
    folders = [RunFolder.create(tmp_path, "fig") for _ in range(2)]
    for folder in folders:
        fill(folder)
    names = sorted(p.relative_to(folders[0].path) for p in folders[0].path.rglob("*") if p.is_file())
    assert [str(n) for n in names] == ["codes.h5", "run.json", "sub/picture.png"]
    for name in names:
        assert sha256(folders[0].path / name) == sha256(folders[1].path / name)


def test_what_is_written_reads_back(tmp_path):
    folder = RunFolder.create(tmp_path, "fig")
    fill(folder)
    assert json.loads((folder.path / "run.json").read_text()) == {"a": "ü", "b": 1}
    with h5py.File(folder.path / "codes.h5") as file:
        assert file["codes"][3] == 3
        assert file.attrs["layer"] == "fc8"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    folder = RunFolder.create(tmp_path, "fig")
    folder.write_json("run.json", {"a": 1})
    with pytest.raises(TypeError):
        folder.write_json("run.json", {"a": object()})
    assert json.loads((folder.path / "run.json").read_text()) == {"a": 1}


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DgnamError, match="no run folder can be made in"):
        RunFolder.create(tmp_path / "file", "fig")


def test_versions_name_what_decides_the_numbers():
    assert {"dgnam", "python", "torch", "numpy"} <= versions().keys()


def test_a_folder_at_a_place_must_be_empty(tmp_path):
    made = RunFolder.create_at(tmp_path / "deep" / "run")
    assert RunFolder.create_at(made.path) == made
    made.write_text("note.txt", "here")
    with pytest.raises(DgnamError, match="is not empty"):
        RunFolder.create_at(made.path)


@pytest.mark.parametrize(("text", "reason"), [("{", "not JSON"), ("[1]", "no record, but a list")])
def test_a_record_that_cannot_be_read_is_named(tmp_path, text, reason):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DgnamError, match=f"run.json: {reason}"):
        read_json(tmp_path / "run.json")
    RunFolder(tmp_path).write_json("run.json", {"a": [1, None]})
    assert read_json(tmp_path / "run.json") == {"a": [1, None]}

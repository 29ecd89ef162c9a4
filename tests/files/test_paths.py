"""Where files are looked for that another file names; files replaced whole, and errors that name them."""

from __future__ import annotations

import errno
import os

import pytest

from dgnam.errors import DgnamError
from dgnam.files.paths import found_beside, looked_up, replacing, writing_text


def test_the_first_folder_that_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "b/file").touch()
    assert looked_up("file", "a", "b") == "b/file"
    (tmp_path / "a/file").touch()
    assert looked_up("file", "a", "b") == "a/file"
    (tmp_path / "file").touch()
    assert looked_up("file", "a", "b") == "file"
    assert looked_up("absent", "a", "b") == "absent"
    assert looked_up(f"{tmp_path}/a/file", "b") == f"{tmp_path}/a/file"
    assert looked_up("a\0b", "b") == "a\0b"


def test_beside_the_file_that_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/net.prototxt").touch()
    assert found_beside("net.prototxt", "sub/solver.prototxt") == "sub/net.prototxt"
    (tmp_path / "net.prototxt").touch()
    assert found_beside("net.prototxt", "sub/solver.prototxt") == "net.prototxt"
    with pytest.raises(DgnamError, match="absent: no such file, neither from the working directory nor beside sub/s"):
        found_beside("absent", "sub/solver.prototxt")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EFBIG])
def test_a_failing_disk_is_named_by_its_file(tmp_path, number):
    (tmp_path / "a.png").write_text("before")

    def write():
        with replacing(tmp_path / "a.png") as part:
            part.write_text("half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(DgnamError, match=rf"a\.png: can't be written \({os.strerror(number)}\)"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_text() == "before"


def test_a_text_written_in_parts_is_utf8(tmp_path):
    with writing_text(tmp_path / "table.csv") as add:
        add("caf\udce9\n")
        add("日本\r\n")
    assert (tmp_path / "table.csv").read_bytes() == "caf\\udce9\n日本\r\n".encode()


def test_other_errors_pass_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.png"):
        open(tmp_path / "nowhere")  # noqa: SIM115
    with pytest.raises(ValueError, match="x"), replacing(tmp_path / "a.png"):
        raise ValueError("x")
    assert list(tmp_path.iterdir()) == []

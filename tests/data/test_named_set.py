"""Named sets: their places, their contents, and the errors of broken ones."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from dgnam.data.dataset import open_dataset
from dgnam.data.named_set import data_folder
from dgnam.data.picture import DataError


def png(color, size=(8, 8)):
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, format="PNG")
    return out.getvalue()


def write_zip(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return path


def test_parts_are_read_in_order_and_classes_named(tmp_path):
    for part, color in enumerate(((255, 0, 0), (0, 255, 0))):
        files = {"a.png": png(color), "train.txt": f"a.png {part}\n", "classes.txt": "n01 red fox\nn02 lime\n"}
        write_zip(tmp_path / f"toy-train-{part}.zip", files)
    dataset = open_dataset("toy-train", folder=tmp_path)
    assert dataset.labels.tolist() == [0, 1]
    assert dataset.classes == ("red fox", "lime")
    assert dataset.take(slice(None))[0][:, 0, 0].tolist() == [[255, 0, 0], [0, 255, 0]]


def test_a_zip_in_use_is_not_read_again_unless_it_has_changed(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "toy-val.zip", {"a.png": png((1, 2, 3)), "val.txt": "a.png 7\n"})
    first = open_dataset("toy-val", folder=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZipFile", None)
        assert open_dataset("toy-val", folder=tmp_path).labels.tolist() == [7]
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        patch.setattr(zipfile, "ZipFile", None)
        with pytest.raises(DataError, match="NoneType"):
            open_dataset("toy-val", folder=tmp_path)  # as after a fork
    write_zip(path, {"a.png": png((1, 2, 3)), "b.png": png((4, 5, 6)), "val.txt": "b.png 8\na.png 9\n"})
    assert open_dataset("toy-val", folder=tmp_path).labels.tolist() == [8, 9]
    assert first.labels.tolist() == [7]


def test_one_zip_or_folder_may_hold_all_splits(tmp_path):
    write_zip(tmp_path / "toy.zip", {"a.png": png((1, 2, 3)), "val.txt": "a.png 7\n"})
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "my picture.png").write_bytes(png((4, 5, 6)))
    (tmp_path / "plain" / "val.txt").write_text("my picture.png 3\n")
    assert open_dataset("toy-val", folder=tmp_path).labels.tolist() == [7]
    assert open_dataset("plain-val", folder=tmp_path).labels.tolist() == [3]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"val.txt": "a.png 0\n"}, "holds no file 'a.png'"),
        ({"a.png": png((0, 0, 0))}, "holds no file 'val.txt'"),
        ({"a.png": b"not a picture", "val.txt": "a.png 0\n"}, "a.png: not an image of a supported format"),
        ({"a.png": png((0, 0, 0)), "val.txt": "a.png x\n"}, "val.txt, line 1: 'a.png x' is not of the form"),
        ({"val.txt": ""}, r"val.txt: the listing is empty"),
        (
            {"a.png": png(0), "b.png": png(0, (9, 8)), "val.txt": "a.png 0\nb.png 0\n"},
            "picture 1 is 8x9, and",
        ),
    ],
)
def test_a_broken_set_is_one_error_that_names_the_file(tmp_path, files, message):
    write_zip(tmp_path / "toy-val.zip", files)
    with pytest.raises(DataError, match=message):
        open_dataset("toy-val", folder=tmp_path).in_memory()


def test_a_zip_that_is_none_is_an_error(tmp_path):
    (tmp_path / "toy-val.zip").write_bytes(b"PK but no")
    with pytest.raises(DataError, match=r"toy-val\.zip is not a whole zip"):
        open_dataset("toy-val", folder=tmp_path).in_memory()


def test_missing_sets_and_folders_say_what_would_do(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"no image set 'toy-val'.*toy-val.zip.*toy-val-0.zip.*toy.zip"):
        open_dataset("toy-val", folder=tmp_path).in_memory()
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    with pytest.raises(DataError, match=r"DGNAM_DATA.*--data"):
        data_folder()
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    with pytest.raises(DataError, match="not a folder"):
        data_folder(tmp_path / "absent")

"""Image sets: where they are looked for, what they hold, and what is said of broken ones."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgnam.data.image_set import DataError, centre_crop, crop, data_folder, deprocess, load_set, preprocess


def png(colour, size=(8, 8)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, format="PNG")
    return out.getvalue()


def write_zip(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return path


def test_parts_are_read_in_order_and_classes_named(tmp_path):
    for part, colour in enumerate(((255, 0, 0), (0, 255, 0))):
        files = {"a.png": png(colour), "train.txt": f"a.png {part}\n", "classes.txt": "n01 red fox\nn02 lime\n"}
        write_zip(tmp_path / f"toy-train-{part}.zip", files)
    images = load_set("toy-train", tmp_path)
    assert images.labels.tolist() == [0, 1]
    assert images.classes == ("red fox", "lime")
    assert images.images[:, 0, 0].tolist() == [[255, 0, 0], [0, 255, 0]]


def test_one_zip_or_folder_may_hold_all_splits(tmp_path):
    write_zip(tmp_path / "toy.zip", {"a.png": png((1, 2, 3)), "val.txt": "a.png 7\n"})
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "my picture.png").write_bytes(png((4, 5, 6)))
    (tmp_path / "plain" / "val.txt").write_text("my picture.png 3\n")
    assert load_set("toy-val", tmp_path).labels.tolist() == [7]
    assert load_set("plain-val", tmp_path).labels.tolist() == [3]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"val.txt": "a.png 0\n"}, "holds no file 'a.png'"),
        ({"a.png": png((0, 0, 0))}, "holds no file 'val.txt'"),
        ({"a.png": b"not a picture", "val.txt": "a.png 0\n"}, "a.png: not a readable picture"),
        ({"a.png": png((0, 0, 0)), "val.txt": "a.png x\n"}, "val.txt, line 1: 'a.png x' is not of the form"),
        ({"val.txt": ""}, "listing val.txt is empty"),
        ({"a.png": png(0), "b.png": png(0, (9, 8)), "val.txt": "a.png 0\nb.png 0\n"}, r"b.png is \(8, 9\)"),
    ],
)
def test_a_broken_set_is_one_error_that_names_the_file(tmp_path, files, message):
    write_zip(tmp_path / "toy-val.zip", files)
    with pytest.raises(DataError, match=message):
        load_set("toy-val", tmp_path)


def test_a_zip_that_is_none_is_an_error(tmp_path):
    (tmp_path / "toy-val.zip").write_bytes(b"PK but no")
    with pytest.raises(DataError, match=r"toy-val\.zip is not a whole zip"):
        load_set("toy-val", tmp_path)


def test_missing_sets_and_folders_say_what_would_do(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"no image set 'toy-val'.*toy-val.zip.*toy-val-0.zip.*toy.zip"):
        load_set("toy-val", tmp_path)
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    with pytest.raises(DataError, match=r"--data.*DGNAM_DATA"):
        data_folder()
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    with pytest.raises(DataError, match="not a folder"):
        data_folder(tmp_path / "absent")


def test_preprocessing_is_bgr_minus_the_mean_and_comes_back():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    x = preprocess(images)
    assert x.shape == (2, 3, 4, 5)
    assert x[0, 0, 1, 2] == np.float32(images[0, 1, 2, 2]) - 104
    assert x[0, 2, 1, 2] == np.float32(images[0, 1, 2, 0]) - 123
    assert np.array_equal(deprocess(x), images)


def test_crops_have_their_places_and_mirrors():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    cut = crop(images, 2, np.array([0, 2]), np.array([1, 0]), np.array([False, True]))
    assert np.array_equal(cut[0], images[0, :2, 1:3])
    assert np.array_equal(cut[1], images[1, 2:, 1::-1])
    assert np.array_equal(centre_crop(images, 2), images[:, 1:3, 1:3])

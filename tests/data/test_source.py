"""What a data layer's source names: sets, listings, folders, zips and databases; first classes; modifications."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.databases.datum import encoded_datum, image_datum
from dgnam.caffe.databases.db import create_database
from dgnam.caffe.images.cv_resize import resize_bilinear
from dgnam.data import source as source_module
from dgnam.data.image_set import DataError, load_set
from dgnam.data.modifications import brg
from dgnam.data.source import Half, load_source
from dgnam.errors import DgnamError


def test_a_set_by_name(data_folder):
    loaded, plain = load_source("toy-train", data_folder), load_set("toy-train", data_folder)
    assert np.array_equal(loaded.images, plain.images)
    assert np.array_equal(loaded.labels, plain.labels)


def test_the_first_classes(data_folder):
    whole, some = load_set("toy-train", data_folder), load_source("toy-train[:4]", data_folder)
    assert set(some.labels) == {0, 1, 2, 3}
    assert np.array_equal(some.images, whole.images[whole.labels < 4])


def test_every_so_many_pictures(data_folder):
    whole, some = load_set("toy-train", data_folder), load_source("toy-train[::7]", data_folder)
    assert len(some) == 18
    assert np.array_equal(some.images, whole.images[::7])
    assert np.array_equal(some.labels, whole.labels[::7])
    assert len(load_source("toy-train[::7]+blur", data_folder)) == 36


def test_modified_pictures_follow_under_labels_of_their_own(data_folder):
    regular, both = load_source("toy-val[:4]", data_folder), load_source("toy-val[:4]+brg", data_folder)
    assert len(both) == 2 * len(regular)
    (first, first_labels), (second, second_labels) = (Half(both, k).take(slice(None)) for k in (0, 1))
    assert np.array_equal(first, regular.images)
    assert np.array_equal(first_labels, regular.labels)
    assert np.array_equal(second, brg(regular.images))
    assert np.array_equal(second_labels, regular.labels + 4)
    assert both.name == "toy-val[:4]+brg"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("toy-val[:0]", "no picture is of the first 0 classes"),
        ("toy-val[3]", r"source 'toy-val\[3\]' is not of the form NAME"),
        ("toy-val[:2]+", "is not of the form"),
        ("toy-val[::0]", r"is not of the form NAME, NAME\[:CLASSES\] or NAME\[::STEP\]"),
        ("toy-val+blurry", "there is no modification 'blurry'; there are: blur, "),
        ("toi-train[:2]", "no image set 'toi-train'"),
    ],
)
def test_other_sources_are_clear_errors(source, message, data_folder):
    with pytest.raises((DgnamError, DataError), match=message):
        load_source(source, data_folder)


@pytest.fixture
def forms(data_folder, tmp_path) -> dict[str, Path]:
    """The pictures of toy-val as each form that a source may have."""
    with zipfile.ZipFile(data_folder / "toy.zip") as zipped:
        zipped.extractall(tmp_path / "toy")
    lines = (tmp_path / "toy" / "val.txt").read_text().split("\n")[:-1]
    loaded = load_set("toy-val", data_folder)
    for k, line in enumerate(lines):
        path, label = line.rsplit(" ", 1)
        target = tmp_path / "classes" / f"class {label}" / f"{k:03}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((tmp_path / "toy" / path).read_bytes())
    database = create_database(tmp_path / "val_lmdb", "lmdb")
    for k, (image, label) in enumerate(zip(loaded.images, loaded.labels, strict=True)):
        encoded = k % 2 == 0
        datum = (
            encoded_datum((tmp_path / "toy" / f"val/{k}.png").read_bytes(), int(label))
            if encoded
            else image_datum(image[..., ::-1], int(label))
        )
        database.put(f"{k:08}".encode(), datum.SerializeToString())
    database.commit()
    database.close()
    (tmp_path / "elsewhere.txt").write_text("".join(line + "\n" for line in lines))
    return {
        "listing": tmp_path / "toy" / "val.txt",
        "zip": data_folder / "toy.zip" / "val.txt",
        "database": tmp_path / "val_lmdb/",
        "classes": tmp_path / "classes",
        "elsewhere": tmp_path / "elsewhere.txt",
    }


@pytest.mark.parametrize("form", ["listing", "zip", "database"])
@pytest.mark.parametrize("memory", [0, 1 << 30])
def test_every_form_gives_the_same_pictures(form, memory, forms, data_folder, monkeypatch):
    monkeypatch.setattr(source_module, "IN_MEMORY", memory)
    wanted, found = load_set("toy-val", data_folder), load_source(str(forms[form]))
    assert (len(found), found.size) == (60, (16, 16))
    for places in (slice(None), slice(20, 30), np.array([59, 3, 3])):
        for ours, theirs in zip(found.take(places), wanted.take(places), strict=True):
            assert np.array_equal(ours, theirs)


def test_a_folder_has_a_class_for_each_of_its_folders(forms, data_folder):
    wanted, found = load_set("toy-val", data_folder), load_source(str(forms["classes"]))
    assert found.classes == tuple(f"class {label}" for label in range(6))
    order = np.argsort(wanted.labels, kind="stable")
    assert np.array_equal(found.images, wanted.images[order])
    assert np.array_equal(found.labels, wanted.labels[order])


def test_paths_are_looked_for_in_the_data_folder_and_listings_under_their_root(forms, data_folder):
    wanted = load_set("toy-val", data_folder)
    relative = load_source("toy/val.txt", forms["elsewhere"].parent)
    rooted = load_source(str(forms["elsewhere"]), root=str(forms["elsewhere"].parent / "toy"))
    assert np.array_equal(relative.take(slice(None))[0], wanted.images)
    assert np.array_equal(rooted.take(slice(None))[0], wanted.images)


def test_pictures_are_resized_as_opencv_does(forms, data_folder):
    wanted, found = load_set("toy-val", data_folder), load_source(str(forms["listing"]), resize=(10, 12))
    assert found.size == (10, 12)
    assert np.array_equal(found.take(slice(0, 1))[0][0], resize_bilinear(wanted.images[0], 10, 12))


def test_modified_pictures_on_disk_are_those_in_memory(forms, data_folder, monkeypatch):
    source = f"{forms['listing']}[:4]+shuffled"
    inside = load_source(source).take(slice(None))
    monkeypatch.setattr(source_module, "IN_MEMORY", 0)
    outside = load_source(source)
    places = np.array([70, 3, 41, 5, 42])
    for ours, theirs in zip(outside.take(places), inside, strict=True):
        assert np.array_equal(ours, theirs[places])
    assert len(Half(outside, 1)) == len(outside) // 2


@pytest.mark.parametrize(
    ("form", "change", "message"),
    [
        ("elsewhere", "", r"val/0\.png can't be read \(No such file or directory\); is it under another root\?"),
        ("database", "[:2]", "a database's labels aren't known before it is read; give a listing"),
        ("listing", "x", r"there is no .*val\.txtx"),
    ],
)
def test_what_is_wrong_with_a_path_is_said(form, change, message, forms):
    with pytest.raises(DataError, match=message):
        load_source(f"{forms[form]}{change}")


def test_pictures_of_several_sizes_need_a_resize(forms, tmp_path):
    Image.new("RGB", (20, 16)).save(tmp_path / "toy" / "val" / "7.png")
    with pytest.raises(DataError, match="picture 7 is 16x20, and the first one 16x16: give new_height and new_width"):
        load_source(str(forms["listing"]))
    assert load_source(str(forms["listing"]), resize=(16, 16)).size == (16, 16)

"""Datasets by index: each form gives the same pictures; first classes, modifications, sizes."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.databases.backends import create_database
from dgnam.caffe.databases.datum import encoded_datum, image_datum
from dgnam.caffe.images.cv_resize import resize_bilinear
from dgnam.data.dataset import Dataset, open_dataset
from dgnam.data.modifications import brg
from dgnam.data.picture import DataError
from dgnam.errors import DgnamError


def whole(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """All pictures and labels."""
    return dataset.take(slice(None))


def test_first_classes(data_folder):
    pictures, labels = whole(open_dataset("toy-train", folder=data_folder))
    some, kept = whole(open_dataset("toy-train[:4]", folder=data_folder))
    assert set(kept) == {0, 1, 2, 3}
    assert np.array_equal(some, pictures[labels < 4])


def test_every_seventh_picture(data_folder):
    pictures, labels = whole(open_dataset("toy-train", folder=data_folder))
    some = open_dataset("toy-train[::7]", folder=data_folder)
    assert len(some) == 18
    assert np.array_equal(whole(some)[0], pictures[::7])
    assert np.array_equal(whole(some)[1], labels[::7])
    assert len(open_dataset("toy-train[::7]+blur", folder=data_folder)) == 36


def test_modified_pictures_follow_with_their_own_labels(data_folder):
    regular = open_dataset("toy-val[:4]", folder=data_folder)
    both = open_dataset("toy-val[:4]+brg", folder=data_folder)
    assert len(both) == 2 * len(regular)
    (first, first_labels), (second, second_labels) = (whole(both.half(k)) for k in (0, 1))
    assert np.array_equal(first, whole(regular)[0])
    assert np.array_equal(first_labels, regular.labels)
    assert np.array_equal(second, brg(whole(regular)[0]))
    assert np.array_equal(second_labels, regular.labels + 4)
    assert np.array_equal(both.labels, np.concatenate([first_labels, second_labels]))
    assert both.name == "toy-val[:4]+brg"
    assert [picture.label for picture in both] == both.labels.tolist()
    assert np.array_equal(both[len(regular)].read(), second[0])
    assert np.array_equal(both[-1].read(gray=True).shape, (16, 16, 1))


def test_modified_pictures_are_named_where_the_last_class_has_none(tmp_path):
    for name in "abcdefghij":
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), ord(name)).save(tmp_path / "set" / name / "0.png")
    regular, both = (open_dataset(f"{tmp_path / 'set'}[::4]{how}") for how in ("", "+blur"))
    assert (max(regular.labels), len(regular.classes)) == (8, 10)
    names = [both.classes[label] for label in both.labels]
    known = [regular.classes[label] for label in regular.labels]
    assert names == [*known, *(f"{name} (blur)" for name in known)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("toy-val[:0]", "no picture is of the first 0 classes"),
        ("toy-val[3]", r"'toy-val\[3\]' is not of the form NAME"),
        ("toy-val[:2]+", "is not of the form"),
        ("toy-val[::0]", r"is not of the form NAME, NAME\[:CLASSES\] or NAME\[::STEP\]"),
        ("toy-val+blurry", "there is no modification 'blurry'; there are: blur, "),
        ("toi-train[:2]", "no image set 'toi-train'"),
    ],
)
def test_other_names_are_errors(source, message, data_folder):
    with pytest.raises((DgnamError, DataError), match=message):
        open_dataset(source, folder=data_folder)


@pytest.fixture
def forms(data_folder, tmp_path) -> dict[str, Path]:
    """The pictures of toy-val as each form that a source may have."""
    with zipfile.ZipFile(data_folder / "toy.zip") as zipped:
        zipped.extractall(tmp_path / "toy")
    lines = (tmp_path / "toy" / "val.txt").read_text().split("\n")[:-1]
    loaded = whole(open_dataset("toy-val", folder=data_folder))
    for k, line in enumerate(lines):
        path, label = line.rsplit(" ", 1)
        target = tmp_path / "classes" / f"class {label}" / f"{k:03}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((tmp_path / "toy" / path).read_bytes())
    database = create_database(tmp_path / "val_lmdb", "lmdb")
    for k, (image, label) in enumerate(zip(*loaded, strict=True)):
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
@pytest.mark.parametrize("memory", [False, True])
def test_each_form_gives_the_same_pictures(form, memory, forms, data_folder):
    wanted, found = open_dataset("toy-val", folder=data_folder), open_dataset(str(forms[form]))
    found = found.in_memory() if memory else found
    assert (len(found), found.size) == (60, (16, 16))
    for places in (slice(None), slice(20, 30), np.array([59, 3, 3])):
        for ours, theirs in zip(found.take(places), wanted.take(places), strict=True):
            assert np.array_equal(ours, theirs)
    assert np.array_equal(found.labels, wanted.labels)
    for one, other, last in zip(found, wanted, range(60), strict=True):
        assert np.array_equal(one.read(), other.read())
        assert np.array_equal(found[last].read(), other.read())
        assert one.label == other.label == found[last].label


def test_folders_in_a_folder_are_classes(forms, data_folder):
    pictures, labels = whole(open_dataset("toy-val", folder=data_folder))
    found = open_dataset(str(forms["classes"]))
    assert found.classes == tuple(f"class {label}" for label in range(6))
    order = np.argsort(labels, kind="stable")
    assert np.array_equal(whole(found)[0], pictures[order])
    assert np.array_equal(found.labels, labels[order])
    (forms["classes"] / "loose.png").write_bytes((forms["classes"] / "class 0").glob("*.png").__next__().read_bytes())
    loose = open_dataset(forms["classes"])
    assert loose.labels is None
    with pytest.raises(DataError, match=r"classes: loose\.png has no label, since it does not lie"):
        loose.take(slice(0, 1))


def test_relative_paths_and_roots(forms, data_folder):
    wanted, _ = whole(open_dataset("toy-val", folder=data_folder))
    relative = open_dataset("toy/val.txt", folder=forms["elsewhere"].parent)
    rooted = open_dataset(str(forms["elsewhere"]), root=str(forms["elsewhere"].parent / "toy"))
    assert np.array_equal(whole(relative)[0], wanted)
    assert np.array_equal(whole(rooted)[0], wanted)


def test_resizing_is_that_of_opencv(forms, data_folder):
    wanted, _ = whole(open_dataset("toy-val", folder=data_folder))
    found = open_dataset(str(forms["listing"]), resize=(10, 12))
    assert found.size == (10, 12)
    assert np.array_equal(found.take(slice(0, 1))[0][0], resize_bilinear(wanted[0], 10, 12))


def test_modified_pictures_are_those_in_memory(forms):
    outside = open_dataset(f"{forms['listing']}[:4]+shuffled")
    inside = whole(outside.in_memory())
    places = np.array([70, 3, 41, 5, 42])
    for ours, theirs in zip(outside.take(places), inside, strict=True):
        assert np.array_equal(ours, theirs[places])
    assert len(outside.half(1)) == len(outside) // 2


@pytest.mark.parametrize(
    ("form", "change", "message"),
    [
        ("elsewhere", "", r"elsewhere\.txt, line 1: there is no .*val/0\.png; is it under another root\?"),
        ("listing", "x", r"val\.txtx: there is no such folder"),
    ],
)
def test_missing_pictures_and_listings_are_named(form, change, message, forms):
    with pytest.raises(DataError, match=message):
        whole(open_dataset(f"{forms[form]}{change}"))


def test_pictures_of_several_sizes_need_resizing(forms, tmp_path):
    Image.new("RGB", (20, 16)).save(tmp_path / "toy" / "val" / "7.png")
    with pytest.raises(DataError, match="picture 7 is 16x20, and the first one 16x16: give new_height and new_width"):
        whole(open_dataset(str(forms["listing"])))
    assert open_dataset(str(forms["listing"]), resize=(16, 16)).size == (16, 16)


def test_database_labels_take_a_pass(forms, data_folder):
    wanted, found = open_dataset("toy-val", folder=data_folder), open_dataset(f"{forms['database']}[:2]")
    kept = wanted.labels < 2
    assert np.array_equal(found.labels, wanted.labels[kept])
    assert np.array_equal(whole(found)[0], whole(wanted)[0][kept])


def test_index_beyond_the_end(data_folder):
    dataset = open_dataset("toy-val", folder=data_folder)
    assert dataset[-1].name == dataset[59].name
    with pytest.raises(IndexError, match="toy-val: picture 60 of 60"):
        dataset[60]
    with pytest.raises(IndexError, match="out of bounds"):
        dataset.take(np.array([60]))


def test_the_pictures_at_some_places_in_their_order():
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1).repeat(3, 3)
    every_second = Dataset.of_arrays("six", images, np.arange(6)).every(2)
    pictures, labels = every_second.at(np.array([2, 0])).take(slice(None))
    assert (pictures[:, 0, 0, 0].tolist(), labels.tolist()) == ([4, 0], [4, 0])

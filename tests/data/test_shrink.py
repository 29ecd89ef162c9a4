"""Bringing an image set to small squares."""

import io

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dgnam.cli import app as cli
from dgnam.data.dataset import open_dataset
from dgnam.data.shrink import shrink_set, small_square
from dgnam.errors import DgnamError


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path):
    """A folder `pictures` and listings of it beside it, whose last line's file is missing."""
    place = tmp_path / "pictures" / "a"
    place.mkdir(parents=True)
    for name in ("one", "two two", "three"):
        (place / f"{name}.jpg").write_bytes(jpeg(np.full((20, 30, 3), 90, np.uint8)))
    (tmp_path / "train.txt").write_text("a/one.jpg 0\na/two two.jpg 1\n\n")
    (tmp_path / "val.txt").write_text("a/three.jpg 1\na/one.jpg 0\na/absent.jpg 0\n")
    (tmp_path / "classes.txt").write_text("c0 first\nc1 second\n")
    return tmp_path


def test_the_center_square_is_kept():
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[:, 20:60] = 200
    small = np.asarray(Image.open(io.BytesIO(small_square(wide, 8))))
    assert small.shape == (8, 8, 3)
    assert small[:, 2:-2].min() > 180


def test_the_command_makes_a_set(folder):
    listings = [str(folder / "train.txt"), str(folder / "val.txt")]
    options = ["--root", str(folder / "pictures"), "--side", "16", "--classes", str(folder / "classes.txt"), "-q"]
    command = ["data", "shrink", *listings, *options, "--out", str(folder / "toy.zip"), "--skip-missing"]
    shown = CliRunner().invoke(cli.app, command, catch_exceptions=False)
    assert shown.stdout.splitlines()[:2] == ["train.txt: 2 pictures of 16 px", "val.txt: 2 pictures of 16 px"]
    pictures, labels = open_dataset("toy-train", folder=folder).take(slice(None))
    assert pictures.shape == (2, 16, 16, 3)
    assert labels.tolist() == [0, 1]
    dataset = open_dataset("toy-val", folder=folder)
    assert dataset.take(slice(None))[1].tolist() == [1, 0]
    assert dataset.classes == ("first", "second")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val.txt": "a/absent.jpg 0\n"}, r"val\.txt, line 1: there is no .*absent\.jpg"),
        ({"val.txt": "../one.jpg 0\n"}, r"val\.txt, line 1: '\.\./one\.jpg' leads out of the folder"),
        ({"val.txt": "/etc/passwd 0\n"}, "leads out of the folder"),
        ({"val.txt": ""}, "the listing is empty"),
        ({"val.txt": "a/one.jpg 0\n", "pictures/a/one.jpg": "no picture"}, r"one\.jpg"),
    ],
)
def test_a_bad_listing_is_an_error_and_writes_nothing(folder, change, message):
    for name, text in change.items():
        (folder / name).write_text(text)
    (folder / "toy.zip").write_text("before")
    with pytest.raises(DgnamError, match=message):
        shrink_set([folder / "train.txt", folder / "val.txt"], folder / "toy.zip", root=folder / "pictures")
    assert (folder / "toy.zip").read_text() == "before"
    assert not list(folder.glob(".*.part"))


def test_a_path_that_is_another_picture_in_a_second_listing_is_an_error(folder):
    other = folder / "other"
    (other / "a").mkdir(parents=True)
    (other / "a" / "one.jpg").write_bytes(jpeg(np.full((20, 30, 3), 7, np.uint8)))
    (other / "val.txt").write_text("a/one.jpg 0\n")
    (folder / "pictures" / "train.txt").write_text("a/one.jpg 0\n")
    listings = [folder / "pictures" / "train.txt", other / "val.txt"]
    with pytest.raises(
        DgnamError, match=r"val\.txt: 'a/one\.jpg' is .*other/a/one\.jpg here and .*pictures/a/one\.jpg in"
    ):
        shrink_set(listings, folder / "toy.zip")
    assert not (folder / "toy.zip").exists()
    assert shrink_set(listings, folder / "toy.zip", root=other) == {"train.txt": 1, "val.txt": 1}


def test_a_listing_without_a_picture_that_is_there_is_an_error(folder):
    with pytest.raises(DgnamError, match=r"train\.txt: none of its pictures is there, as .*one\.jpg: give the folder"):
        shrink_set([folder / "train.txt"], folder / "toy.zip", skip_missing=True)
    assert not (folder / "toy.zip").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"out": "pictures/a/one.jpg"}, r"one\.jpg: the set is written as a zip"),
        ({"side": 0}, "side 0: give 1 to 4096"),
        ({"listings": []}, "give one or more listings"),
        ({"listings": ["train.txt", "train.txt"]}, r"different names, .*, not train\.txt"),
        ({"listings": ["classes.txt"]}, r"not classes\.txt"),
        ({"listings": ["absent.txt"]}, r"absent\.txt: no such file"),
        ({"classes": "absent.txt"}, r"absent\.txt: no such file"),
        ({"out": "absent/toy.zip"}, "there is no folder"),
    ],
)
def test_wrong_arguments_are_named(folder, monkeypatch, given, message):
    monkeypatch.chdir(folder)
    usual = {"listings": ["train.txt"], "out": "toy.zip", "root": "pictures"}
    with pytest.raises(DgnamError, match=message):
        shrink_set(**{**usual, **given})
    assert not (folder / "toy.zip").exists()

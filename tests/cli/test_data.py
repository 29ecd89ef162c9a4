"""The list of image sets: which are here, and where the others come from."""

import re
import zipfile

import pytest
from typer.testing import CliRunner

from dgnam.cli import app as cli
from dgnam.cli.data import splits
from dgnam.data.catalog import PUBLIC_SETS
from dgnam.errors import DgnamError


def zipped(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "a.png 0\n")


@pytest.fixture
def folder(tmp_path):
    """Sets in all the forms that they are found in, and a damaged one."""
    for part in (0, 1, 10):
        zipped(tmp_path / f"tinyimagenet64-train-{part}.zip", "train.txt")
    zipped(tmp_path / "tinyimagenet64-val.zip", "val.txt")
    zipped(tmp_path / "miniplaces64.zip", "train.txt", "val.txt", "classes.txt")
    (tmp_path / "ucf101").mkdir()
    (tmp_path / "ucf101" / "test.txt").write_text("a.png 0\n")
    for database, mark in (
        ("cifar10_train_lmdb", "data.mdb"),
        ("cifar10_test_leveldb", "CURRENT"),
        ("ilsvrc12/train_lmdb", "data.mdb"),
    ):
        (tmp_path / database).mkdir(parents=True)
        (tmp_path / database / mark).touch()
    (tmp_path / "sports64.zip").write_text("no zip")
    return tmp_path


def rows(text):
    """The state of each set, by name."""
    return {line[:16].strip(): line[16:32].strip() for line in text.splitlines() if re.match("[a-z]", line)}


def listed(*arguments, **environment):
    found = CliRunner().invoke(cli.app, ["data", "list", *map(str, arguments)], env={"DGNAM_DATA": None, **environment})
    return found.stdout if found.exception is None else found.exception


def test_splits_are_found_in_all_forms(folder):
    names = ("tinyimagenet64", "miniplaces64", "ucf101", "cifar10", "ilsvrc12", "places205")
    found = {name: splits(name, folder) for name in names}
    assert found == {
        "tinyimagenet64": ["train", "val"],
        "miniplaces64": ["train", "val"],
        "ucf101": ["test"],
        "cifar10": ["train", "test"],
        "ilsvrc12": ["train"],
        "places205": [],
    }


def test_what_only_looks_like_a_set_is_not_one(tmp_path):
    """Empty folders, zips of other names, and a zip without its listing."""
    (tmp_path / "cifar10_train_lmdb").mkdir()
    zipped(tmp_path / "sports64-.zip", "train.txt")
    zipped(tmp_path / "miniplaces64-train-a.zip", "train.txt")
    zipped(tmp_path / "tinyimagenet64-train-0.zip", "train.txt")
    zipped(tmp_path / "tinyimagenet64-train-1.zip", "val.txt")
    assert [splits(name, tmp_path) for name in ("cifar10", "sports64", "miniplaces64", "tinyimagenet64")] == [[]] * 4


def test_a_damaged_zip_of_one_split_is_told_of(tmp_path):
    zipped(tmp_path / "miniplaces64-val.zip", "val.txt")
    (tmp_path / "miniplaces64-train.zip").write_text("no zip")
    with pytest.raises(DgnamError, match=r"miniplaces64-train\.zip is not a whole zip"):
        splits("miniplaces64", tmp_path)
    assert rows(listed("--data", tmp_path))["miniplaces64"] == "damaged"


@pytest.mark.parametrize("by_variable", [False, True])
def test_all_sets_are_listed_with_what_is_here(folder, by_variable):
    shown = listed(DGNAM_DATA=str(folder)) if by_variable else listed("--data", folder)
    states = rows(shown)
    assert list(states) == [known.name for known in PUBLIC_SETS]
    assert states["tinyimagenet64"] == "train,val"
    assert states["places205"] == "missing"
    assert states["sports64"] == "damaged"
    assert shown.splitlines()[-1] == f"==> searched in: {folder}"


def test_where_a_set_comes_from_is_said():
    shown = listed()
    assert set(rows(shown).values()) == {"?"}
    assert "    from https://image-net.org/download.php\n" in shown
    assert "    ILSVRC2012_img_val.tar: md5:29b22e2961454d5413ddabcf34fc5622\n" in shown
    assert "    not published as a whole\n    terms: each picture's own" in shown
    assert shown.count("    needed here: ") == len(PUBLIC_SETS)
    assert "give --data, or set $DGNAM_DATA" in shown


def test_a_folder_that_is_none_is_an_error(tmp_path):
    error = listed("--data", tmp_path / "absent")
    assert isinstance(error, DgnamError)
    assert "is not a folder" in str(error)

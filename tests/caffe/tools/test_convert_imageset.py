"""`dgnam caffe convert-imageset`: keys, Datums and options, worked out by hand from what the tool is told."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from dgnam.caffe.databases.backends import open_database
from dgnam.caffe.databases.datum import datum_image
from dgnam.caffe.images.cv_codec import encode_image
from dgnam.caffe.images.cv_resize import resize_bilinear
from dgnam.caffe.proto import pb
from dgnam.caffe.tools import convert_imageset as module
from dgnam.caffe.tools.convert_imageset import convert_imageset
from dgnam.errors import CaffeError, DgnamError
from tests.caffe.made_databases import noise, save_bgr
from tests.caffe.tools.commands import messages, run

IMAGES = [noise(6, 8, 3, seed=k) for k in range(3)]


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "sub").mkdir()
    for k, image in enumerate(IMAGES):
        save_bgr(tmp_path / f"sub/{k}.png", image)
    (tmp_path / "list.txt").write_text("".join(f"sub/{k}.png {k - 1}\n" for k in range(3)))
    return tmp_path


def command(folder: Path, *options: str) -> dict[str, pb.Datum]:
    run("convert_imageset", *options, f"{folder}/", f"{folder}/list.txt", f"{folder}/db")
    return stored(folder)


def stored(folder: Path, backend: str = "lmdb") -> dict[str, pb.Datum]:
    records = open_database(folder / "db", backend).records()
    return {record.key.decode(): pb.Datum.FromString(record.read()) for record in records}


def test_pixels_with_labels_under_numbered_paths(folder, capsys):
    made = command(folder)
    assert list(made) == ["00000000_sub/0.png", "00000001_sub/1.png", "00000002_sub/2.png"]
    first = made["00000000_sub/0.png"]
    expected = pb.Datum(channels=3, height=6, width=8, label=-1, encoded=False)
    expected.data = IMAGES[0].transpose(2, 0, 1).tobytes()
    assert first.SerializeToString() == expected.SerializeToString()
    assert messages(capsys) == ["A total of 3 images.", "Processed 3 files."]


@pytest.mark.parametrize("spelling", ["-gray", "--gray", "--gray=true", "-gray=1"])
def test_gray(folder, spelling):
    made = command(folder, spelling)["00000001_sub/1.png"]
    blue, green, red = (IMAGES[1][..., k].astype(int) for k in range(3))
    assert (made.channels, made.height, made.width) == (1, 6, 8)
    assert np.array_equal(datum_image(made, "x")[0], 9797 * red + 19234 * green + 3737 * blue >> 15)


@pytest.mark.parametrize("spelling", ["--nogray", "--gray=false", "-gray=0"])
def test_not_gray(folder, spelling):
    assert command(folder, spelling)["00000001_sub/1.png"].channels == 3


def test_a_value_that_is_neither(folder):
    with pytest.raises(CaffeError, match="--gray=perhaps: use one of true"):
        command(folder, "--gray=perhaps")


def test_new_sizes(folder):
    made = command(folder, "-resize_width", "5", "--resize_height=7")
    expected = resize_bilinear(IMAGES[2], 7, 5).transpose(2, 0, 1)
    assert np.array_equal(datum_image(made["00000002_sub/2.png"], "x"), expected)


def test_one_side_alone_changes_nothing(folder):
    assert command(folder, "--resize_width=5")["00000000_sub/0.png"].width == 8


def test_files_are_stored_as_they_are(folder):
    made = command(folder, "--encoded")["00000000_sub/0.png"]
    expected = pb.Datum(label=-1, encoded=True, data=(folder / "sub/0.png").read_bytes())
    assert made == expected


def test_files_are_encoded_anew_where_they_change(folder):
    made = command(folder, "--encoded", "--resize_width=4", "--resize_height=4")["00000000_sub/0.png"]
    assert made.encoded
    assert np.array_equal(datum_image(made, "x"), resize_bilinear(IMAGES[0], 4, 4).transpose(2, 0, 1))


def test_another_encoding(folder, capsys):
    made = command(folder, "--encode_type=jpg")["00000001_sub/1.png"]
    assert made.data == encode_image(IMAGES[1], "jpg")
    assert "encode_type specified, assuming encoded=true." in messages(capsys)


def test_shuffling_numbers_in_the_new_order(folder):
    orders = set()
    for seed in range(12):
        target = folder / f"db{seed}"
        generator = torch.Generator().manual_seed(seed)
        convert_imageset(f"{folder}/", folder / "list.txt", target, shuffle=True, generator=generator)
        records = [(record.key.decode(), record.read()) for record in open_database(target, "lmdb").records()]
        assert [key[:9] for key, _ in records] == ["00000000_", "00000001_", "00000002_"]
        for key, value in records:
            assert pb.Datum.FromString(value).label == int(key[13]) - 1
        orders.add(tuple(key[9:] for key, _ in records))
    assert len(orders) > 2


def test_images_that_can_not_be_read_are_left_out(folder, caplog):
    (folder / "list.txt").write_text("sub/0.png 1\nabsent.png 2\n\nlist.txt 3\nsub/2.png 4\n")
    with caplog.at_level(logging.ERROR, logger="dgnam.caffe"):
        assert convert_imageset(f"{folder}/", folder / "list.txt", folder / "db") == 2
    assert list(stored(folder)) == ["00000000_sub/0.png", "00000004_sub/2.png"]
    places = [record.getMessage().split(": left out")[0] for record in caplog.records]
    assert places == [f"{folder}/list.txt, line {k}" for k in (2, 3, 4)]


def test_sizes_are_checked_where_asked(folder):
    save_bgr(folder / "sub/1.png", noise(6, 9, 3))
    assert len(command(folder)) == 3
    with pytest.raises(CaffeError, match=r"list\.txt, line 2: sub/1\.png has 162 bytes; the first image has 144"):
        convert_imageset(f"{folder}/", folder / "list.txt", folder / "db2", check_size=True)
    with pytest.raises(CaffeError, match="check_size is not for encoded images"):
        convert_imageset(f"{folder}/", folder / "list.txt", folder / "db3", check_size=True, encoded=True)


def test_commits_every_so_often(folder, monkeypatch, capsys):
    monkeypatch.setattr(module, "COMMIT_EVERY", 2)
    assert len(command(folder)) == 3
    assert messages(capsys) == ["A total of 3 images.", "Processed 2 files.", "Processed 3 files."]


def test_leveldb(folder):
    pytest.importorskip("plyvel", reason="LevelDB needs the package plyvel")
    run("convert-imageset", "--backend=leveldb", f"{folder}/", f"{folder}/list.txt", f"{folder}/db")
    assert list(stored(folder, "leveldb")) == [f"0000000{k}_sub/{k}.png" for k in range(3)]


def test_a_database_that_is_there_is_refused(folder):
    command(folder)
    with pytest.raises(CaffeError, match="db: can't create a database: File exists"):
        command(folder)
    assert len(stored(folder)) == 3


def test_backends_and_listings_that_are_none(folder):
    with pytest.raises(CaffeError, match="unknown database backend 'hdf5'"):
        command(folder, "--backend", "hdf5")
    with pytest.raises(DgnamError, match="no listing: no such file"):
        convert_imageset("", folder / "no listing", folder / "db")

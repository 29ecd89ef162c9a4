"""`dgnam.top_images`: from a target and units to a run with the pictures, resumed to the same bytes."""

import csv
import json
import os
import signal
import sys
from importlib import import_module

import numpy as np
import pytest
from PIL import Image
from torch import nn

import dgnam
from dgnam.am import TorchTarget, Unit
from dgnam.api.pictures import HELD_OUT, TRAINING, own_pictures, picture_preprocessing
from dgnam.api.targets import open_target
from dgnam.cli import app as cli
from dgnam.errors import ArgumentError, DgnamError
from dgnam.measure.receptive_field import Box
from dgnam.measure.top_images import TopImageMeasurement
from dgnam.runs import Interrupted


@pytest.fixture
def photos(tmp_path):
    """Thirty pictures of 28 pixels in two classes."""
    draw = np.random.default_rng(0)
    for k in range(30):
        folder = tmp_path / "photos" / ("cat" if k % 3 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (28, 28, 3)).astype(np.uint8)).save(folder / f"{k:02}.png")
    return tmp_path / "photos"


@pytest.fixture
def own(tiny_nets, photos):
    """The tiny target, its weights and the pictures."""
    names = {"weights": tiny_nets / "target.h5", "images": str(photos), "progress": False}
    return {"target": tiny_nets / "target.prototxt", **names}


def contents(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_a_run_has_pictures_crops_table_and_sheet(own, tmp_path):
    found = dgnam.top_images(objective=["conv5:0-2", "fc8:3"], k=4, folder=tmp_path / "run", **own)
    assert (found.activations.shape, found.places.shape, found.positions.shape) == ((4, 4), (4, 4), (4, 4, 2))
    assert (np.diff(found.activations, axis=1) <= 0).all()
    assert repr(found) == f"<TopImages: {found.title}; 4 units, 4 pictures each, in {tmp_path}/run>"
    with open(tmp_path / "run/top_images.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    row = rows[5]
    assert (row["unit"], row["rank"], float(row["activation"])) == ("conv5:1", "1", found.activations[1, 1])
    assert row["class"] in row["picture"]
    box = found.boxes[1][1]
    assert [int(row[name]) for name in ("top", "left", "bottom", "right")] == list(vars(box).values())
    with Image.open(tmp_path / "run" / row["image"]) as picture, Image.open(tmp_path / "run" / row["crop"]) as crop:
        assert np.array_equal(np.asarray(picture), found.picture(1, 1))
        assert np.array_equal(np.asarray(crop), found.crop(1, 1))
    assert rows[12]["crop"] == rows[12]["image"]
    assert found.boxes[3][0] == Box(0, 0, 28, 28)
    assert (tmp_path / "run/grid.png").is_file()
    assert found.summary[0].startswith("conv5:0 ")
    assert [unit.xy for unit in found.units] == [None] * 4


def test_without_a_folder_nothing_is_written(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = dgnam.top_images(objective="conv5:2", k=2, **own)
    assert found.folder is None
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    assert found.grid().shape[2] == 3
    assert found.save("sheet.png").is_file()
    with pytest.raises(DgnamError, match="ends in"):
        found.save("sheet.jpg")


def test_a_position_in_the_text_is_kept(own):
    found = dgnam.top_images(objective=["conv5:2@3,4", "conv5:2", Unit("conv5", 1)], k=2, **own)
    assert [unit.xy for unit in found.units] == [(3, 4), None, None]
    assert (found.positions[0] == (3, 4)).all()
    assert found.activations[1, 0] >= found.activations[0, 0]


@pytest.mark.parametrize(
    "given",
    [
        "conv5:2@3,4,conv5:1,2,fc8:1",
        ("conv5:2@3,4", "conv5:1,2", "fc8:1"),
        np.array(["conv5:2@3,4,conv5:1-2,fc8:1"]),
    ],
)
def test_units_without_a_position_have_none_beside_others(own, given):
    found = dgnam.top_images(objective=given, k=1, **own)
    assert [str(unit) for unit in found.units] == ["conv5:2@3,4", "conv5:1", "conv5:2", "fc8:1"]
    assert {str(unit) for unit in dgnam.top_images(objective={"conv5:1"}, k=1, **own).units} == {"conv5:1"}


def test_what_is_found_shows_itself(own, monkeypatch):
    opened = []
    monkeypatch.setattr(Image.Image, "show", lambda self, title: opened.append((np.asarray(self), title)))
    monkeypatch.setitem(sys.modules, "IPython", None)
    found = [dgnam.top_images(objective="fc8:1", k=1, **own), dgnam.occlusion(objective="fc8:1", k=1, **own)]
    found.append(dgnam.neighbors(np.zeros((1, 28, 28, 3), np.uint8), layers="fc8", k=1, **own))
    for one in found:
        one.show()
    for one, (picture, title) in zip(found, opened, strict=True):
        assert np.array_equal(picture, one.grid())
        assert title == one.title


def test_a_torch_module(photos):
    target = TorchTarget(nn.Sequential(nn.Conv2d(3, 4, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(576, 3)), (28, 28))
    found = dgnam.top_images(target, ["0:1", "3:2"], images=str(photos), k=3, progress=False)
    box = found.boxes[0][0]
    row, column = found.positions[0, 0]
    assert box == Box(2 * row, 2 * column, 2 * row + 5, 2 * column + 5)
    assert found.boxes[1][0] == Box(0, 0, 28, 28)


def test_fewer_pictures_than_asked_for(own, tmp_path):
    found = dgnam.top_images(objective="conv5:0", k=9, limit=2, folder=tmp_path / "run", **own)
    assert found.count(0) == 2
    assert np.isnan(found.activations[0, 2:]).all()
    assert len((tmp_path / "run/top_images.csv").read_text().splitlines()) == 3


def test_many_units_have_several_sheets(own, tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("dgnam.api.top_images_report"), "MOST_SHOWN", 6)
    found = dgnam.top_images(objective="conv5:0-4", k=3, folder=tmp_path / "run", **own)
    assert sorted(path.name for path in found.folder.glob("grid*")) == ["grid-000.png", "grid-001.png", "grid-002.png"]


@pytest.fixture
def blocks(monkeypatch):
    """Chunks of eight pictures."""
    monkeypatch.setattr(import_module("dgnam.api.top_images"), "BLOCK", 8)


@pytest.mark.parametrize("block", [1, 3])
def test_a_stopped_run_comes_to_the_same_bytes(own, tmp_path, blocks, monkeypatch, block):
    how = {"objective": "conv5:0-3", "k": 3, "batch_size": 4, **own}
    whole = dgnam.top_images(folder=tmp_path / "whole", **how)
    add, calls = TopImageMeasurement.add, []

    def adding(self, *given, **named):
        if len(calls) == block:
            os.kill(os.getpid(), signal.SIGTERM)
        calls.append(1)
        return add(self, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(TopImageMeasurement, "add", adding)
        with pytest.raises(Interrupted, match=r"stopped; all pictures|stopped after 16 of 30") as stopped:
            dgnam.top_images(folder=tmp_path / "run", **how)
    assert (stopped.value.status, stopped.value.folder) == (143, tmp_path / "run")
    again = dgnam.top_images(folder=tmp_path / "run", resume=True, **how)
    assert contents(again.folder) == contents(whole.folder)


def test_other_units_do_not_go_on(own, tmp_path):
    dgnam.top_images(objective="conv5:0", folder=tmp_path / "run", **own)
    with pytest.raises(DgnamError, match=r"cannot resume .*objectives\[0\] changed"):
        dgnam.top_images(objective="conv5:1", folder=tmp_path / "run", resume=True, **own)
    with pytest.raises(DgnamError, match=r"cannot resume .*k changed"):
        dgnam.top_images(objective="conv5:0", k=3, folder=tmp_path / "run", resume=True, **own)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"k": 0}, "k 0: give 1 or more"),
        ({"k": 1001}, "at most 1000"),
        ({"limit": 0}, "limit 0"),
        ({"objective": ["conv5:0", "conv5:0-3"]}, "unit conv5:0 is given twice"),
        ({"objective": "fc9:0"}, "there is no layer 'fc9'"),
        ({"objective": []}, "there is nothing to do"),
        ({"images": "nothing/here"}, "there is no such folder"),
        ({"images": None}, "held-out pictures of target .* are not known here: name pictures"),
        ({"size": "20"}, "no crop of 28x28"),
    ],
)
def test_what_cannot_be_done_is_one_error(own, how, message):
    with pytest.raises(DgnamError, match=message):
        dgnam.top_images(**{**own, "objective": "conv5:0", **how})


def test_wrong_types_are_argument_errors(own):
    with pytest.raises(ArgumentError, match="k 'nine': give a whole number"):
        dgnam.top_images(objective="conv5:0", k="nine", **own)


def test_a_small_models_own_pictures_and_sizes():
    opened = open_target("caffenet-mini-200")
    assert own_pictures(opened, HELD_OUT) == "tinyimagenet64-val"
    assert own_pictures(open_target("places-alexnet-mini"), TRAINING) == "miniplaces90k-train"
    assert picture_preprocessing(opened).size == (64, 64)
    joint = open_target("caffenet-mini,judge-mini")
    assert (picture_preprocessing(joint).size, picture_preprocessing(joint).crop) == ((64, 64), (56, 56))
    assert picture_preprocessing(opened, size="60").size == (60, 60)


def test_the_command(own, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["top-images", str(own["target"]), "conv5:0-1", "--weights", str(own["weights"]), "--images", own["images"]]
    monkeypatch.setattr(sys, "argv", ["dgnam", *words, "--k", "3", "--quiet"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None)
    printed = capsys.readouterr().out
    assert "==> made: runs/top-images-target.prototxt-conv5-0-1/ with grid*.png and top_images.csv" in printed
    record = json.loads((tmp_path / "runs/top-images-target.prototxt-conv5-0-1/run.json").read_text())
    assert (record["task"], record["spec"]["objective"], record["inputs"]["k"]) == ("top_images", "conv5:0-1", 3)

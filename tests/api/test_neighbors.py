"""`dgnam.neighbors`: queries of every kind, a run with table and sheet, resumed to the same bytes."""

import csv
import os
import signal
import sys
from importlib import import_module

import numpy as np
import pytest
from PIL import Image
from torch import nn

import dgnam
from dgnam.am import JointTarget, TorchTarget
from dgnam.cli import app as cli
from dgnam.data.preprocessing import deprocess
from dgnam.errors import DgnamError
from dgnam.measure.picture_neighbors import NeighborMeasurement
from dgnam.runs import Interrupted

PICTURES = np.random.RandomState(0).randint(0, 256, (30, 28, 28, 3)).astype(np.uint8)


@pytest.fixture
def photos(tmp_path):
    """Thirty pictures of 28 pixels in two classes."""
    for k, picture in enumerate(PICTURES):
        folder = tmp_path / "photos" / ("cat" if k % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{k:02}.png")
    return tmp_path / "photos"


@pytest.fixture
def own(tiny_nets, photos):
    """The tiny target, its weights and the pictures to search."""
    names = {"weights": tiny_nets / "target.h5", "images": str(photos), "progress": False, "shift": 1}
    return {"target": tiny_nets / "target.prototxt", **names}


def contents(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_arrays_and_folders_of_pictures_are_queries(own, photos):
    found = dgnam.neighbors(PICTURES[[3, 8]], k=2, **own)
    assert found.spaces == ["pixels", "conv5", "fc8"]
    assert repr(found) == f"<PictureNeighbors: {found.title}; 2 queries in pixels, conv5, fc8>"
    names = [[found.dataset[int(place)].name[-6:] for place in row] for row in found.places[:, :, 0]]
    assert names == [["03.png", "08.png"]] * 3
    assert np.abs(found.distances[:, :, 0]).max() < 1e-3
    assert np.array_equal(found.picture(0, 1), PICTURES[8])
    again = dgnam.neighbors(str(photos / "cat"), k=1, layers="fc8", **own)
    assert again.places[0, :, 0].tolist() == list(range(15))


@pytest.mark.parametrize(("k", "said"), [(3, []), (7, ["k 7: there are only 3 pictures, all of which are taken"])])
def test_fewer_pictures_than_asked_for_are_said(own, tmp_path, k, said):
    found = dgnam.neighbors(PICTURES[:2], k=k, limit=3, layers="pixels", folder=tmp_path / "run", **own)
    assert list(found.summary[2:]) == said
    assert (found.places[0] >= 0).sum(1).tolist() == [3, 3]


def test_a_run_of_synthesis_is_compared_as_pictures_of_eight_bits(own, options, tmp_path):
    how = {"weights": own["weights"], "prior": options[6], "prior_weights": options[8], "n_iters": 2}
    made = dgnam.visualize(own["target"], "fc8:0-2", folder=tmp_path / "made", progress=False, **how)
    by_folder = dgnam.neighbors(tmp_path / "made", k=1, **own)
    by_result = dgnam.neighbors(made, k=1, **own)
    assert np.array_equal(by_folder.distances, by_result.distances)
    by_pictures = dgnam.neighbors(deprocess(made.raw), k=1, **own)
    assert np.array_equal(by_folder.distances, by_pictures.distances)
    assert list(by_folder.names) == ["fc8:0 seed 0", "fc8:1 seed 0", "fc8:2 seed 0"]


def test_a_run_has_a_table_and_a_sheet(own, tmp_path):
    found = dgnam.neighbors(PICTURES[:3], layers=["pixels", "fc8"], k=2, folder=tmp_path / "run", **own)
    with open(tmp_path / "run/neighbors.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * 2
    row = rows[5]
    assert (row["query"], row["space"], row["rank"]) == ("picture 1", "pixels", "1")
    assert float(row["distance"]) == found.distances[0, 1, 1]
    assert row["class"] in row["picture"]
    assert (tmp_path / "run/grid.png").is_file()
    assert found.summary[0].startswith("picture 0 ")


def test_a_torch_module_has_its_layers_with_weights(photos):
    module = nn.Sequential(nn.Conv2d(3, 4, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(576, 3))
    found = dgnam.neighbors(PICTURES[:2], target=TorchTarget(module, (28, 28)), images=str(photos), progress=False)
    assert found.spaces == ["pixels", "0", "3"]


class Recurrent(nn.Module):
    """A network with a layer that runs twice, one of several outputs, and an output that no layer gives."""

    def __init__(self):
        super().__init__()
        self.conv, self.lstm, self.head = nn.Conv2d(3, 3, 3, 2, 1), nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, images):
        values, _ = self.lstm(self.conv(self.conv(images)).flatten(2).mT)
        return self.head(values[:, -1]).softmax(1)


def test_layers_that_run_twice_or_have_several_values_are_compared(photos):
    target, how = TorchTarget(Recurrent(), (28, 28)), {"images": str(photos), "k": 1, "shift": 1, "progress": False}
    found = dgnam.neighbors(PICTURES[:2], target=target, **how)
    assert found.spaces == ["pixels", "conv#1", "conv#2", "lstm[0]", "head"]
    assert (found.places[:, :, 0] == found.places[0, :, 0]).all()
    joint = dgnam.neighbors(PICTURES[:2], target=JointTarget(a=target, b=target), **how)
    assert joint.spaces == ["pixels", *(f"{name}.{layer}" for name in "ab" for layer in found.spaces[1:])]


@pytest.mark.parametrize("block", [1, 3])
def test_a_stopped_run_comes_to_the_same_bytes(own, tmp_path, monkeypatch, block):
    monkeypatch.setattr(import_module("dgnam.api.neighbors"), "BLOCK", 8)
    how = {"k": 3, "batch_size": 4, **own}
    whole = dgnam.neighbors(PICTURES[:3], folder=tmp_path / "whole", **how)
    add, calls = NeighborMeasurement.add, []

    def adding(self, *given, **named):
        if len(calls) == block:
            os.kill(os.getpid(), signal.SIGTERM)
        calls.append(1)
        return add(self, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(NeighborMeasurement, "add", adding)
        with pytest.raises(Interrupted, match=r"stopped; all pictures|stopped after 16 of 30"):
            dgnam.neighbors(PICTURES[:3], folder=tmp_path / "run", **how)
    again = dgnam.neighbors(PICTURES[:3], folder=tmp_path / "run", resume=True, **how)
    assert contents(again.folder) == contents(whole.folder)


def test_other_queries_do_not_go_on(own, tmp_path):
    dgnam.neighbors(PICTURES[:3], folder=tmp_path / "run", **own)
    with pytest.raises(DgnamError, match=r"cannot resume .*queries\.sha256 changed"):
        dgnam.neighbors(PICTURES[3:6], folder=tmp_path / "run", resume=True, **own)


@pytest.mark.parametrize(
    ("pictures", "how", "message"),
    [
        (PICTURES[:2], {"layers": "fc9"}, "fc9"),
        (PICTURES[:2], {"layers": "pixels,pixels"}, "given twice"),
        (PICTURES[:2], {"k": 0}, "k 0"),
        (PICTURES[:2], {"shift": 14}, "shift 14: give 0 or more pixels, and less than half of 28"),
        (PICTURES[:2, :20], {}, r"the pictures are \(20, 28\), and the target takes \(28, 28\)"),
        (PICTURES[:2].astype(np.float32), {}, "uint8, RGB"),
        (PICTURES[:0], {}, "uint8, RGB"),
        ("nothing/here", {}, "there is no such folder"),
        (PICTURES[:2], {"images": None}, "training pictures of target"),
    ],
)
def test_what_cannot_be_compared_is_one_error(own, pictures, how, message):
    with pytest.raises(DgnamError, match=message):
        dgnam.neighbors(pictures, **{**own, **how})


def test_the_command(own, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["neighbors", str(photos / "dog"), "--target", str(own["target"]), "--weights", str(own["weights"])]
    how = ["--images", str(photos), "--layers", "fc8", "--k", "2", "--no-mirror", "--quiet", "--name", "x"]
    monkeypatch.setattr(sys, "argv", ["dgnam", *words, *how])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None)
    printed = capsys.readouterr().out
    assert "15 pictures in all" in printed
    assert "==> made: runs/x-1/ with grid*.png and neighbors.csv" in printed
    before = contents(tmp_path / "runs/x-1")
    monkeypatch.setattr(sys, "argv", ["dgnam", "resume", "runs/x-1", "--quiet"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None)
    assert contents(tmp_path / "runs/x-1") == before

"""`dgnam.occlusion`: regions of planted pictures, in a run that is resumed to the same bytes."""

import csv
import os
import signal
import sys
from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import dgnam
from dgnam.am import TorchTarget
from dgnam.cli import app as cli
from dgnam.errors import DgnamError
from dgnam.runs import Interrupted


@pytest.fixture
def planted(tmp_path):
    """Pictures with a red square each, the last ones the reddest, and where it is in each."""
    images = np.random.RandomState(0).randint(90, 110, (12, 24, 32, 3)).astype(np.uint8)
    where = [(2 * k, 3 * k % 28) for k in range(10)] + [(9, 9), (4, 20)]
    (tmp_path / "pictures").mkdir()
    for k, (top, left) in enumerate(where):
        images[k, top : top + 4, left : left + 4] = (130 + 10 * k, 0, 0)
        Image.fromarray(images[k]).save(tmp_path / f"pictures/{k:02}.png")
    return str(tmp_path / "pictures"), where


@pytest.fixture
def target():
    """A torch module whose channel 1 is high where a square of 4 pixels is red."""
    conv = nn.Conv2d(3, 2, 4, bias=False)
    nn.init.zeros_(conv.weight)
    conv.weight.data[1] = torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1) / 16
    return TorchTarget(nn.Sequential(conv, nn.AdaptiveMaxPool2d(1), nn.Flatten()), size=(24, 32), mean=0.0, std=1.0)


HOW = {"k": 3, "occluder": 3, "stride": 1, "batch_size": 50, "progress": False}


def contents(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.mark.parametrize(("k", "said"), [(2, []), (9, ["k 9: there are only 2 pictures, all of which are taken"])])
def test_fewer_pictures_than_asked_for_are_said(planted, target, tmp_path, k, said):
    found = dgnam.occlusion(target, "2:1", images=planted[0], limit=2, folder=tmp_path / "run", **{**HOW, "k": k})
    assert list(found.summary[1:]) == said
    assert found.top.count(0) == 2


@pytest.mark.parametrize("unit", ["0:1", "2:1"])
def test_regions_are_the_planted_squares(planted, target, unit):
    images, where = planted
    found = dgnam.occlusion(target, unit, images=images, **HOW)
    assert found.top.places.tolist() == [[11, 10, 9]]
    for rank, place in enumerate((11, 10, 9)):
        top, left = where[place]
        mask = found.mask(0, rank)
        assert mask[top : top + 4, left : left + 4].mean() > 0.7
        assert mask.sum() <= 36
        cut = found.region(0, rank)
        assert (cut[~mask] == (123, 117, 104)).all()
        assert np.array_equal(cut[mask], found.top.picture(0, rank)[mask])


def test_a_run_has_maps_regions_table_and_sheet(planted, target, tmp_path):
    found = dgnam.occlusion(target, ["0:1", "2:1"], images=planted[0], folder=tmp_path / "run", **HOW)
    assert repr(found) == f"<Occlusion: {found.top.title}; 2 units, 3 regions each, in {tmp_path}/run>"
    with open(tmp_path / "run/occlusion.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["0", "1", "2"] * 2
    assert float(rows[0]["greatest_drop"]) == pytest.approx(found.map(0, 0).max())
    assert float(rows[0]["area"]) == pytest.approx(found.mask(0, 0).mean(), abs=1e-6)
    with Image.open(tmp_path / "run" / rows[4]["region"]) as cut:
        assert np.array_equal(np.asarray(cut), found.region(1, 1))
    assert (tmp_path / "run/grid.png").is_file()
    assert found.summary[0].startswith("0:1 ")
    assert "regions of" in found.summary[1]


@pytest.mark.parametrize("after", [1, 4, 6])
def test_a_stopped_run_comes_to_the_same_bytes(planted, target, tmp_path, monkeypatch, after):
    how = {**HOW, "images": planted[0]}
    whole = dgnam.occlusion(target, ["0:1", "2:1"], folder=tmp_path / "whole", **how)
    module = import_module("dgnam.api.occlusion")
    mapped, calls = module.occlusion_map, []

    def mapping(*given, **named):
        calls.append(1)
        if len(calls) == after:
            os.kill(os.getpid(), signal.SIGINT)
        return mapped(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(module, "occlusion_map", mapping)
        done = f"{after} of 6 pictures are done" if after < 6 else "all maps are made"
        with pytest.raises(Interrupted, match=rf"stopped; {done}; resume it: dgnam resume "):
            dgnam.occlusion(target, ["0:1", "2:1"], folder=tmp_path / "run", **how)
    again = dgnam.occlusion(target, ["0:1", "2:1"], folder=tmp_path / "run", resume=True, **how)
    assert contents(again.folder) == contents(whole.folder)


def test_another_occluder_does_not_go_on(planted, target, tmp_path):
    how = {**HOW, "images": planted[0], "folder": tmp_path / "run"}
    dgnam.occlusion(target, "2:1", **how)
    with pytest.raises(DgnamError, match=r"cannot resume .*occluder\.side changed"):
        dgnam.occlusion(target, "2:1", resume=True, **{**how, "occluder": 4})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"occluder": 25}, "occluder of 25 pixels does not fit into an image of 24"),
        ({"stride": 0}, "at least 1 pixel"),
        ({"stride": 4}, "an occluder of 3 pixels at a stride of 4 never covers"),
        ({"seed": -1}, "seed -1 must be at least 0"),
        ({"fill": "black"}, "fill 'black': give mean or noise"),
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"k": 0}, "k 0"),
    ],
)
def test_what_cannot_be_done_is_one_error(planted, target, how, message):
    with pytest.raises(DgnamError, match=message):
        dgnam.occlusion(target, "2:1", images=planted[0], **{**HOW, **how})


def test_the_command(tiny_nets, planted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["occlusion", str(tiny_nets / "target.prototxt"), "conv5:1", "--weights", str(tiny_nets / "target.h5")]
    how = [
        "--images",
        planted[0],
        "--k",
        "2",
        "--occluder",
        "9",
        "--stride",
        "9",
        "--fill",
        "noise",
        "--quiet",
        "--name",
        "x",
    ]
    monkeypatch.setattr(sys, "argv", ["dgnam", *words, *how])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None)
    assert "==> made: runs/x-1/ with grid*.png and occlusion.csv" in capsys.readouterr().out
    before = contents(tmp_path / "runs/x-1")
    monkeypatch.setattr(sys, "argv", ["dgnam", "resume", "runs/x-1", "--quiet"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None)
    assert contents(tmp_path / "runs/x-1") == before

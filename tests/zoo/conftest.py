"""A zoo of two toy models that are published in several files at the hosts of tests/zoo/hosts.py."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dgnam.caffe.modules.to_torch import to_torch
from dgnam.caffe.proto import read_net, write_caffemodel
from dgnam.zoo import download, folders
from tests.zoo.hosts import Hosts, serving

ENCODER = """# An encoder whose code is the picture's means.
name: "e" force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }
layer { name: "pool1" type: "Pooling" bottom: "data" top: "pool1" pooling_param { pool: AVE kernel_size: 4 stride: 4 } }
layer { name: "fc8" type: "InnerProduct" bottom: "pool1" top: "fc8" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc8" top: "prob" }
"""
GENERATOR = """# Its inverse.
name: "g" force_backward: true
layer { name: "feat" type: "Input" top: "feat" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "deconv0" type: "Deconvolution" bottom: "feat" top: "deconv0"
  convolution_param { num_output: 3 kernel_size: 4 stride: 4 } }
"""
MEAN = (104.0, 117.0, 123.0)


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(download, "PAUSE", 0.01)
    monkeypatch.setattr(download, "TIMEOUT", (5, 1))
    monkeypatch.setattr(download, "_CHUNK", 1000)
    with serving() as found:
        yield found


@dataclass
class Toys:
    """The toy zoo: its hosts, the user's folder, and the files as they are published, in a folder for by hand."""

    hosts: Hosts
    home: Path
    files: Path

    def content(self, name: str) -> bytes:
        return (self.files / name).read_bytes()

    def host(self, *names: str) -> None:
        """Host files of the folder as they are."""
        for name in names:
            self.hosts.put(name, self.content(name))


@pytest.fixture
def toys(hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toys:
    """Nothing is hosted yet."""
    data, files = tmp_path / "data", tmp_path / "files"
    for folder in (data / "models" / "labels", data / "prototxt" / "e", data / "prototxt" / "g", files):
        folder.mkdir(parents=True)
    for name, text in (("e", ENCODER), ("g", GENERATOR)):
        (data / "prototxt" / name / "deploy.prototxt").write_text(text)
    (data / "models" / "labels" / "five.txt").write_text("".join(f"n{i:08} class{i}\n" for i in range(5)))
    picture = np.random.RandomState(3).randint(0, 256, (40, 48, 3)).astype(np.uint8)
    Image.fromarray(picture).resize((480, 400)).save(files / "cat.png")
    weights = np.random.RandomState(4).randn(5, 192).astype(np.float32) * 0.01
    repeat = np.zeros((3, 3, 4, 4), np.float32)
    repeat[range(3), range(3)] = 1
    _write(files, "e", data, {"fc8": [weights, np.zeros(5, np.float32)]}, "e.1")
    _write(files, "g", data, {"deconv0": [repeat, np.zeros(3, np.float32)]}, "g")
    with zipfile.ZipFile(files / "g.zip", "w") as zipped:
        zipped.write(files / "g.caffemodel", "g/g.caffemodel")
    (files / "act_range_3x_pool1.txt").write_text(" ".join(["150"] * 192))
    (data / "models" / "registry.json").write_text(json.dumps(_registry(hosts.url, files, data)))
    monkeypatch.setattr(folders, "data_folder", lambda name: data / name)
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path / "home"))
    return Toys(hosts, tmp_path / "home", files)


def _write(files: Path, name: str, data: Path, weights: dict[str, list[np.ndarray]], stray: str) -> None:
    """The weights as a caffemodel and as a state dict."""
    prototxt = data / "prototxt" / name / "deploy.prototxt"
    write_caffemodel(files / f"{name}.caffemodel", read_net(prototxt), weights)
    state = to_torch(prototxt, weights).state_dict()
    torch.save({key.replace("fc8.", "fc8.1."): value for key, value in state.items()}, files / f"{name}.pt")


def _file(name: str, *urls: str, checksum: str | None = None, member: str | None = None) -> dict[str, Any]:
    source = None if checksum is None else "the toys"
    return {"file": name, "urls": list(urls), "member": member, "checksum": checksum, "checksum_source": source}


def _registry(url: str, files: Path, data: Path) -> dict[str, Any]:
    def checksum(name: str) -> str:
        return "sha256:" + hashlib.sha256((files / name).read_bytes()).hexdigest()

    common = {
        "title": "toy",
        "kind": "published",
        "role": "toy",
        "license": "for tests only",
        "citation": "none",
        "source": None,
        "note": None,
        "preprocessing": {"resize": [32, 32], "crop": 32, "channels": "BGR", "mean": list(MEAN), "mean_file": None},
    }
    bounds = _file("act_range_3x_pool1.txt", f"{url}/act_range_3x_pool1.txt")
    made = {"encoder": "e", "layer": "pool1", "input": "feat", "output": "deconv0", "code_shape": [3, 8, 8]}
    encoder = {
        "weights": _file("e.caffemodel", f"{url}/e.caffemodel", checksum=checksum("e.caffemodel")),
        "other_weights": [_file("e.pt", f"{url}/e.pt")],
        "labels": "five",
        "scores": "fc8",
        "generator": None,
        "known_pass": {
            "picture": _file("cat.png", f"{url}/cat.png", checksum=checksum("cat.png")),
            "mean": list(MEAN),
            "probabilities": _probabilities(files, data),
            "tolerance": 0.001,
            "source": "the toys' notebook",
        },
    }
    generator = {
        "weights": _file("g.caffemodel", f"{url}/g.zip", member="g/g.caffemodel"),
        "other_weights": [_file("g.pt", f"{url}/dead/g.pt", f"{url}/g.pt")],
        "labels": None,
        "scores": None,
        "generator": {**made, "act_range": bounds},
    }
    return {"e": common | encoder, "g": common | generator}


def _probabilities(files: Path, data: Path) -> dict[str, float]:
    """What the encoder says of the picture, computed without Caffe."""
    image = torch.from_numpy(np.asarray(Image.open(files / "cat.png").convert("RGB"), np.float32)).permute(2, 0, 1)
    small = torch.nn.functional.interpolate(image[None].double(), (32, 32), mode="bilinear", align_corners=False)
    values = small[:, [2, 1, 0]] - torch.tensor(MEAN).reshape(1, 3, 1, 1)
    state = torch.load(files / "e.pt", weights_only=True)
    code = torch.nn.functional.avg_pool2d(values, 4).flatten(1)
    scores = code @ state["fc8.1.weight"].double().T + state["fc8.1.bias"].double()
    return {str(i): float(value) for i, value in enumerate(scores.softmax(1)[0])}


def saved(state: object) -> bytes:
    """A state dict as bytes."""
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()

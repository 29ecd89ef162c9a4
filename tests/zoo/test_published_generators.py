"""The published generators from state dicts: each computes what a plain torch module of the published layers does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dgnam import zoo
from dgnam.api.priors import open_prior
from dgnam.caffe import TEST, Net
from tests.zoo.published_state import renamed, state_of

FC_TAIL = [
    *("deconv5 256 256", "conv5_1 256 512", "deconv4 512 256", "conv4_1 256 256", "deconv3 256 128", "conv3_1 128 128"),
    *("deconv2 128 64", "deconv1 64 32", "deconv0 32 3"),
]
CONV_TAIL = [
    *("deconv5 512 256", "conv5_1 256 256", "deconv4 256 128", "conv4_1 128 128", "deconv3 128 128", "conv3_1 128 128"),
    *("deconv2 128 64", "c conv2_1 64 32", "deconv1 32 16", "c conv1_1 16 3"),
]
NORM_TAIL = [
    *("deconv4 128 128", "c conv4_1 128 128", "deconv3 128 64", "c conv3_1 64 64", "deconv2 64 32"),
    *("c conv2_1 32 32", "deconv1 32 16", "c conv1_1 16 3"),
]
HEADS = {
    "norm1": [("Rconv6", 96, 128, 3, 2, 2), ("Rconv7", 128, 128, 3, 1, 1), ("Rconv8", 128, 128, 3, 1, 1)],
    "norm2": [("Rconv6", 256, 256, 3, 1, 2), ("Rconv7", 256, 128, 3, 1, 1), ("Rconv8", 128, 128, 3, 1, 1)],
    "conv3": [("Rconv6", 384, 384, 3, 1, 0), ("Rconv7", 384, 512, 3, 1, 0), ("Rconv8", 512, 512, 2, 1, 0)],
    "conv4": [("Rconv6", 384, 384, 3, 1, 0), ("Rconv7", 384, 512, 3, 1, 0), ("Rconv8", 512, 512, 2, 1, 0)],
    "pool5": [("Rconv6", 256, 512, 3, 1, 1), ("Rconv7", 512, 512, 3, 1, 1), ("Rconv8", 512, 512, 3, 1, 0)],
}
LIGHT = ("norm1", "norm2", "conv4", "conv3", "pool5")
HEAVY = ("fc8", "fc6_eucl", "fc7")


def published(layer: str) -> nn.Sequential:
    """The layers as their torch publisher lists them: names, sizes, LeakyReLU of 0.3 between them."""
    net = nn.Sequential()
    tail = {"f": FC_TAIL, "p": ["deconv5 512 256", *FC_TAIL[1:]], "n": NORM_TAIL, "c": CONV_TAIL}[layer[0]]
    for name, inner, outer, kernel, stride, pad in HEADS.get(layer, []):
        net.add_module(name, nn.Conv2d(inner, outer, kernel, stride, pad))
        net.add_module(f"relu_{name}", nn.LeakyReLU(0.3))
    if layer.startswith("fc"):
        for name in ("defc7", "defc6", "defc5"):
            net.add_module(name, nn.Linear(1000 if (layer, name) == ("fc8", "defc7") else 4096, 4096))
            net.add_module(f"relu_{name}", nn.LeakyReLU(0.3))
        net.add_module("reshape", nn.Unflatten(1, (256, 4, 4)))
    for line in tail:
        *plain, name, inner, outer = line.split()
        kind = nn.Conv2d if plain else nn.ConvTranspose2d
        sizes = (4, 2, 1) if name.startswith("deconv") else (3, 1, 1)
        net.add_module(name, kind(int(inner), int(outer), *sizes))
        linear = (name == "deconv1" and "norm" in layer) or line == tail[-1]
        if not linear:
            net.add_module(f"relu_{name}", nn.LeakyReLU(0.3))
    return net


@pytest.mark.parametrize("layer", [*LIGHT, *(pytest.param(layer, marks=pytest.mark.slow) for layer in HEAVY)])
def test_a_state_dict_makes_the_image_of_the_published_layers(
    layer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path))
    entry = zoo.get(f"deepsim-{layer}")
    assert entry.generator is not None
    state = state_of(entry.name)
    path = tmp_path / entry.name / f"upconvGAN_{layer}.pt"
    path.parent.mkdir()
    torch.save(state, path)
    net = published(layer)
    net.load_state_dict({key.replace(".1.", "."): value for key, value in state.items()})
    code = np.abs(np.random.RandomState(1).randn(2, *entry.generator.code_shape)).astype(np.float32)
    with torch.no_grad():
        image = net(torch.from_numpy(code)).numpy()
    if entry.generator.output == "generated":
        image = 255 * np.tanh(image)
    (made,) = zoo.load(entry.name)(torch.from_numpy(code)).values()
    assert made.shape == image.shape == (2, 3, *entry.preprocessing.resize)
    assert np.abs(made.detach().numpy() - image).max() / np.abs(image).max() < 1e-5


@pytest.mark.parametrize("layer", ["norm1"])
def test_it_serves_as_a_prior(layer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path))
    path = tmp_path / f"deepsim-{layer}" / f"upconvGAN_{layer}.pt"
    path.parent.mkdir()
    torch.save(state_of(f"deepsim-{layer}"), path)
    opened = open_prior(f"deepsim-{layer}", (227, 227))
    assert opened.inverts == ("caffenet", layer)
    assert opened.act_range is None
    assert opened.files == (zoo.get(f"deepsim-{layer}").prototxt, path)
    codes = torch.zeros(1, *opened.prior.code_shape)
    assert opened.prior(codes).shape == (1, 3, 240, 240)


@pytest.mark.slow
def test_another_publishers_names_are_ours_once_they_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path))
    entry, state = zoo.get("deepsim-fc7"), state_of("deepsim-fc7", stray=False)
    path = tmp_path / entry.name / "fc7.pt"
    path.parent.mkdir()
    torch.save(renamed(state), path)
    assert entry.weights_path() == path.with_suffix(".caffemodel")
    net = Net(entry.prototxt, TEST, weights=entry.weights_path())
    assert np.array_equal(net.params["deconv3"][0].data, state["deconv3.weight"].numpy())
    assert not net.params["deconv3"][1].data.any()
    assert np.array_equal(net.params["defc5"][1].data, state["defc5.bias"].numpy())

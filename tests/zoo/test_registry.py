"""The registry of models, and what is said where a file is missing."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dgnam import zoo
from dgnam.caffe import layer_types  # noqa: F401  (registers the layer types)
from dgnam.caffe.proto import pb, read_net
from dgnam.caffe.wiring.build import build
from dgnam.errors import DgnamError
from dgnam.zoo.download import ChecksumError, PublishedFile

NAMES = [entry.name for entry in zoo.list_models()]
GENERATORS = [entry.name for entry in zoo.list_models() if entry.generator is not None]
MEASURED = ("act_range_3x_norm1.txt", "act_range_3x_norm2.txt")
"""What the user measures, since nobody publishes it."""
NINE = ("norm1", "norm2", "conv3", "conv4", "pool5", "fc6", "fc6_eucl", "fc7", "fc8")
LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path))
    return tmp_path


def published(entry: zoo.ModelEntry) -> list[PublishedFile]:
    return [file for files in entry.published_files().values() for file in files if file.file not in MEASURED]


def test_the_paper_s_networks_and_our_own_are_there() -> None:
    assert {"caffenet", "places205-alexnet", "googlenet", "resnet50", "lrcn-single-frame"} <= set(NAMES)
    assert {f"deepsim-{layer}" for layer in NINE} == {n for n in GENERATORS if zoo.get(n).kind == "published"}
    ours = {n for n in NAMES if zoo.get(n).kind == "mini"}
    assert {"caffenet-mini", "deepsim-fc6-mini", "judge-mini"} <= ours
    trained = {n for n in ours if zoo.get(n).weights.checksum is not None}
    assert trained == {path.parent.name for path in zoo.data_folder("models").glob("*/card.json")}


def test_our_own_models_are_whole_and_small() -> None:
    files = [path for path in zoo.data_folder("models").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 64_000_000
    for card in (json.loads(path.read_text()) for path in zoo.data_folder("models").glob("*/card.json")):
        path = zoo.get(card["name"]).weights_path()
        assert (path.stat().st_size, f"sha256:{card['sha256']}") == (
            card["bytes"],
            zoo.get(card["name"]).weights.checksum,
        )


def test_a_model_that_is_not_trained_yet_says_how_to() -> None:
    known = zoo.get("judge-mini")
    entry = replace(known, name="judge-new", weights=replace(known.weights, checksum=None))
    assert entry.untrained
    assert entry.state() == "untrained"
    with pytest.raises(zoo.MissingWeightsError, match="not been trained yet: `dgnam train judge-new --data DIR`"):
        entry.weights_path()


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_complete(name: str) -> None:
    entry = zoo.get(name)
    assert entry.kind in ("published", "mini")
    assert entry.prototxt.is_file()
    assert all((entry.title, entry.role, entry.license, entry.citation))
    assert (entry.scores is None) == (entry.label_set is None) == (entry.generator is not None)
    prep = entry.preprocessing
    assert prep.channels == "BGR"
    assert len(prep.mean) == 3
    assert max(prep.crop, 1) <= min(prep.resize)
    for file in published(entry):
        assert (not file.urls) == (entry.kind == "mini")
        assert all(re.fullmatch(r"https?://[^\s]+", url) for url in file.urls)
        assert (file.checksum is None) or entry.kind == "mini" or file.checksum_source is not None
        if file.checksum is not None:
            algorithm, digits = file.checksum.split(":")
            assert re.fullmatch(f"[0-9a-f]{{{LENGTHS[algorithm]}}}", digits)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_inverts_a_layer_of_a_model(name: str) -> None:
    generator = zoo.get(name).generator
    assert generator is not None
    assert f'name: "{generator.layer}"' in zoo.get(generator.encoder).prototxt.read_text()
    assert f'top: "{generator.output}"' in zoo.get(name).prototxt.read_text()
    dims = " ".join(f"dim: {n}" for n in generator.code_shape)
    assert f'top: "{generator.input}" input_param {{ shape {{ dim: 1 {dims} }} }}' in zoo.get(name).prototxt.read_text()


@pytest.mark.parametrize("name", ["untrained", "50", "200", "1000", "4000", "overfit"])
def test_a_model_may_have_another_s_definitions(name: str) -> None:
    entry, whole = zoo.get(f"caffenet-mini-{name}"), zoo.get("caffenet-mini")
    assert (entry.folder, entry.prototxt, entry.scores) == (whole.folder, whole.prototxt, "fc8")
    assert entry.places()["weights"].parent == zoo.data_folder("models") / entry.name
    assert whole.definition is None


def test_caffenet_mini_learns_on_the_way_and_then_overfits() -> None:
    names = [f"caffenet-mini-{n}" for n in ("untrained", "50", "200", "1000", "4000")] + ["caffenet-mini"]
    cards = {
        name: json.loads((zoo.data_folder("models") / name / "card.json").read_text())
        for name in [*names, "caffenet-mini-overfit"]
    }
    top1 = [cards[name]["measured"]["top1"] for name in names]
    assert top1 == sorted(top1)
    assert top1[0] < 0.01
    assert [cards[name]["training"]["iterations"] for name in names] == [0, 50, 200, 1000, 4000, 10000]
    overfit = cards["caffenet-mini-overfit"]["measured"]
    assert overfit["top1_training"] >= 0.95
    assert overfit["top1"] < 0.9 * top1[-1]


def test_an_unknown_name_lists_the_closest() -> None:
    with pytest.raises(DgnamError, match=r"no model 'cafenet'; .*the closest first: caffenet"):
        zoo.get("cafenet")


def test_missing_weights_say_what_to_do(home: Path) -> None:
    with pytest.raises(zoo.MissingWeightsError) as caught:
        zoo.get("caffenet").weights_path(download=False)
    path = home / "caffenet" / "bvlc_reference_caffenet.caffemodel"
    assert caught.value.path == path
    urls = [url for file in zoo.get("caffenet").weights_files for url in file.urls]
    assert any("huggingface.co" in url for url in urls)
    for part in (str(path), *urls, "sha1:4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46"):
        assert part in str(caught.value)


def test_missing_weights_from_an_archive_name_its_place_too(home: Path) -> None:
    with pytest.raises(zoo.MissingWeightsError, match=re.escape(str(home / "archives" / "release_deepsim_v0.zip"))):
        zoo.get("deepsim-fc6").weights_path(download=False)


def test_a_dead_address_says_what_was_tried(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    entry = replace(zoo.get("googlenet"), weights=PublishedFile("g.caffemodel", ("http://127.0.0.1:9/g",)))
    assert entry.other_weights == ()
    with pytest.raises(
        zoo.MissingWeightsError, match=r"tried http://127.0.0.1:9/g \(no connection\)\. If you get"
    ) as caught:
        entry.weights_path()
    assert caught.value.reasons == ("http://127.0.0.1:9/g (no connection)",)


def test_a_file_put_by_hand_is_used_and_checked(home: Path) -> None:
    content = b"by hand"
    file = PublishedFile("g.caffemodel", ("http://127.0.0.1:9/g",), checksum="md5:" + hashlib.md5(content).hexdigest())
    entry = replace(zoo.get("googlenet"), weights=file)
    path = home / "googlenet" / "g.caffemodel"
    path.parent.mkdir()
    path.write_bytes(content)
    assert entry.weights_path() == path
    path.write_bytes(b"another file")
    with pytest.raises(ChecksumError, match="is not the published file"):
        entry.weights_path()
    assert path.read_bytes() == b"another file"


def test_act_range_has_the_code_s_shape(home: Path) -> None:
    entry = zoo.get("deepsim-conv3")
    generator = entry.generator
    assert generator is not None
    unchecked = replace(entry, generator=replace(generator, act_range_file=PublishedFile("bounds.txt", ("http://x/",))))
    path = home / entry.name / "bounds.txt"
    path.parent.mkdir()
    bounds = np.arange(384 * 13 * 13) % 50
    path.write_text(" ".join(map(str, bounds)))
    loaded = unchecked.act_range()
    assert loaded is not None
    assert loaded.shape == (384, 13, 13)
    assert loaded.dtype == np.float32
    assert np.array_equal(loaded.ravel(), bounds)
    path.write_text("1 2 3")
    with pytest.raises(DgnamError, match="has 3 bounds"):
        unchecked.act_range()


def test_act_range_of_others() -> None:
    assert zoo.get("deepsim-norm1").act_range() is None
    with pytest.raises(DgnamError, match="'caffenet' is not a generator"):
        zoo.get("caffenet").act_range()


def test_the_published_act_range(home: Path) -> None:
    source = Path(__file__).resolve().parents[3] / "shared" / "data" / "act_range_3x_fc6.txt"
    if not source.is_file():
        pytest.skip(f"{source} is missing")
    path = home / "deepsim-fc6" / source.name
    path.parent.mkdir()
    path.write_bytes(source.read_bytes())
    bounds = zoo.get("deepsim-fc6").act_range(download=False)
    assert bounds is not None
    assert (bounds.shape, bounds[:4].tolist()) == ((4096,), [12, 11, 13, 13])


def test_bounds_of_channels_bound_all_their_places(home: Path) -> None:
    entry, path = zoo.get("deepsim-conv4"), home / "bounds.txt"
    path.write_text(" ".join(map(str, range(384))))
    bounds = entry.read_bounds(path)
    assert bounds.shape == (384, 13, 13)
    assert np.array_equal(bounds[:, 5, 7], np.arange(384))


def test_measured_bounds_are_used_once_they_are_here(home: Path) -> None:
    entry, path = zoo.get("deepsim-norm1"), home / "deepsim-norm1" / "act_range_3x_norm1.txt"
    assert "act_range" not in entry.places()
    path.parent.mkdir()
    path.write_text(" ".join(["2.5"] * (96 * 27 * 27)))
    assert entry.places()["act_range"] == path
    bounds = entry.act_range()
    assert bounds is not None
    assert (bounds.shape, float(bounds.max())) == ((96, 27, 27), 2.5)


@pytest.mark.parametrize("layer", NINE)
def test_each_generator_has_two_kinds_of_files(layer: str) -> None:
    entry = zoo.get(f"deepsim-{layer}")
    assert {Path(file.file).suffix for file in entry.weights_files} == {".caffemodel", ".pt"}
    assert f"upconvGAN_{layer}.pt" in [file.file for file in entry.weights_files]


def test_the_first_file_that_is_here_is_taken(home: Path) -> None:
    entry = zoo.get("deepsim-fc8")
    first, second = (home / "deepsim-fc8" / name for name in ("generator.caffemodel", "upconvGAN_fc8.pt"))
    assert entry.places()["weights"] == first
    first.parent.mkdir()
    second.write_bytes(b"state dict")
    assert (entry.places()["weights"], entry.state(), entry.weights_path()) == (second, "here", second)
    first.write_bytes(b"caffemodel")
    assert entry.weights_path() == first


@pytest.mark.parametrize("name", [name for name in NAMES if zoo.get(name).kind == "published"])
def test_the_sizes_are_those_of_the_shapes(name: str) -> None:
    plan = build(read_net(zoo.get(name).prototxt), pb.TEST)
    size = 4 * sum(math.prod(param.blob.shape) for param in plan.params)
    assert [file.size for file in zoo.get(name).weights_files] == [size] * len(zoo.get(name).weights_files)
    assert all(file.size is not None for file in published(zoo.get(name)))

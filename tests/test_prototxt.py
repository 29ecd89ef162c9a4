"""The definitions in `prototxt/`: blobs of the names and shapes that real Caffe had with the published ones."""

from __future__ import annotations

import functools
from pathlib import Path

import h5py
import pytest

from dgnam import zoo
from dgnam.caffe import layer_types  # noqa: F401  (registers the layer types)
from dgnam.caffe.proto import pb, read_net, read_weights
from dgnam.caffe.wiring.build import NetPlan, build

GOLDEN = Path(__file__).parent / "golden" / "nets.h5"
WEIGHTS = Path(__file__).resolve().parents[2] / "shared" / "weights" / "squeezenet_v1.0.caffemodel"
RECORDED = {
    "caffenet": "caffenet_fc8",
    "places205-alexnet": "places205_fc8",
    "googlenet": "googlenet_loss3",
    "resnet50": "resnet50_fc1000",
    "lrcn-single-frame": "lrcn_single_frame_fc8",
    "deepsim-fc6": "generator_fc6",
    "deepsim-fc7": "generator_fc7",
    "deepsim-pool5": "generator_pool5",
    "deepsim-conv3": "generator_conv3",
}
FILES = sorted(zoo.data_folder("prototxt").glob("*/*.prototxt"))


@functools.cache
def plan(name: str) -> NetPlan:
    return build(read_net(zoo.get(name).prototxt), pb.TEST)


@pytest.mark.parametrize("name", RECORDED)
def test_blobs_are_those_of_real_caffe(name: str) -> None:
    with h5py.File(GOLDEN) as file:
        blobs = file[RECORDED[name]]["blobs"]
        recorded = {key.replace("|", "/"): tuple(int(n) for n in blob.attrs["shape"]) for key, blob in blobs.items()}
    built = plan(name)
    assert dict(zip(built.blob_names, built.blob_shapes, strict=True)) == recorded


@pytest.mark.parametrize("name", [entry.name for entry in zoo.list_models()])
def test_it_is_what_the_registry_says(name: str) -> None:
    entry, built = zoo.get(name), plan(name)
    shapes = dict(zip(built.blob_names, built.blob_shapes, strict=True))
    crop = entry.preprocessing.crop
    if entry.generator is None:
        assert [built.blob_names[i] for i in built.inputs] == ["data"]
        assert shapes["data"] == (entry.preprocessing.frames, 3, crop, crop)
        assert entry.scores is not None
        assert shapes[entry.scores][:2] == (1, len(entry.labels()))
    else:
        assert shapes[entry.generator.input] == (1, *entry.generator.code_shape)
        assert [built.blob_names[i] for i in built.outputs] == [entry.generator.output]
        assert shapes[entry.generator.output] == (1, 3, crop, crop)
        encoder = plan(entry.generator.encoder)
        assert encoder.blob_shapes[encoder.blob_index(entry.generator.layer)] == shapes[entry.generator.input]


@pytest.mark.parametrize("name", [entry.name for entry in zoo.list_models() if entry.kind == "published"])
def test_the_gradient_of_the_input_is_asked_for(name: str) -> None:
    assert read_net(zoo.get(name).prototxt).force_backward


def test_the_published_squeezenet_s_weights_fit() -> None:
    if not WEIGHTS.is_file():
        pytest.skip(f"{WEIGHTS} is missing")
    given = {name: [blob.shape for blob in blobs] for name, blobs in read_weights(WEIGHTS).items() if blobs}
    wanted: dict[str, list[tuple[int, ...]]] = {}
    for param in plan("squeezenet").params:
        wanted.setdefault(param.owner, []).append(param.blob.shape)
    assert given == wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_header_says_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")

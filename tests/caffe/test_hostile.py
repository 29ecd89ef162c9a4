"""Hostile files: truncated, flipped, spliced and lying ones are read or refused by name, soon and in little room.

The formats and what may happen are those of the fuzz targets (`tests/fuzz`); here hypothesis draws the damage, always
the same.  Below stand the findings, each by name, and what a prototxt may claim.
"""

from __future__ import annotations

import io
import resource
import struct
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import dgnam.caffe as caffe
from dgnam.caffe import TEST, TRAIN, Net
from dgnam.caffe.images.cv_codec import decode_image
from dgnam.caffe.images.listing import read_listing
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import (
    parse_net,
    pb,
    read_caffemodel,
    read_net,
    read_net_from_caffemodel,
    wire,
    write_caffemodel,
)
from dgnam.caffe.proto.wire import encode_header, encode_varint
from dgnam.errors import CaffeError, CaffeFormatError, DgnamError, FormatError, closest, naming
from tests.fuzz import examine, mutate

_NUMBERS = st.integers(0, 2**32 - 1)
_STEPS = st.lists(st.tuples(st.sampled_from(mutate.KINDS), _NUMBERS, _NUMBERS), min_size=1, max_size=4)


# Every format.


@pytest.fixture(params=examine.formats())
def name(request) -> str:
    """Each format that there is what it takes to write."""
    if request.param == "leveldb":
        pytest.importorskip("plyvel", reason="LevelDB databases need the package plyvel")
    return request.param


def test_seeds_are_read(name, tmp_path):
    module = examine.target(name)
    path = tmp_path / module.FILE
    path.parent.mkdir(exist_ok=True)
    complaints = []
    for seed in module.seeds():
        path.write_bytes(seed)
        complaints.append(examine.examine(module, path))
    assert complaints.count(None) >= 1, complaints


def test_damage_is_refused_by_name_or_read(name, tmp_path_factory):
    module = examine.target(name)
    seeds = module.seeds()
    path = tmp_path_factory.mktemp(name) / module.FILE
    path.parent.mkdir(exist_ok=True)
    refused = 0

    @settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.sampled_from(seeds), steps=_STEPS)
    def damage(seed, steps):
        nonlocal refused
        path.write_bytes(mutate.mutate(seed, steps))
        refused += examine.examine(module, path) is not None

    damage()
    assert refused > 0


def module_that(read) -> SimpleNamespace:
    return SimpleNamespace(FILE="x", read=read)


def unnamed(path: Path) -> None:
    raise FormatError("something is wrong")


def not_of_ours(path: Path) -> None:
    raise KeyError(str(path))


def no_format_error(path: Path) -> None:
    raise DgnamError(f"{path}: is bad")


def endless(path: Path) -> None:
    raise FormatError(f"{path}: " + "x" * 10**6)


@pytest.mark.parametrize(
    ("read", "mark"),
    [
        (unnamed, "unnamed"),
        (not_of_ours, "KeyError"),
        (no_format_error, "no format error"),
        (endless, "endless"),
    ],
)
def test_the_examination_can_fail(tmp_path, read, mark):
    with pytest.raises(examine.Finding, match=mark):
        examine.examine(module_that(read), tmp_path / "x")


def test_what_takes_long_is_a_finding(tmp_path, monkeypatch):
    monkeypatch.setattr(examine, "SECONDS", 0.01)
    with pytest.raises(examine.Finding, match="slow"):
        examine.examine(module_that(lambda path: time.sleep(0.02)), tmp_path / "x")


def test_what_takes_memory_is_a_finding(tmp_path, monkeypatch):
    sizes = iter((100, 100 + examine.MEGABYTES + 1))
    monkeypatch.setattr(examine, "_peak", lambda: next(sizes))
    with pytest.raises(examine.Finding, match=f"large\n{examine.MEGABYTES + 1} MB"):
        examine.examine(module_that(lambda path: None), tmp_path / "x")


# What a prototxt may claim.

INPUT = 'layer { name: "d" type: "Input" top: "d" input_param { shape { %s } } }\n'
SMALL = INPUT % "dim: 2 dim: 4 dim: 6 dim: 6"


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    return str(path)


def layer(rest: str, bottom: str = "d") -> str:
    return f'layer {{ name: "x" bottom: "{bottom}" top: "x" {rest} }}\n'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (INPUT % "dim: 100000 dim: 100000", ["'d' (Input)", "(100000, 100000)", "at most 2147483647 numbers"]),
        (INPUT % "dim: 1000000000000", ["'d' (Input)", "(1000000000000,)"]),
        (INPUT % "dim: 1 dim: -1", ["'d' (Input)", "(1, -1)", "none negative"]),
        (INPUT % ("dim: 1 " * 33), ["'d' (Input)", "33 axes"]),
        (SMALL + layer('type: "InnerProduct" inner_product_param { num_output: 214748364 }'), ["parameter 0", "'x'"]),
        (
            SMALL + layer('type: "Convolution" convolution_param { num_output: 2 kernel_size: 60000 pad: 60000 }'),
            ["'x'"],
        ),
        (SMALL + layer('type: "Convolution" convolution_param { num_output: 2 kernel_size: 0 }'), ["kernel_size"]),
        (SMALL + layer('type: "Convolution" convolution_param { num_output: 2 kernel_size: 1 group: 0 }'), ["group"]),
        (SMALL + layer('type: "Tile" tile_param { tiles: 2147483647 }'), ["top 'x'", "8589934588"]),
        (SMALL + layer('type: "SPP" spp_param { pyramid_height: 2147483647 }'), ["'x'"]),
        (SMALL + layer('type: "Reshape" reshape_param { shape { dim: -7 } }'), ["'x' (Reshape)"]),
        (SMALL + layer('type: "Slice" slice_param { slice_point: 4294967295 } top: "y"'), ["'x' (Slice)"]),
        (SMALL + layer('type: "Im2col" convolution_param { kernel_size: 60000 pad: 30000 }'), ["top 'x'"]),
        (SMALL + layer('type: "Scale" scale_param { filler { type: "gausian" } }'), ["'x'", "gaussian"]),
        (
            SMALL + layer('type: "Scale" scale_param { filler { type: "uniform" min: -3e38 max: 3e38 } }'),
            ["exceeds float32"],
        ),
        (SMALL + layer('type: "Scale" scale_param { filler { type: "gaussian" std: nan } }'), ["must be positive"]),
    ],
)
def test_absurd_numbers_are_refused_by_layer_and_file(tmp_path, text, parts):
    path = written(tmp_path, text)
    with pytest.raises(CaffeFormatError) as caught:
        Net(path, TEST)
    for part in (path, *parts):
        assert part in str(caught.value)


GIGANTIC = "shape { dim: 1 dim: 2000000000 }"
GIGANTIC_INPUT = 'layer { name: "d" type: "Input" top: "d" input_param { ' + GIGANTIC + " } }\n"
THREE = "data_filler { value: 3 }"
XAVIER = 'weight_filler { type: "xavier" }'


@pytest.mark.parametrize(
    "text",
    [
        GIGANTIC_INPUT,
        GIGANTIC_INPUT + layer('type: "ReLU" loss_weight: 3'),
        GIGANTIC_INPUT + layer('type: "Scale" scale_param { bias_term: true }'),
        GIGANTIC_INPUT + layer(f'type: "InnerProduct" inner_product_param {{ num_output: 1 {XAVIER} }}'),
        f'layer {{ name: "x" top: "y" type: "DummyData" dummy_data_param {{ {GIGANTIC} {THREE} }} }}',
        f'layer {{ name: "x" top: "x" type: "Parameter" parameter_param {{ {GIGANTIC} }} }}',
        SMALL + layer(f'type: "Embed" embed_param {{ input_dim: 2000000 num_output: 1000 {XAVIER} }}'),
    ],
)
def test_a_net_that_claims_gigabytes_takes_none_until_it_runs(tmp_path, text):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    net = Net(written(tmp_path, text), TRAIN)
    assert max(blob.count for blob in (*net.blobs.values(), *net.learnable_params)) == 2_000_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_claimed_weights_are_compared_with_the_file_before_they_take_memory(tmp_path):
    text = SMALL + layer(f'type: "InnerProduct" inner_product_param {{ num_output: 10000000 {XAVIER} }}')
    weights = {"x": [np.ones((2, 144), np.float32), np.ones(2, np.float32)]}
    path = tmp_path / "x.caffemodel"
    write_caffemodel(path, read_net(written(tmp_path, text)), weights)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reason = r"layer 'x', parameter 0: the net's shape is \(10000000, 144\)"
    with pytest.raises(CaffeFormatError, match=rf"x\.caffemodel: {reason}"):
        Net(written(tmp_path, text), str(path), TEST)
    with pytest.raises(CaffeError, match=reason):
        CaffeModule(parse_net(text), weights)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_whoever_builds_a_net_names_its_file(tmp_path):
    net = written(tmp_path, INPUT % "dim: 1000000000000")
    solver, inline = tmp_path / "solver.prototxt", tmp_path / "inline.prototxt"
    solver.write_text(f'net: "{net}" base_lr: 1 lr_policy: "fixed"')
    inline.write_text(f'net_param {{ {INPUT % "dim: 1000000000000"} }} base_lr: 1 lr_policy: "fixed"')
    for build, named in (
        (lambda: caffe.to_torch(net), net),
        (lambda: caffe.Classifier(net, net), net),
        (lambda: caffe.get_solver(str(solver)), net),
        (lambda: caffe.get_solver(str(inline)), str(inline)),
    ):
        with pytest.raises(CaffeFormatError, match=r"layer 'd' \(Input\)") as caught:
            build()
        assert str(caught.value).startswith(named)


def test_a_module_larger_than_the_machine_is_refused():
    rows = "".join(
        f'layer {{ name: "x{i}" bottom: "d" top: "x{i}" type: "Embed" '
        "embed_param { input_dim: 2000000 num_output: 1000 } }\n"
        for i in range(500)
    )
    with pytest.raises(CaffeError, match="its parameters take 4000002000000 bytes, more than the machine's memory"):
        CaffeModule(parse_net(SMALL + rows))


def test_parameters_are_filled_at_their_first_use_by_the_seed_at_building(tmp_path):
    bias = 'bias_filler { type: "uniform" }'
    text = SMALL + layer(f'type: "InnerProduct" inner_product_param {{ num_output: 3 {XAVIER} {bias} }}')
    path = written(tmp_path, text)
    nets = []
    for order in (0, 1), (1, 0):
        caffe.set_random_seed(5)
        net = Net(path, TEST)
        caffe.set_random_seed(6)
        for i in order:
            assert net.params["x"][i].data.any()
        nets.append(net)
    for first, second in zip(*(net.params["x"] for net in nets), strict=True):
        np.testing.assert_array_equal(first.data, second.data)


def test_thousands_of_layers_and_tops_are_wired_in_time(tmp_path):
    rows = "".join(layer('type: "ReLU"').replace('"x"', f'"x{i}"') for i in range(3000))
    start = time.monotonic()
    net = Net(written(tmp_path, SMALL + rows), TEST)
    assert len(net.layers) == 3002
    assert time.monotonic() - start < examine.SECONDS


def test_names_of_splits_have_a_limit(tmp_path):
    long = "d" * 200_000
    text = SMALL.replace('name: "d"', f'name: "{long}"') + "".join(
        layer('type: "ReLU"').replace('"x"', f'"x{i}"') for i in range(400)
    )
    with pytest.raises(CaffeFormatError, match="400 layers take its top 'd'") as caught:
        Net(written(tmp_path, text), TEST)
    assert len(str(caught.value)) < 1000


def test_too_many_layers_are_refused(tmp_path):
    with pytest.raises(CaffeFormatError, match=r"net\.prototxt: 70000 layers exceed the limit"):
        read_net(written(tmp_path, "layer{}" * 70_000))


@pytest.mark.parametrize("opening", ["layer {", "layer < blobs <", "[a.b/c] {", "layer { unknown: [", '"'])
def test_deep_nesting_and_unterminated_text(tmp_path, opening):
    with pytest.raises(CaffeFormatError, match=r"net\.prototxt"):
        read_net(written(tmp_path, opening * 50_000))


def test_endless_names_in_errors_are_cut_and_compared_in_time():
    names = ["ab" * 50_000 + str(i) for i in range(20)]
    start = time.monotonic()
    assert len(closest("ab" * 50_000, names)) < 2000
    assert time.monotonic() - start < 1


def test_an_error_is_named_once():
    with pytest.raises(CaffeFormatError, match=r"^net: a is bad$"), naming("net"):
        raise CaffeError("a is bad")
    with pytest.raises(CaffeError, match=r"^net: no such file$") as caught, naming("net"):
        raise CaffeError("net: no such file")
    assert not isinstance(caught.value, CaffeFormatError)


# Findings of the fuzz targets, in a pass.


def test_an_empty_net_runs(tmp_path):
    assert Net(written(tmp_path, 'name: "none"'), TEST).forward() == {}


def test_a_norm_over_more_channels_than_there_are_is_quick(tmp_path):
    texts = [SMALL + layer(f'type: "LRN" lrn_param {{ local_size: {n} alpha: {n} }}') for n in (7, 10**9 + 1)]
    nets = [Net(written(tmp_path, text), TRAIN) for text in texts]
    values = np.random.default_rng(0).standard_normal((2, 4, 6, 6))
    for net in nets:
        net.blobs["d"].data[...] = values
        net.forward()
    np.testing.assert_allclose(nets[0].blobs["x"].data, nets[1].blobs["x"].data, rtol=1e-6)


def test_what_torch_refuses_names_the_layer(tmp_path):
    text = INPUT % "dim: 2 dim: 4 dim: 6 dim: 0" + layer('type: "LRN" lrn_param { norm_region: WITHIN_CHANNEL }')
    with pytest.raises(CaffeError, match=r"layer 'x' \(LRN\): torch can't compute it"):
        Net(written(tmp_path, text), TEST).forward()


def test_labels_are_followed_by_white_space_of_ascii_only(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"a.png 7\x1d\n")
    with pytest.raises(CaffeFormatError, match=r"list\.txt, line 1"):
        read_listing(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_bytes(b"a.png 7 \r\n".replace(b" \r", b"\r"))
    assert read_listing(tmp_path / "list.txt")[0].label == 7


# Caffemodels.


def message(number: int, payload: bytes) -> bytes:
    return encode_header(number, len(payload)) + payload


LAYER, BLOBS = pb.NetParameter.LAYER_FIELD_NUMBER, pb.LayerParameter.BLOBS_FIELD_NUMBER


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (message(LAYER, message(1, b"n" * 5000)), "a name of 5000 bytes"),
        (message(LAYER, message(1, b"n")) + message(LAYER, b"\x0b" * 4), "unknown wire type 3"),
        (encode_varint(LAYER << 3 | 2) + b"\xff" * 9 + b"\x01" + b"x", "runs"),
        (message(LAYER, message(BLOBS, b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), "(-1, 0, 0, 0)"),
        (message(LAYER, message(BLOBS, b"\x08\x02\x10\x02\x18\x02\x20\x02" + message(5, bytes(60)))), "holds 15"),
        (message(LAYER, message(BLOBS, message(7, message(1, b"\x03")) + message(8, bytes(16)))), "holds 2"),
    ],
)
def test_caffemodels_that_contradict_themselves(tmp_path, data, part):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(data)
    with pytest.raises(CaffeFormatError) as caught:
        read_caffemodel(path)
    assert str(path) in str(caught.value)
    assert part in str(caught.value)


def test_fields_and_definitions_have_limits(tmp_path, monkeypatch):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(message(LAYER, message(1, b"n")) + b"\x08\x01" * 2000)
    assert read_caffemodel(path) == {}
    monkeypatch.setattr(wire, "_MAX_FIELDS", 1000)
    with pytest.raises(CaffeFormatError, match=r"x\.caffemodel: holds over 1000 fields"):
        read_caffemodel(path)
    path.write_bytes(message(LAYER, message(1, b"n")) + message(1, bytes(20 << 20)))
    with pytest.raises(CaffeFormatError, match=r"x\.caffemodel: its definition without blobs exceeds 16777216 bytes"):
        read_net_from_caffemodel(path)


@pytest.mark.parametrize(
    "data",
    [
        message(LAYER, message(1, b"n") + message(4, b"\xff")),
        message(LAYER, message(1, b"n") + message(6, message(1, b"\xff"))),
        message(2, message(4, b"n") + message(2, b"\xff")),
        message(3, b"d") + message(3, b"\xff") + message(LAYER, message(1, b"n")),
    ],
)
def test_text_within_a_definition_is_utf8(tmp_path, data):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(data)
    with pytest.raises(CaffeFormatError, match=r"x\.caffemodel: .*(utf|UTF)-8"):
        read_net_from_caffemodel(path)


# Pictures.


def png_of(width: int, height: int) -> bytes:
    """The header of a PNG, and nothing of what it claims."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pieces = (header, b"IDAT" + zlib.compress(bytes(100)), b"IEND")
    body = b"".join(struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in pieces)
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(9000, 9000), (60000, 60000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (0, 0)])
def test_pictures_that_claim_too_many_pixels(tmp_path, size):
    path = tmp_path / "x.png"
    path.write_bytes(png_of(*size))
    for read in (lambda: decode_image(path.read_bytes(), str(path), "color"), lambda: caffe.io.load_image(str(path))):
        with pytest.raises(CaffeFormatError, match=r"x\.png"):
            read()


def test_truncated_pictures_and_kinds_that_run_programs(tmp_path):
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(out, "JPEG")
    path = tmp_path / "x.jpg"
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    for data in (out.getvalue()[:-400], out.getvalue()[:30], eps):
        path.write_bytes(data)
        with pytest.raises(CaffeFormatError, match=r"x\.jpg"):
            decode_image(data, str(path), "color")
        with pytest.raises(CaffeFormatError, match=r"x\.jpg"):
            caffe.io.load_image(str(path))

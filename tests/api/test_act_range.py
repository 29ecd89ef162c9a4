"""From the names of an encoder and of pictures to a run with the bounds, resumed to the same bytes."""

import io
import json
import os
import signal
import sys
import warnings
import zipfile
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from dgnam import zoo
from dgnam.am import TorchTarget
from dgnam.api.act_range import act_range
from dgnam.api.targets import open_target
from dgnam.caffe.databases.backends import create_database
from dgnam.caffe.databases.datum import image_datum
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, read_weights, write_hdf5_weights
from dgnam.data.checksums import contents_checksum, listing_checksum
from dgnam.data.dataset import open_dataset
from dgnam.data.picture import DataError, Picture
from dgnam.data.preprocessing import Preprocessing
from dgnam.errors import DgnamError
from dgnam.measure.act_range import CodeMeasurement
from dgnam.runs import Interrupted
from tests.am.networks import ChannelsLast, Time, Tokens

NET = """
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 6 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 2 kernel_size: 3 stride: 3 weight_filler { type: "msra" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv1" top: "fc6"
  inner_product_param { num_output: 5 weight_filler { type: "msra" } } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer { name: "fc8" type: "InnerProduct" bottom: "fc6" top: "fc8"
  inner_product_param { num_output: 2 weight_filler { type: "msra" } } }
"""


@pytest.fixture
def encoder():
    return CaffeModule(parse_net(NET), seed=0).eval()


@pytest.fixture
def own(tmp_path, encoder):
    """What names the tiny encoder and a run's folder."""
    (tmp_path / "deploy.prototxt").write_text(NET)
    write_hdf5_weights(tmp_path / "w.h5", encoder.weights())
    names = {"encoder": str(tmp_path / "deploy.prototxt"), "weights": tmp_path / "w.h5", "layer": "fc6"}
    return {**names, "folder": tmp_path / "run", "progress": False}


def png(image):
    out = io.BytesIO()
    Image.fromarray(image).save(out, format="PNG")
    return out.getvalue()


@pytest.fixture
def sources(tmp_path):
    """The same pictures (H, W, 3) RGB as each kind of source."""
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8)
    folder = tmp_path / "pictures"
    folder.mkdir()
    writer = create_database(tmp_path / "db", "lmdb")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number, image in enumerate(images):
            (folder / f"{number:02d}.png").write_bytes(png(image))
            archive.writestr(f"{number:02d}.png", png(image))
            writer.put(f"{number:02d}".encode(), image_datum(image[..., ::-1], 0).SerializeToString())
    writer.commit()
    writer.close()
    (folder / "list.txt").write_text("".join(f"{number:02d}.png 0\n" for number in range(20)))
    places = {"folder": folder, "listing": folder / "list.txt", "zip": tmp_path / "x.zip", "lmdb": tmp_path / "db"}
    return images, {kind: str(place) for kind, place in places.items()}


@pytest.fixture
def blocks(monkeypatch):
    """Chunks of eight pictures."""
    monkeypatch.setattr(import_module("dgnam.api.act_range"), "BLOCK", 8)


def contents(folder):
    files = [p for p in sorted(Path(folder).rglob("*")) if p.is_file() and p.name != "events.jsonl"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.mark.parametrize("kind", ["folder", "listing", "zip", "lmdb"])
def test_each_kind_of_source_gives_the_same(encoder, own, sources, kind):
    images, places = sources
    made = act_range(places[kind], size="8", **own)
    prepare = Preprocessing((6, 6), (8, 8), np.array([104, 117, 123]))
    x = torch.from_numpy(np.stack([prepare(image) for image in images]))
    codes = encoder(x, keep=["fc6"])["fc6"].detach().numpy().astype(np.float64)
    np.testing.assert_allclose(made.bounds, codes.mean(0) + 3 * codes.std(0), rtol=1e-5)
    np.testing.assert_array_equal(zoo.read_act_range(made.files[0]), made.bounds)
    with h5py.File(made.files[1]) as file:
        facts = dict(file.attrs)
    assert (facts["images"], facts["source"], facts["layer"]) == (20, places[kind], "fc6")
    assert {"encoder", "preprocessing", "batch_size", "device"} <= set(facts)
    assert made.summary[0].startswith("fc6: 5 neurons over 20 pictures; mean + 3 standard deviations is ")
    record = json.loads((own["folder"] / "run.json").read_text())
    assert (record["task"], record["spec"]["layer"], record["inputs"]["images"]["count"]) == ("act_range", "fc6", 20)
    sums = record["inputs"]["encoder"]["files"]
    assert all(len(one) == 64 for one in sums.values())
    assert len(sums) == 2


def test_with_a_net_of_ones_own_pictures_are_resized_to_what_it_takes(own, sources):
    made = act_range(sources[1]["zip"], mean="1,2,3", scale=0.5, limit=3, k=1.5, **own)
    assert made.summary[1] == "pictures: resize stretch 6x6, center 6x6, minus 1, 2, 3, times 0.5"
    with h5py.File(made.files[1]) as file:
        assert (file.attrs["k"], file.attrs["images"]) == (1.5, 3)
    assert made.files[1].name == "act_range_1.5x_fc6.h5"


def test_it_gets_a_folder_of_its_own(own, sources, tmp_path):
    how = {**own, "folder": None, "output": tmp_path / "runs", "integers": True}
    made = [act_range(sources[1]["zip"], **how) for _ in range(2)]
    assert [one.folder.name for one in made] == [f"act-range-deploy.prototxt-fc6-{k}" for k in (1, 2)]
    assert {one.folder.parent for one in made} == {tmp_path / "runs"}
    assert repr(made[0]) == f"<ActRange: 5 neurons over {made[0].found.count} pictures, in {made[0].folder}>"
    assert contents(made[0].folder) == contents(made[1].folder)
    assert all(number.isdigit() for number in made[0].files[0].read_text().split())


def test_the_zoos_encoder_brings_layer_and_preprocessing(sources, tmp_path):
    made = act_range(sources[1]["zip"], folder=tmp_path / "mini", progress=False)
    assert made.found.shape == zoo.get("deepsim-fc6-mini").generator.code_shape
    assert made.summary[1] == "pictures: resize stretch 64x64, center 56x56, minus 104, 117, 123"
    record = json.loads((tmp_path / "mini/run.json").read_text())
    assert (record["inputs"]["encoder"]["name"], record["inputs"]["layer"]) == ("caffenet-mini", "fc6")
    digest = zoo.get("caffenet-mini").weights.checksum
    assert f"sha256:{record['inputs']['encoder']['files']['caffenet-mini/weights.h5']}" == digest


def test_what_is_odd_is_told(own, sources):
    images, places = sources
    (Path(places["folder"]) / "zz.png").write_bytes(b"no picture")
    made = act_range(places["folder"], skip_broken=True, **{**own, "layer": "fc8"})
    told = "\n".join(made.summary)
    assert "some codes are negative" in told
    assert "unreadable pictures skipped: 1: " in told
    assert "zz.png" in told
    assert made.found.count == len(images)


class Killed(BaseException):
    """What a test stops a run with, as SIGKILL would."""


def stop_in_block(monkeypatch, number, error=Killed):
    """Let the measurement of the block of this number raise the error."""
    add, calls = CodeMeasurement.add, []

    def adding(self, *given, **named):
        calls.append(1)
        if len(calls) == number + 1:
            raise error
        return add(self, *given, **named)

    monkeypatch.setattr(CodeMeasurement, "add", adding)


@pytest.mark.parametrize("stopped_in", [0, 1, 2])
@pytest.mark.parametrize("limit", [None, 17])
def test_a_resumed_run_has_the_bytes_of_one_that_ran_through(own, sources, blocks, monkeypatch, stopped_in, limit):
    (Path(sources[1]["folder"]) / "07x.png").write_bytes(b"no picture")
    how = {**own, "batch_size": 4, "skip_broken": True, "limit": limit}
    whole = act_range(sources[1]["folder"], **{**how, "folder": own["folder"].with_name("whole")})
    with monkeypatch.context() as patched:
        stop_in_block(patched, stopped_in)
        with pytest.raises(Killed):
            act_range(sources[1]["folder"], **how)
    assert len(list(own["folder"].glob("chunks/*"))) == stopped_in
    made = act_range(sources[1]["folder"], resume=True, **how)
    assert contents(made.folder) == contents(whole.folder)
    assert made.summary == whole.summary
    assert (made.found.skipped, made.found.reasons) == (whole.found.skipped, whole.found.reasons)


@pytest.mark.parametrize("damaged", [["00001"], ["00002"], ["00001", "00002"]])
def test_what_a_damaged_chunk_held_is_measured_again(own, sources, blocks, damaged):
    how = {**own, "batch_size": 4}
    made = act_range(sources[1]["zip"], **how)
    before = contents(made.folder)
    assert [name for name in before if name.startswith("chunks/")] == ["chunks/00001.h5", "chunks/00002.h5"]
    for name in damaged:
        (made.folder / f"chunks/{name}.h5").write_bytes(b"x")
    with pytest.warns(UserWarning, match=f"{damaged[0]}.h5 is damaged"):
        act_range(sources[1]["zip"], resume=True, **how)
    after = contents(made.folder)
    unneeded = {"chunks.jsonl", "chunks/00001.h5"} if damaged == ["00001"] else set()
    assert {name: after[name] for name in before if name not in unneeded} == {
        name: content for name, content in before.items() if name not in unneeded
    }


def test_an_older_state_that_a_kill_left_half_discarded_is_no_damage(own, sources, blocks):
    made = act_range(sources[1]["zip"], **own, batch_size=4)
    before, journal = contents(made.folder), made.folder / "chunks.jsonl"
    line = {"name": "00000", "file": "chunks/00000.h5", "sha256": "0" * 64, "count": 8}
    journal.write_text(f"{json.dumps(line)}\n{journal.read_text()}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        act_range(sources[1]["zip"], resume=True, **own, batch_size=4)
    assert contents(made.folder) == before


def test_blocks_give_the_numbers_of_one_pass(own, sources, blocks, monkeypatch):
    parts = act_range(sources[1]["zip"], batch_size=4, **own)
    monkeypatch.setattr(import_module("dgnam.api.act_range"), "BLOCK", 4096)
    whole = act_range(sources[1]["zip"], batch_size=4, **{**own, "folder": own["folder"].with_name("whole")})
    assert np.array_equal(parts.found.mean, whole.found.mean)
    assert np.array_equal(parts.found.std, whole.found.std)


def test_an_interrupt_says_how_to_go_on(own, sources, blocks, monkeypatch):
    stop_in_block(monkeypatch, 1, KeyboardInterrupt)
    with pytest.raises(Interrupted, match=r"stopped after 8 of 20 pictures; resume it: dgnam resume .*/run"):
        act_range(sources[1]["zip"], batch_size=4, **own)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(("block", "done"), [(1, "after 16 of 20"), (2, "all pictures are measured")])
def test_a_signal_ends_a_measurement_after_the_block_in_hand(
    own, sources, blocks, monkeypatch, block, done, number, status
):
    add, calls = CodeMeasurement.add, []

    def adding(self, *given, **named):
        if len(calls) == block:
            os.kill(os.getpid(), number)
        calls.append(1)
        return add(self, *given, **named)

    monkeypatch.setattr(CodeMeasurement, "add", adding)
    with pytest.raises(Interrupted, match=f"{done}.*resume it: dgnam resume .*/run$") as stopped:
        act_range(sources[1]["zip"], batch_size=4, **own)
    assert stopped.value.status == status
    assert (own["folder"] / "act_range_3x_fc6.h5").is_file() == (block == 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": "fc8"}, "layer changed"),
        ({"mean": "1,2,3"}, "preprocessing.* changed"),
        ({"batch_size": 8}, "batch_size changed"),
        ({"limit": 3}, "images.limit changed"),
        ({"skip_broken": True}, "images.skip_broken changed"),
    ],
)
def test_another_measurement_does_not_go_on(own, sources, changes, message):
    act_range(sources[1]["zip"], **own)
    with pytest.raises(DgnamError, match=f"cannot resume .*{message}"):
        act_range(sources[1]["zip"], resume=True, **{**own, **changes})


def test_changed_weights_and_more_pictures_do_not_go_on(own, sources):
    act_range(sources[1]["folder"], **own)
    (Path(sources[1]["folder"]) / "zz.png").write_bytes(png(sources[0][0]))
    with pytest.raises(DgnamError, match=r"images\.count changed \(was 20, now 21\)"):
        act_range(sources[1]["folder"], resume=True, **own)
    (Path(sources[1]["folder"]) / "zz.png").unlink()
    write_hdf5_weights(own["weights"], CaffeModule(parse_net(NET), seed=4).weights())
    with pytest.raises(DgnamError, match=r"encoder\.files\..*w\.h5 changed"):
        act_range(sources[1]["folder"], resume=True, **own)


def swap(one, two):
    a, b = one.read_bytes(), two.read_bytes()
    one.write_bytes(b)
    two.write_bytes(a)


def bmp(image):
    """A picture whose file is as long as any other's of its size."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, format="BMP")
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder, image: (folder / "03.png").rename(folder / "03a.png"), "images.listing changed"),
        (lambda folder, image: (folder / "03.png").write_bytes(bmp(image)), "images.listing changed"),
        (lambda folder, image: swap(folder / "03.bmp", folder / "04.bmp"), "contents of the first 16 images changed"),
        (lambda folder, image: (folder / "03.bmp").write_bytes(bmp(image)), "contents of the first 16 images changed"),
        (lambda folder, image: (folder / "19.png").write_bytes(b"x"), "images.listing changed"),
    ],
)
def test_changed_pictures_do_not_go_on(own, sources, blocks, monkeypatch, change, message):
    """Their names and sizes are compared, and the contents of those that were measured."""
    folder, how = Path(sources[1]["folder"]), {**own, "batch_size": 4}
    for number in (3, 4):
        (folder / f"0{number}.bmp").write_bytes(bmp(sources[0][number]))
    with monkeypatch.context() as patched:
        stop_in_block(patched, 2)
        with pytest.raises(Killed):
            act_range(str(folder), **how)
    change(folder, sources[0][9])
    with pytest.raises(DgnamError, match=f"cannot resume .*{message}"):
        act_range(str(folder), resume=True, **how)


def test_pictures_that_are_not_taken_may_change(own, sources, blocks):
    folder, how = Path(sources[1]["folder"]), {**own, "batch_size": 4, "limit": 9}
    whole = act_range(str(folder), **how).bounds
    (folder / "15.png").write_bytes(b"x")
    assert np.array_equal(act_range(str(folder), resume=True, **how).bounds, whole)


@pytest.mark.parametrize("kind", ["folder", "listing", "zip", "lmdb"])
def test_names_and_sizes_are_looked_at_without_reading(sources, kind, monkeypatch):
    monkeypatch.setattr(Picture, "load", lambda *given: pytest.fail("a picture is decoded"))
    dataset = open_dataset(sources[1][kind])
    whole = listing_checksum(dataset)
    assert whole == listing_checksum(dataset.part(range(20)))
    assert whole != listing_checksum(dataset.part(range(19)))
    assert contents_checksum(dataset) != contents_checksum(dataset.part(range(19)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "deepsim-fc6", "weights": None}, "is a generator: measure its encoder 'caffenet' at layer 'fc6'"),
        ({"encoder": "caffenet-minni"}, "no model 'caffenet-minni'.* caffenet-mini"),
        (
            {"encoder": "judge-mini", "layer": None, "weights": None},
            "so there is no default layer: give --layer, one of",
        ),
        ({"weights": None}, r"deploy\.prototxt needs its weights"),
        ({"layer": "fc7"}, "net 'tiny' has no layer 'fc7'; its layers, the closest first: fc"),
        ({"k": float("nan")}, "k nan: give a number of standard deviations"),
        ({"k": "3"}, "k '3': give a number"),
        ({"mean": "1,2"}, "the mean has 2 channels, and the net's input 3"),
        ({"size": "5x9"}, "pictures of 5x9 have no crop of 6x6"),
        ({"resize": "long-side"}, "resize 'long-side': give one of "),
        ({"device": "gpu"}, "device 'gpu': use cpu, cuda"),
        ({"limit": 0}, "limit 0: give 1 or more"),
        ({"batch_size": 0}, "batch_size 0: give 1 or more"),
        ({"batch_size": 10**20}, "batch_size 100000000000000000000: give 1 or more, at most"),
        ({"limit": 10**20}, "limit 100000000000000000000: give 1 or more, at most"),
        ({"k": 1e308}, r"k 1e\+308: give a number of standard deviations, 0 to"),
        ({"k": -1.0}, "k -1: give a number of standard deviations"),
        ({"images": "nowhere/x"}, "nowhere/x"),
        ({"folder": None, "output": None}, "give a folder, or an output"),
        ({"resume": True}, "holds no run"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(own, sources, tmp_path, changes, message):
    with pytest.raises((DgnamError, DataError), match=message):
        act_range(**{"images": sources[1]["zip"], **own, **changes})
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_not_empty_is_left_alone(own, sources):
    made = act_range(sources[1]["zip"], **own)
    before = contents(made.folder)
    with pytest.raises(DgnamError, match="is not empty"):
        act_range(sources[1]["zip"], **own)
    assert contents(made.folder) == before


def test_a_prototxt_without_an_input_is_refused(own, sources, tmp_path):
    text = NET.replace('"Input"', '"DummyData"').replace("input_param", "dummy_data_param")
    (tmp_path / "deploy.prototxt").write_text(text)
    with pytest.raises(DgnamError, match=r"its inputs have shapes \[\]; an encoder takes one"):
        act_range(sources[1]["zip"], **own)


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A module of one's own, with a torch target in it that counts how often it is made."""
    (tmp_path / "own_encoder.py").write_text(
        "import torch\nfrom torch import nn\nfrom dgnam.am import TorchTarget\nmade = []\n"
        "def net():\n    made.append(1)\n    torch.manual_seed(0)\n"
        "    return TorchTarget(nn.Sequential(nn.Flatten(), nn.Linear(108, 5)), (6, 6))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("own_encoder", None)
    yield import_module("own_encoder")
    sys.modules.pop("own_encoder", None)


def test_an_encoder_is_whatever_a_target_is(sources, tmp_path, code):
    images, places = sources
    how = {"layer": "1", "size": "8", "progress": False}
    found = [
        act_range(places["zip"], encoder=encoder, folder=tmp_path / f"run{k}", **how).bounds
        for k, encoder in enumerate(["own_encoder:net", code.net(), open_target(code.net())])
    ]
    assert all(np.array_equal(found[0], other) for other in found)
    target = code.net()
    prepare = Preprocessing((6, 6), (8, 8), np.array([104, 117, 123]))
    codes = target(torch.from_numpy(np.stack([prepare(image) for image in images])), ["1"])["1"].detach().numpy()
    np.testing.assert_allclose(found[0], codes.mean(0) + 3 * codes.std(0), rtol=1e-5)
    record = json.loads((tmp_path / "run0/run.json").read_text())
    assert record["inputs"]["encoder"]["python"] == "own_encoder:net"


@pytest.mark.parametrize(
    ("module", "layer", "shape"),
    [(Tokens(), "mix", (4, 6)), (ChannelsLast(), "block", (4, 4, 6)), (nn.Conv2d(3, 6, 8, 8), "output", (6, 4, 4))],
)
def test_codes_of_a_torch_module_have_its_own_order_of_axes(sources, tmp_path, module, layer, shape):
    target = TorchTarget(module, (32, 32))
    how = {"layer": layer, "size": "32", "folder": tmp_path / "run", "progress": False}
    found = act_range(sources[1]["zip"], encoder=target, **how)
    prepare = Preprocessing((32, 32), (32, 32), np.array([104, 117, 123]))
    images = torch.from_numpy(np.stack([prepare(image) for image in sources[0]]))
    codes = target.outputs(images, [layer])[layer].detach().numpy()
    assert codes.shape[1:] == found.found.shape == shape
    expected = (codes.mean(0) + 3 * codes.std(0)).ravel()
    np.testing.assert_allclose(found.bounds, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["torch", "prototxt"])
def test_a_layer_without_a_row_for_each_picture_raises_at_once(own, sources, tmp_path, kind):
    if kind == "torch":
        how = {**own, "encoder": TorchTarget(Time(), (64, 64)), "weights": None, "layer": "out", "size": "64"}
    else:
        rows = 'type: "Reshape" bottom: "fc8" top: "rows" reshape_param { shape { dim: -1 dim: 1 } }'
        Path(own["encoder"]).write_text(f'{NET} layer {{ name: "rows" {rows} }}')
        how = {**own, "layer": "rows"}
    with pytest.raises(DgnamError, match="its first axis is not the batch"):
        act_range(sources[1]["zip"], **{**how, "folder": tmp_path / "new"})
    assert not (tmp_path / "new").exists()


def test_an_own_encoder_is_resumed_by_name_or_opened(sources, tmp_path, code):
    how = {"layer": "1", "progress": False, "folder": tmp_path / "run"}
    first = act_range(sources[1]["zip"], encoder="own_encoder:net", **how)
    for encoder in ("own_encoder:net", open_target("own_encoder:net")):
        assert np.array_equal(act_range(sources[1]["zip"], encoder=encoder, resume=True, **how).bounds, first.bounds)


def test_paths_and_modules_give_what_names_give(own, sources, encoder, tmp_path):
    by_name = act_range(sources[1]["zip"], **own)
    by_path = act_range(sources[1]["zip"], **{**own, "encoder": Path(own["encoder"]), "folder": tmp_path / "path"})
    module = {**own, "encoder": encoder, "weights": None, "folder": tmp_path / "module"}
    assert contents(by_name.folder) == contents(by_path.folder)
    np.testing.assert_allclose(act_range(sources[1]["zip"], **module).bounds, by_name.bounds, rtol=1e-5)


def test_a_layer_of_several_encoders(sources, tmp_path):
    how = {"size": "64", "limit": 3, "progress": False}
    joint = act_range(
        sources[1]["zip"], encoder="caffenet-mini,judge-mini", layer="caffenet-mini.fc6", folder=tmp_path / "a", **how
    )
    alone = act_range(sources[1]["zip"], encoder="caffenet-mini", folder=tmp_path / "b", **how)
    np.testing.assert_allclose(joint.bounds, alone.bounds, rtol=1e-4, atol=1e-4)


def test_the_layers_to_choose_from_are_those_of_the_prototxt(sources, tmp_path):
    with pytest.raises(DgnamError, match="one of ") as error:
        act_range(sources[1]["zip"], encoder="judge-mini", folder=tmp_path / "run", progress=False)
    assert "_split" not in str(error.value)


def test_what_an_opened_encoder_has_of_its_own_is_not_given_again(sources, tmp_path, code):
    how = {"encoder": code.net(), "folder": tmp_path / "run", "progress": False}
    for options, message in [
        ({"layer": "1", "mean": "1,2,3"}, "leave mean, scale and channels out"),
        ({"layer": "1", "scale": 2.0}, "leave mean, scale and channels out"),
        ({"layer": "1", "weights": tmp_path / "w.h5"}, "leave weights out"),
        ({}, "so there is no default layer: give --layer, one of "),
        ({"layer": "7"}, "7"),
        ({"layer": "1", "encoder": 3}, "encoder 3: give "),
    ]:
        with pytest.raises(DgnamError, match=message):
            act_range(sources[1]["zip"], **{**how, **options})
    assert not (tmp_path / "run").exists()


def test_pictures_that_can_all_not_be_read(own, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png"):
        act_range(str(tmp_path / "bad"), **own)
    with pytest.raises(DataError, match="no picture could be read; the first"):
        act_range(str(tmp_path / "bad"), skip_broken=True, **{**own, "folder": tmp_path / "other"})


def test_an_encoder_of_rgb_sees_pictures_in_that_order(own, sources, tmp_path):
    """Its first layer's weights with the channels reversed, it measures what the encoder of BGR does."""
    flipped = CaffeModule(parse_net(NET), read_weights(own["weights"])).weights()
    flipped["conv1"][0] = flipped["conv1"][0][:, ::-1].copy()
    write_hdf5_weights(tmp_path / "rgb.h5", flipped)
    bgr = act_range(sources[1]["zip"], **own).bounds
    rgb = {**own, "weights": tmp_path / "rgb.h5", "channels": "RGB", "folder": tmp_path / "rgb"}
    np.testing.assert_allclose(act_range(sources[1]["zip"], **rgb).bounds, bgr, rtol=1e-4)

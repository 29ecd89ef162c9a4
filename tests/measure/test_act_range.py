"""The range of codes: against two passes in float64, whatever the batches; files; memory; what is refused."""

import io
import os
import re
import signal
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from dgnam.api.act_range import ActRangeRequest, run
from dgnam.caffe.databases.datum import image_datum
from dgnam.caffe.databases.db import create_database
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net, write_hdf5_weights
from dgnam.cli import app as cli
from dgnam.cli.act_range import INTERRUPTED
from dgnam.data.image_set import DataError, load_set
from dgnam.data.network_input import NetworkInput
from dgnam.data.pictures import Picture, Pictures, open_pictures
from dgnam.errors import DgnamError
from dgnam.measure import CodeStatistics, act_range, codes_of, measure_codes, save_act_range
from dgnam.runs.interrupt import Interrupted
from dgnam.zoo import registry as zoo

DATA = Path(__file__).parents[2].parent / "shared" / "data"
NET = """
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 6 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 2 kernel_size: 3 stride: 3 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv1" top: "fc6" inner_product_param { num_output: 5 } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer { name: "drop6" type: "Dropout" bottom: "fc6" top: "fc6" }
layer { name: "fc8" type: "InnerProduct" bottom: "fc6" top: "fc8" inner_product_param { num_output: 2 } }
"""
SHAPES = {"conv1": [(2, 3, 3, 3), (2,)], "fc6": [(5, 8), (5,)], "fc8": [(2, 5), (2,)]}
PREPARE = NetworkInput((6, 6), (8, 8), np.array([104, 117, 123]))


def weights():
    """Small whole numbers, with which float32 is exact, so that batches can't differ by rounding."""
    draw = np.random.default_rng(3)
    return {name: [draw.integers(-3, 4, shape).astype(np.float32) for shape in of] for name, of in SHAPES.items()}


@pytest.fixture
def encoder():
    return CaffeModule(parse_net(NET), weights()).eval()


def pixels(count, size=(8, 8), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3)).astype(np.uint8)


def png(image):
    out = io.BytesIO()
    Image.fromarray(image).save(out, format="PNG")
    return out.getvalue()


def in_memory(images):
    """Pictures of BGR arrays."""
    return Pictures(
        "memory", len(images), lambda: (Picture(f"picture {i}", lambda _, a=a: a) for i, a in enumerate(images))
    )


def two_passes(encoder, images, blob="fc6"):
    """Mean and deviation of the codes, all at once in float64."""
    x = torch.from_numpy(np.stack([PREPARE(image) for image in images]))
    codes = encoder(x, keep=[blob])[blob].detach().numpy().reshape(len(images), -1).astype(np.float64)
    return codes.mean(0), codes.std(0)


@pytest.mark.parametrize("layer", ["fc6", "conv1"])
def test_the_numbers_are_those_of_two_passes(encoder, layer):
    images = pixels(301)
    found = measure_codes(encoder, layer, in_memory(images), PREPARE, batch_size=16)
    mean, std = two_passes(encoder, images, layer)
    assert std.min() > 0
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.std, std, rtol=1e-12)
    np.testing.assert_array_equal(found.bounds(2), (mean + 2 * std).astype(np.float32))
    assert (found.count, found.shape, found.lowest) == (301, {"fc6": (5,), "conv1": (2, 2, 2)}[layer], 0)


def test_neither_order_nor_batch_size_matters(encoder):
    images = pixels(200)
    first = measure_codes(encoder, "fc6", in_memory(images), PREPARE, batch_size=200)
    for batch_size, order in ((1, images), (7, images[::-1]), (64, images[np.random.default_rng(1).permutation(200)])):
        other = measure_codes(encoder, "fc6", in_memory(order), PREPARE, batch_size=batch_size)
        np.testing.assert_allclose(other.mean, first.mean, rtol=1e-12)
        np.testing.assert_allclose(other.std, first.std, rtol=1e-12)


def test_codes_are_taken_after_the_relu_and_without_dropout(encoder):
    image = pixels(1)
    encoder.train()
    found = measure_codes(encoder, "fc6", in_memory(image), PREPARE)
    before = encoder.values_at(["fc6"], torch.from_numpy(PREPARE(image[0])[None]))["fc6"][0].detach().numpy()
    assert before.min() < 0
    np.testing.assert_array_equal(found.mean, np.maximum(before, 0))


def test_a_layer_without_a_relu_is_told_by_its_lowest_value(encoder):
    assert measure_codes(encoder, "fc8", in_memory(pixels(50)), PREPARE).lowest < 0


def test_the_old_way_gives_the_same(encoder, data_folder):
    images = load_set("toy-val", data_folder)
    prepare = NetworkInput((6, 6), (16, 16), np.array([104, 117, 123]))
    found = measure_codes(encoder, "fc6", open_pictures("toy-val", sets=data_folder), prepare)
    np.testing.assert_array_equal(found.bounds(), act_range(codes_of(encoder, "fc6", images)))


def test_the_first_pictures_are_taken_up_to_the_limit(encoder):
    images = pixels(30)
    found = measure_codes(encoder, "fc6", in_memory(images), PREPARE, batch_size=8, limit=10)
    np.testing.assert_allclose(found.mean, two_passes(encoder, images[:10])[0], rtol=1e-12)
    assert found.count == 10


def test_broken_pictures_are_an_error_or_left_out_and_counted(encoder, tmp_path):
    images = pixels(4)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number, image in enumerate(images):
            archive.writestr(f"{number}.png", png(image))
            archive.writestr(f"broken{number}.png", b"no picture")
    pictures = open_pictures(tmp_path / "x.zip")
    with pytest.raises(DataError, match=r"x.zip: broken0.png: not an image of a kind that can be read"):
        measure_codes(encoder, "fc6", pictures, PREPARE)
    found = measure_codes(encoder, "fc6", pictures, PREPARE, skip_broken=True)
    assert (found.count, found.skipped, len(found.reasons)) == (4, 4, 4)
    assert "broken0.png" in found.reasons[0]
    np.testing.assert_allclose(found.mean, two_passes(encoder, images[..., ::-1])[0], rtol=1e-12)


def test_where_all_are_broken_there_is_nothing_to_tell(encoder):
    prepare = NetworkInput((6, 6), (8, 8), np.zeros(3), resize="none")
    small = in_memory(pixels(3, (4, 4)))
    with pytest.raises(DataError, match="picture 0: 4x4 pixels are too few"):
        measure_codes(encoder, "fc6", small, prepare)
    with pytest.raises(DataError, match="memory: no picture could be read; the first: picture 0: 4x4"):
        measure_codes(encoder, "fc6", small, prepare, skip_broken=True)


def test_a_code_that_is_not_finite_names_the_picture():
    broken = weights()
    broken["fc6"][0][0] = np.inf
    encoder = CaffeModule(parse_net(NET), broken)
    black = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(DgnamError, match="picture 0: its code at layer 'fc6' is not finite"):
        measure_codes(encoder, "fc6", in_memory(black), PREPARE)
    with pytest.raises(DgnamError, match="no layer 'fc66'; its layers, the closest first: fc6"):
        measure_codes(encoder, "fc66", in_memory(black), PREPARE)


def test_memory_does_not_grow_with_the_number_of_pictures(encoder):
    """Pictures of 200x200 made when they are asked for: 100 of them would take 12 MB."""

    def peak(count):
        def one(_):
            return np.full((200, 200, 3), 7, np.uint8)

        pictures = Pictures("made", None, lambda: (Picture(str(i), one) for i in range(count)))
        tracemalloc.start()
        try:
            measure_codes(encoder, "fc6", pictures, PREPARE, batch_size=4)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(4)  # what is made once
    assert peak(400) < 1.2 * peak(40)


def test_ctrl_c_says_what_was_done(encoder):
    def each():
        for number in range(20):
            if number == 13:
                raise KeyboardInterrupt
            yield Picture(str(number), lambda _: pixels(1)[0])

    with pytest.raises(Interrupted, match="stopped after 12 of 20 pictures"):
        measure_codes(encoder, "fc6", Pictures("slow", 20, each), PREPARE, batch_size=4)


def statistics(mean, std):
    return CodeStatistics(np.array(mean, np.float64), np.array(std, np.float64), (len(mean),), 10, 0.0)


def test_both_files_are_read_back_and_repeat_to_the_byte(tmp_path):
    found = statistics([1, 1 / 3, 0, 1e-9], [1.5, 1e-3, 0, 1e-12])
    provenance = {"encoder": "e", "layer": "fc6", "source": "bad\udcff"}
    text, hdf5 = save_act_range(tmp_path / "a", found, 3, provenance)
    for path in (text, hdf5):
        np.testing.assert_array_equal(zoo.read_act_range(path), found.bounds(3))
    assert text.read_text() == "5.5 0.33633333 0.0 1.003e-09\n"
    with h5py.File(hdf5) as file:
        assert dict(file.attrs) | {"code_shape": None} == {
            "k": 3,
            "images": 10,
            "skipped": 0,
            "code_shape": None,
            "encoder": "e",
            "layer": "fc6",
            "source": "bad\\udcff",
        }
        assert file.attrs["code_shape"].tolist() == [4]
        np.testing.assert_array_equal(file["mean"], found.mean)
        np.testing.assert_array_equal(file["std"], found.std)
        assert [file[name].dtype for name in ("act_range", "mean", "std")] == ["f4", "f8", "f8"]
    again = save_act_range(tmp_path / "b", found, 3, provenance)
    assert [path.read_bytes() for path in again] == [text.read_bytes(), hdf5.read_bytes()]
    assert sorted(os.listdir(tmp_path)) == ["a.h5", "a.txt", "b.h5", "b.txt"]


def test_integers_have_the_published_form(tmp_path):
    published = DATA / "act_range_3x_fc6.txt"
    if not published.exists():
        pytest.skip("the published act_range_3x_fc6.txt is missing: ../shared/data is not there")
    bounds = zoo.read_act_range(published)
    text, hdf5 = save_act_range(tmp_path / "fc6", statistics(bounds + 0.25, 0 * bounds), 3, {}, integers=True)
    assert text.read_text().split() == published.read_text().split()
    np.testing.assert_array_equal(zoo.read_act_range(hdf5), bounds + 0.25)


def test_files_that_are_there_are_replaced_only_by_force(tmp_path):
    old, new = statistics([1], [1]), statistics([2], [1])
    save_act_range(tmp_path / "a.txt", old, 3, {})
    with pytest.raises(DgnamError, match=r"a.txt and .*a.h5: already there; .* --force"):
        save_act_range(tmp_path / "a", new, 3, {})
    assert zoo.read_act_range(tmp_path / "a.h5").tolist() == [4]
    save_act_range(tmp_path / "a.h5", new, 3, {}, force=True)
    assert [zoo.read_act_range(tmp_path / name).tolist() for name in ("a.txt", "a.h5")] == [[5], [5]]
    with pytest.raises(DgnamError, match="there is no folder"):
        save_act_range(tmp_path / "no" / "a", new, 3, {})


def test_a_failed_write_leaves_nothing_half(tmp_path):
    with pytest.raises(TypeError):
        save_act_range(tmp_path / "a", statistics([1], [1]), 3, {"bad": object()})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def own(tmp_path):
    """A request for a net of the user's own, without pictures."""
    (tmp_path / "deploy.prototxt").write_text(NET)
    write_hdf5_weights(tmp_path / "w.h5", weights())

    def request(images, **options):
        standard = {"weights": tmp_path / "w.h5", "layer": "fc6", "output": tmp_path / "out", "progress": False}
        return ActRangeRequest(str(tmp_path / "deploy.prototxt"), str(images), **{**standard, **options})

    return request


@pytest.fixture
def sources(tmp_path):
    """The same pictures (H, W, 3) RGB as each kind of source."""
    images = pixels(20)
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
    return images, {
        "folder": folder,
        "listing": folder / "list.txt",
        "zip": tmp_path / "x.zip",
        "lmdb": tmp_path / "db",
    }


@pytest.mark.parametrize("kind", ["folder", "listing", "zip", "lmdb"])
def test_each_kind_of_source_gives_the_same(encoder, own, sources, kind):
    images, places = sources
    outcome = run(own(places[kind], size=(8, 8)))
    mean, std = two_passes(encoder, images[..., ::-1])
    np.testing.assert_allclose(zoo.read_act_range(outcome.files[1]), mean + 3 * std, rtol=1e-6)
    with h5py.File(outcome.files[1]) as file:
        facts = dict(file.attrs)
    assert (facts["images"], facts["source"], facts["layer"]) == (20, str(places[kind]), "fc6")
    assert {"dgnam", "encoder", "encoder_weights_sha256", "encoder_prototxt_sha256", "preprocessing"} <= set(facts)
    assert outcome.lines[0].startswith("fc6: 5 neurons over 20 pictures; mean + 3 standard deviations is ")


def test_with_a_net_of_ones_own_pictures_are_resized_to_what_it_takes(own, sources):
    _, places = sources
    outcome = run(own(places["zip"], mean="1,2,3", scale=0.5, limit=3, k=1.5))
    assert outcome.lines[1] == "pictures: resize straight 6x6, centre 6x6, minus 1, 2, 3, times 0.5"
    with h5py.File(outcome.files[1]) as file:
        assert (file.attrs["k"], file.attrs["images"], file.attrs["limit"]) == (1.5, 3, 3)


def test_without_a_name_the_files_are_named_as_the_published_one(own, sources, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = run(own(sources[1]["zip"], output=None, layer="conv1", k=2.5))
    assert [str(path) for path in outcome.files] == ["act_range_2.5x_conv1.txt", "act_range_2.5x_conv1.h5"]


def test_the_zoos_encoder_brings_layer_and_preprocessing(sources, tmp_path):
    request = ActRangeRequest("caffenet-mini", str(sources[1]["zip"]), output=tmp_path / "mini", progress=False)
    outcome = run(request)
    assert outcome.found.shape == zoo.get("deepsim-fc6-mini").generator.code_shape
    assert outcome.lines[1] == "pictures: resize straight 64x64, centre 56x56, minus 104, 117, 123"
    with h5py.File(outcome.files[1]) as file:
        digest = zoo.get("caffenet-mini").weights.checksum
        assert (file.attrs["encoder"], file.attrs["layer"]) == ("caffenet-mini", "fc6")
        assert f"sha256:{file.attrs['encoder_weights_sha256']}" == digest


def test_what_is_odd_is_told(own, sources):
    images, places = sources
    (places["folder"] / "zz.png").write_bytes(b"no picture")
    outcome = run(own(places["folder"], layer="fc8", skip_broken=True))
    told = "\n".join(outcome.lines)
    assert "some codes are negative" in told
    assert "pictures left out, since they can't be read: 1: " in told
    assert "zz.png" in told
    assert outcome.found.count == len(images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "deepsim-fc6"}, "is a generator: measure its encoder 'caffenet' at layer 'fc6'"),
        ({"encoder": "caffenet-minni"}, "there is no model 'caffenet-minni'; the known ones, .* caffenet-mini"),
        ({"encoder": "judge-mini", "layer": None}, "so there is no usual layer: give --layer, one of fc, "),
        ({"weights": None}, "deploy.prototxt needs its weights: give --weights"),
        ({"layer": "fc7"}, "net 'tiny' has no layer 'fc7'; its layers, the closest first: fc"),
        ({"k": float("nan")}, "k nan: give a number of standard deviations"),
        ({"mean": "1,2"}, "the mean has 2 channels, and the net's input 3"),
        ({"size": (5, 9)}, "pictures of 5x9 have no crop of 6x6"),
        ({"resize": "long-side"}, "resize 'long-side': give one of short-side, "),
        ({"device": "gpu"}, "device 'gpu': give cpu, cuda"),
        ({"images": "nowhere/x"}, "nowhere/x: there is no such folder"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_written(own, sources, tmp_path, options, message):
    request = own(sources[1]["zip"])
    with pytest.raises((DgnamError, DataError), match=message):
        run(ActRangeRequest(**{**vars(request), **options}))
    assert not list(tmp_path.glob("out*"))


def test_a_prototxt_without_an_input_is_refused(own, sources, tmp_path):
    request = own(sources[1]["zip"])
    text = NET.replace('"Input"', '"DummyData"').replace("input_param", "dummy_data_param")
    (tmp_path / "deploy.prototxt").write_text(text)
    with pytest.raises(DgnamError, match=r"its inputs have shapes \[\]; an encoder takes one"):
        run(request)


def test_the_command_makes_both_files_and_refuses_to_replace_them(sources, tmp_path, monkeypatch, capsys):
    command = [
        "dgnam",
        "act-range",
        "--images",
        str(sources[1]["folder"]),
        "--output",
        str(tmp_path / "r"),
        "--integers",
    ]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capsys.readouterr()
    assert ended.value.code == 0
    assert shown.out.splitlines()[-2:] == [f"==> made: {tmp_path / 'r'}.txt", f"==> made: {tmp_path / 'r'}.h5"]
    assert "codes of fc6: 100%" in shown.err
    numbers = (tmp_path / "r.txt").read_text().split()
    assert len(numbers) == 384
    assert all(number.isdigit() for number in numbers)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    refused = capsys.readouterr().err
    assert (ended.value.code, len(refused.splitlines())) == (cli.BAD_INPUT, 1)
    assert "already there" in refused


def test_ctrl_c_ends_the_command_with_one_line_and_no_file(sources, tmp_path):
    images = sources[1]["folder"]
    (images / "list.txt").write_text("00.png 0\n" * 1_000_000)
    arguments = ["act-range", "--images", images / "list.txt", "--output", tmp_path / "r"]
    command = [sys.executable, "-c", "from dgnam.cli import main; main()", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            shown = b""
            while not re.search(rb"\| [1-9]\d*/1000000", shown):  # some batches are done
                chunk = os.read(process.stderr.fileno(), 1 << 16)
                assert chunk, shown.decode()
                shown += chunk
            process.send_signal(signal.SIGINT)
            shown += process.stderr.read()
        finally:
            process.kill()
    assert process.returncode == INTERRUPTED
    assert b" of 1,000,000 pictures; nothing was written" in shown.splitlines()[-1]
    assert b"Traceback" not in shown
    assert not list(tmp_path.glob("r*"))


@pytest.mark.slow
def test_the_small_generators_range_is_reproduced(tmp_path):
    source = DATA / "tinyimagenet64-val.zip"
    if not source.exists():
        pytest.skip("tinyimagenet64-val.zip is missing: ../shared/data is not there")
    run(ActRangeRequest("caffenet-mini", str(source), output=tmp_path / "r", progress=False))
    stored = zoo.get("deepsim-fc6-mini").act_range()
    np.testing.assert_allclose(zoo.read_act_range(tmp_path / "r.h5"), stored, rtol=1e-4)  # stored with five digits

"""The range of codes: against two passes in float64, whatever the batches; going on; files; memory; what is refused."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from dgnam import zoo
from dgnam.caffe.modules.caffe_module import CaffeModule
from dgnam.caffe.proto import parse_net
from dgnam.data.dataset import Dataset, open_dataset
from dgnam.data.entries import Entries
from dgnam.data.picture import DataError, Picture
from dgnam.data.preprocessing import Preprocessing, center_crop, preprocess
from dgnam.errors import DgnamError
from dgnam.measure import CodeMeasurement, CodeStatistics, act_range_files, measure_codes
from dgnam.runs.chunks import to_bytes

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
PREPROCESSING = Preprocessing((6, 6), (8, 8), np.array([104, 117, 123]))


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
    """A dataset of RGB arrays."""
    return Dataset.of_arrays("memory", images)


class Made(Entries):
    """Pictures that a function makes when they are read."""

    def __init__(self, count, make):
        self.what, self._count, self._make = "made", count, make

    def __len__(self):
        return self._count

    def __iter__(self):
        return (self[place] for place in range(self._count))

    def __getitem__(self, place):
        return Picture(str(place), lambda gray: (self._make(place), None))


def two_passes(encoder, images, blob="fc6"):
    """Mean and deviation of the codes, all at once in float64."""
    x = torch.from_numpy(np.stack([PREPROCESSING(image) for image in images]))
    codes = encoder(x, keep=[blob])[blob].detach().numpy().reshape(len(images), -1).astype(np.float64)
    return codes.mean(0), codes.std(0)


@pytest.mark.parametrize("layer", ["fc6", "conv1"])
def test_the_numbers_are_those_of_two_passes(encoder, layer):
    images = pixels(301)
    found = measure_codes(encoder, layer, in_memory(images), PREPROCESSING, batch_size=16)
    mean, std = two_passes(encoder, images, layer)
    assert std.min() > 0
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.std, std, rtol=1e-12)
    np.testing.assert_array_equal(found.bounds(2), (mean + 2 * std).astype(np.float32))
    assert (found.count, found.shape, found.lowest) == (301, {"fc6": (5,), "conv1": (2, 2, 2)}[layer], 0)


def test_neither_order_nor_batch_size_matters(encoder):
    images = pixels(200)
    first = measure_codes(encoder, "fc6", in_memory(images), PREPROCESSING, batch_size=200)
    for batch_size, order in ((1, images), (7, images[::-1]), (64, images[np.random.default_rng(1).permutation(200)])):
        other = measure_codes(encoder, "fc6", in_memory(order), PREPROCESSING, batch_size=batch_size)
        np.testing.assert_allclose(other.mean, first.mean, rtol=1e-12)
        np.testing.assert_allclose(other.std, first.std, rtol=1e-12)


def test_codes_are_taken_after_the_relu_and_without_dropout(encoder):
    image = pixels(1)
    encoder.train()
    found = measure_codes(encoder, "fc6", in_memory(image), PREPROCESSING)
    before = encoder.values_at(["fc6"], torch.from_numpy(PREPROCESSING(image[0])[None]))["fc6"][0].detach().numpy()
    assert before.min() < 0
    np.testing.assert_array_equal(found.mean, np.maximum(before, 0))


def test_a_layer_without_a_relu_is_told_by_its_lowest_value(encoder):
    assert measure_codes(encoder, "fc8", in_memory(pixels(50)), PREPROCESSING).lowest < 0


def test_bounds_are_those_of_centers_in_memory(encoder, data_folder):
    dataset = open_dataset("toy-val", folder=data_folder)
    preprocessing = Preprocessing((6, 6), (16, 16), np.array([104, 117, 123]))
    images = torch.from_numpy(preprocess(center_crop(dataset.take(slice(None))[0], (6, 6))))
    codes = encoder(images, keep=["fc6"])["fc6"].detach().numpy().astype(np.float64)
    bounds = (codes.mean(0) + 3 * codes.std(0)).astype(np.float32)
    np.testing.assert_array_equal(measure_codes(encoder, "fc6", dataset, preprocessing).bounds(), bounds)


def test_the_first_pictures_are_taken_up_to_the_limit(encoder):
    images = pixels(30)
    found = measure_codes(encoder, "fc6", in_memory(images), PREPROCESSING, batch_size=8, limit=10)
    np.testing.assert_allclose(found.mean, two_passes(encoder, images[:10])[0], rtol=1e-12)
    assert found.count == 10


def test_broken_pictures_are_an_error_or_left_out_and_counted(encoder, tmp_path):
    images = pixels(4)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number, image in enumerate(images):
            archive.writestr(f"{number}.png", png(image))
            archive.writestr(f"broken{number}.png", b"no picture")
    pictures = open_dataset(tmp_path / "x.zip")
    with pytest.raises(DataError, match=r"x.zip: broken0.png: not an image of a supported format"):
        measure_codes(encoder, "fc6", pictures, PREPROCESSING)
    found = measure_codes(encoder, "fc6", pictures, PREPROCESSING, skip_broken=True)
    assert (found.count, found.skipped, len(found.reasons)) == (4, 4, 4)
    assert "broken0.png" in found.reasons[0]
    np.testing.assert_allclose(found.mean, two_passes(encoder, images)[0], rtol=1e-12)


def test_where_all_are_broken_there_is_nothing_to_tell(encoder):
    prepare = Preprocessing((6, 6), (8, 8), np.zeros(3), resize="none")
    small = in_memory(pixels(3, (4, 4)))
    with pytest.raises(DataError, match="memory: picture 0: 4x4 pixels are too few"):
        measure_codes(encoder, "fc6", small, prepare)
    with pytest.raises(DataError, match="memory: no picture could be read; the first: memory: picture 0: 4x4"):
        measure_codes(encoder, "fc6", small, prepare, skip_broken=True)


def test_a_code_that_is_not_finite_names_the_picture():
    broken = weights()
    broken["fc6"][0][0] = np.inf
    encoder = CaffeModule(parse_net(NET), broken)
    black = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(DgnamError, match="picture 0: its code at layer 'fc6' is not finite"):
        measure_codes(encoder, "fc6", in_memory(black), PREPROCESSING)
    with pytest.raises(DgnamError, match="no layer 'fc66'; its layers, the closest first: fc6"):
        measure_codes(encoder, "fc66", in_memory(black), PREPROCESSING)


def test_memory_does_not_grow_with_the_number_of_pictures(encoder):
    """Pictures of 200x200 made when they are asked for: 100 of them would take 12 MB."""

    def peak(count):
        pictures = Dataset("made", Made(count, lambda _: np.full((200, 200, 3), 7, np.uint8)))
        tracemalloc.start()
        try:
            measure_codes(encoder, "fc6", pictures, PREPROCESSING, batch_size=4)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(4)  # what is made once
    assert peak(400) < 1.2 * peak(40)


def test_a_restored_measurement_has_the_numbers_of_one_pass(encoder):
    """The state goes through a chunk's file after each part, as a run that is stopped and resumed leaves it."""
    draw = np.random.default_rng(2)
    images = (draw.random((300, 1, 1, 3)) * pixels(300)).astype(np.uint8)
    for _, (filter_, _) in encoder.layer_params():
        filter_.data.mul_(0.37)  # so that sums round
    whole = measure_codes(encoder, "fc8", in_memory(images), PREPROCESSING, batch_size=8)
    state = None
    for part in (slice(0, 64), slice(64, 136), slice(136, 300)):
        measurement = CodeMeasurement(encoder, "fc8", PREPROCESSING, batch_size=8)
        if state is not None:
            measurement.restore(state)
        measurement.add(in_memory(images[part]))
        state = chunk_of(measurement)
    found = measurement.statistics("memory")
    np.testing.assert_array_equal(found.mean, whole.mean)
    np.testing.assert_array_equal(found.std, whole.std)
    np.testing.assert_array_equal(found.bounds(), whole.bounds())
    assert (found.count, found.lowest, found.shape) == (300, whole.lowest, whole.shape)
    assert found.lowest < 0


def chunk_of(measurement):
    """A measurement's state, read back from the bytes of a chunk."""
    with h5py.File(io.BytesIO(to_bytes(measurement.arrays()))) as file:
        return {name: values[()] for name, values in file.items()}


def test_a_restored_measurement_knows_what_was_left_out(encoder, tmp_path):
    for number, image in enumerate(pixels(6)):
        (tmp_path / f"{number}.png").write_bytes(b"no picture" if number in (0, 4) else png(image))
    how = {"batch_size": 2, "skip_broken": True}
    pictures, first = open_dataset(tmp_path), CodeMeasurement(encoder, "fc6", PREPROCESSING, **how)
    first.add(pictures.part(range(3)))
    rest = CodeMeasurement(encoder, "fc6", PREPROCESSING, **how)
    rest.restore(chunk_of(first))
    assert rest.count == 2
    rest.add(pictures.part(range(3, 6)))
    found = rest.statistics("pictures")
    assert (found.count, found.skipped) == (4, 2)
    assert ["0.png" in found.reasons[0], "4.png" in found.reasons[1]] == [True, True]


def test_a_measurement_of_nothing_can_be_restored(encoder, tmp_path):
    (tmp_path / "0.png").write_bytes(b"no picture")
    first = CodeMeasurement(encoder, "fc6", PREPROCESSING, skip_broken=True)
    first.add(open_dataset(tmp_path))
    rest = CodeMeasurement(encoder, "fc6", PREPROCESSING, skip_broken=True)
    rest.restore(chunk_of(first))
    with pytest.raises(DataError, match=r"here: no picture could be read; the first: .*0\.png"):
        rest.statistics("here")
    rest.add(in_memory(pixels(3)))
    assert (rest.statistics("here").count, rest.statistics("here").skipped) == (3, 1)


def statistics(mean, std):
    return CodeStatistics(np.array(mean, np.float64), np.array(std, np.float64), (len(mean),), 10, 0.0)


def written(folder, found, k, provenance, **how):
    """Both files of a measurement, in a folder: text and HDF5."""
    paths = folder / "a.txt", folder / "a.h5"
    text, hdf5 = act_range_files(found, k, provenance, **how)
    paths[0].write_text(text)
    paths[1].write_bytes(hdf5)
    return paths


def test_both_files_are_read_back_and_repeat_to_the_byte(tmp_path):
    found = statistics([1, 1 / 3, 0, 1e-9], [1.5, 1e-3, 0, 1e-12])
    provenance = {"encoder": "e", "layer": "fc6", "source": "bad\udcff"}
    text, hdf5 = written(tmp_path, found, 3, provenance)
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
    assert act_range_files(found, 3, provenance) == (text.read_text(), hdf5.read_bytes())


def test_integers_have_the_published_form(tmp_path):
    published = DATA / "act_range_3x_fc6.txt"
    if not published.exists():
        pytest.skip("the published act_range_3x_fc6.txt is missing: ../shared/data is not there")
    bounds = zoo.read_act_range(published)
    text, hdf5 = written(tmp_path, statistics(bounds + 0.25, 0 * bounds), 3, {}, integers=True)
    assert text.read_text().split() == published.read_text().split()
    np.testing.assert_array_equal(zoo.read_act_range(hdf5), bounds + 0.25)


def test_integers_are_rounded_not_floored():
    text, _ = act_range_files(statistics([1.4, 1.6, 0.5, 2.5], [0, 0, 0, 0]), 3, {}, integers=True)
    assert text == "1 2 0 2\n"  # halves go to the even number, as numpy.rint has it


def test_what_no_file_can_hold_is_an_error():
    with pytest.raises(TypeError):
        act_range_files(statistics([1], [1]), 3, {"bad": object()})


@pytest.mark.slow
def test_the_small_generators_range_is_reproduced():
    source = DATA / "tinyimagenet64-val.zip"
    if not source.exists():
        pytest.skip("tinyimagenet64-val.zip is missing: ../shared/data is not there")
    preprocessing = Preprocessing((56, 56), (64, 64), np.array([104, 117, 123]))
    found = measure_codes(zoo.load("caffenet-mini"), "fc6", open_dataset(source), preprocessing)
    stored = zoo.get("deepsim-fc6-mini").act_range()
    np.testing.assert_allclose(found.bounds().reshape(stored.shape), stored, rtol=1e-4)  # stored with five digits

"""pycaffe's io: messages to arrays and back, and what a Transformer does, worked out by hand."""

import subprocess
import sys

import numpy as np
import pytest

from dgnam.caffe import io
from dgnam.caffe.proto import caffe_pb2
from dgnam.errors import ArrayError, CaffeError, CaffeFormatError

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.random(shape).astype(np.float32)


def colors(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def blob_of(*values, **fields):
    blob = caffe_pb2.BlobProto(**fields)
    blob.data.extend(values)
    return blob


# Messages.


def test_a_blobproto_has_the_legacy_shape_or_its_own():
    legacy = io.blobproto_to_array(blob_of(*range(6), num=1, channels=2, height=1, width=3))
    np.testing.assert_array_equal(legacy, [[[[0, 1, 2]], [[3, 4, 5]]]])
    own = io.blobproto_to_array(blob_of(*range(6), shape=caffe_pb2.BlobShape(dim=[3, 2])))
    np.testing.assert_array_equal(own, [[0, 1], [2, 3], [4, 5]])
    assert io.blobproto_to_array(blob_of(123)) == 123


def test_a_blobproto_gives_its_diff_and_its_doubles():
    blob = blob_of(1, 2, shape=caffe_pb2.BlobShape(dim=[2]), diff=[3, 4])
    np.testing.assert_array_equal(io.blobproto_to_array(blob, return_diff=True), [3, 4])
    doubles = caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=[1]), double_data=[0.1], double_diff=[0.2])
    assert io.blobproto_to_array(doubles)[0] == 0.1
    assert io.blobproto_to_array(doubles, True)[0] == 0.2


@pytest.mark.parametrize(
    "fields",
    [{}, {"num": 3}, {"shape": caffe_pb2.BlobShape(dim=[1 << 40, 1 << 20])}, {"shape": caffe_pb2.BlobShape(dim=[-1])}],
)
def test_a_blobproto_of_another_count_than_its_shape_is_a_value_error(fields):
    with pytest.raises(ValueError, match="shape"):
        io.blobproto_to_array(blob_of(1, 2, **fields))


@pytest.mark.parametrize("array", [random(2, 3), random(4, 3, 2).T, np.array(7.0), np.arange(5)])
def test_arrays_become_blobprotos_and_come_back(array):
    blob = io.array_to_blobproto(array, diff=-array)
    assert tuple(blob.shape.dim) == array.shape
    assert not blob.HasField("num")
    np.testing.assert_array_equal(io.blobproto_to_array(blob), array)
    np.testing.assert_array_equal(io.blobproto_to_array(blob, True), -array)


def test_lists_of_arrays_become_bytes_and_come_back():
    arrays = [random(2, 3), random(5)]
    back = io.blobprotovector_str_to_arraylist(io.arraylist_to_blobprotovector_str(arrays))
    assert len(back) == 2
    for ours, theirs in zip(back, arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(CaffeFormatError, match="BlobProtoVector"):
        io.blobprotovector_str_to_arraylist(b"\xff\xff\xff")


def test_a_mean_file_is_read_the_pycaffe_way(tmp_path):
    mean, path = random(1, 3, 4, 5), tmp_path / "mean.binaryproto"
    written = caffe_pb2.BlobProto(num=1, channels=3, height=4, width=5, data=mean.ravel())
    path.write_bytes(written.SerializeToString())
    blob = io.caffe_pb2.BlobProto()
    blob.ParseFromString(path.read_bytes())
    np.testing.assert_array_equal(io.blobproto_to_array(blob), mean)


@pytest.mark.parametrize("array", [colors(3, 4, 5), colors(4, 5, 3).transpose(2, 0, 1), random(3, 4, 5)])
def test_arrays_become_datums_and_come_back(array):
    datum = io.array_to_datum(array, label=3)
    assert (datum.channels, datum.height, datum.width, datum.label) == (3, 4, 5, 3)
    assert bool(datum.data) == (array.dtype == np.uint8)
    back = io.datum_to_array(datum)
    assert back.dtype == (np.uint8 if array.dtype == np.uint8 else np.float64)
    np.testing.assert_array_equal(back, array)
    back[0] = 0  # one's own to write to
    assert not io.array_to_datum(array).HasField("label")


def test_datums_that_can_not_be():
    with pytest.raises(ValueError, match="3 axes"):
        io.array_to_datum(random(3, 4))
    with pytest.raises(ValueError, match="holds 2 numbers"):
        io.datum_to_array(caffe_pb2.Datum(channels=1, height=1, width=3, data=b"ab"))
    with pytest.raises(ArrayError, match="encoded"):
        io.datum_to_array(caffe_pb2.Datum(channels=1, height=1, width=3, data=b"abc", encoded=True))


# Preprocessing.


def transformer(shape=(1, 3, 2, 4), **settings):
    made = io.Transformer({"data": shape})
    for name, value in {"transpose": (2, 0, 1), **settings}.items():
        getattr(made, f"set_{name}")("data", value)
    return made


def test_preprocess_scales_before_the_mean_and_after_it():
    picture = np.zeros((2, 4, 3))
    picture[...] = (0.1, 0.2, 0.3)
    made = transformer(channel_swap=(2, 1, 0), raw_scale=255, mean=np.array([10.0, 20, 30]), input_scale=0.5)
    out = made.preprocess("data", picture)
    assert out.shape == (3, 2, 4)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out[:, 0, 0], [(76.5 - 10) / 2, (51 - 20) / 2, (25.5 - 30) / 2], rtol=1e-6)


def test_preprocess_leaves_the_picture_as_it_was():
    picture = random(2, 4, 3)
    before = picture.copy()
    first = transformer(raw_scale=255, mean=np.ones(3)).preprocess("data", picture)
    first[...] = 0
    np.testing.assert_array_equal(picture, before)


def test_preprocess_resizes_to_the_input():
    picture = random(7, 5, 3)
    np.testing.assert_array_equal(
        transformer().preprocess("data", picture), io.resize_image(picture, (2, 4)).transpose(2, 0, 1)
    )
    no_step = io.Transformer({"data": [1, 3, 7, 5]})  # a list will do for a shape
    np.testing.assert_array_equal(no_step.preprocess("data", picture), picture)


def test_steps_set_to_none_are_left_out():
    made = transformer(raw_scale=None, input_scale=None)
    np.testing.assert_array_equal(made.preprocess("data", np.ones((2, 4, 3))), np.ones((3, 2, 4)))


def test_deprocess_undoes_preprocess():
    made = transformer(channel_swap=(1, 2, 0), raw_scale=255, mean=random(3, 2, 4) * 99, input_scale=0.017)
    picture = random(2, 4, 3)
    data = made.preprocess("data", picture)[np.newaxis]
    before = data.copy()
    back = made.deprocess("data", data)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, picture, atol=1e-6)
    np.testing.assert_array_equal(data, before)


def test_deprocess_keeps_the_axes_that_the_transposition_needs():
    gray = transformer((1, 1, 2, 4), mean=np.array([3.0]))
    assert gray.deprocess("data", np.zeros((1, 1, 2, 4))).shape == (2, 4, 1)
    assert io.Transformer({"data": (1, 1, 2, 4)}).deprocess("data", np.zeros((1, 1, 2, 4))).shape == (2, 4)


def test_a_mean_is_for_channels_or_for_pixels():
    assert transformer(mean=np.arange(3)).mean["data"].shape == (3, 1, 1)
    image = random(3, 2, 4)
    np.testing.assert_array_equal(transformer(mean=image).mean["data"], image)
    gray = random(2, 4)
    np.testing.assert_array_equal(transformer((1, 1, 2, 4), mean=gray).mean["data"], gray)


def test_a_mean_image_of_another_size_is_resized():
    image = random(3, 5, 6) * 200
    resized = transformer(mean=image).mean["data"]
    np.testing.assert_allclose(resized, io.resize_image(image.transpose(1, 2, 0), (2, 4)).transpose(2, 0, 1), rtol=1e-5)
    np.testing.assert_array_equal(transformer(mean=np.full((3, 5, 6), 7.0)).mean["data"], np.full((3, 2, 4), 7))


def test_a_mean_of_one_pixel_is_resized_too_with_its_least_value_outside():
    single = transformer((1, 3, 2, 2), mean=np.array([0.0, 8, 16]).reshape(3, 1, 1)).mean["data"]
    np.testing.assert_allclose(single[2], np.full((2, 2), 16 * 0.75**2))  # a quarter of each side lies outside


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("transpose", (1, 0), CaffeError),
        ("transpose", (1, 1, 0), CaffeError),
        ("channel_swap", (1, 0), CaffeError),
        ("channel_swap", (3, 1, 0), CaffeError),
        ("mean", np.ones(4), ValueError),
        ("mean", np.ones((1, 3, 2, 4)), ValueError),
        ("mean", np.ones((2, 2, 4)), ValueError),
    ],
)
def test_settings_that_do_not_fit_the_input(setting, value, error):
    with pytest.raises(error, match="input 'data'"):
        transformer(**{setting: value})


@pytest.mark.parametrize(
    ("shape", "channels", "taken"),
    [
        ((3,), 3, True),
        ((1,), 1, True),
        ((3, 2, 4), 3, True),
        ((3, 20, 20), 3, True),
        ((1, 20, 20), 3, True),
        ((2, 4), 1, True),
        ((1, 2, 4), 1, True),
        ((3, 20), 3, False),  # a mean image averaged once
        ((1, 20), 3, False),  # one with an axis in front averaged twice
        ((2, 4), 3, False),
        ((3, 3), 3, False),
        ((20, 20), 1, False),
        ((3,), 1, False),
        ((1,), 3, False),
        ((), 3, False),
        ((0, 2, 4), 3, False),
        ((3, 0, 0), 3, False),
        ((1, 1, 20, 20), 1, False),
    ],
)
def test_means_are_refused_as_by_pycaffe(shape, channels, taken):
    mean = np.random.default_rng(0).random(shape)
    if taken:
        out = transformer((1, channels, 2, 4), mean=mean).preprocess("data", np.zeros((2, 4, channels)))
        assert out.shape == (channels, 2, 4)
    else:
        with pytest.raises(ValueError, match=rf"a mean of shape .* use shape \({channels},\)"):
            transformer((1, channels, 2, 4), mean=mean)


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 1), (2, 4, 3, 1)])
def test_pictures_without_the_channels_are_an_error_with_both_shapes(shape):
    with pytest.raises(
        ArrayError, match=rf"input 'data' of shape \(1, 3, 2, 4\) .* shape \({', '.join(map(str, shape))}"
    ):
        transformer(channel_swap=(2, 1, 0)).preprocess("data", np.zeros(shape))


def test_an_unknown_input_is_named_with_those_that_there_are():
    for call in (
        lambda made: made.preprocess("dat", random(2, 4, 3)),
        lambda made: made.deprocess("dat", random(3, 2, 4)),
        lambda made: made.set_mean("dat", np.ones(3)),
        lambda made: made.set_transpose("dat", (2, 0, 1)),
        lambda made: made.set_channel_swap("dat", (2, 1, 0)),
        lambda made: made.set_raw_scale("dat", 255),
        lambda made: made.set_input_scale("dat", 1),
    ):
        with pytest.raises(CaffeError, match=r"'dat'.*: data"):
            call(transformer())


def test_oversampling_takes_corners_and_center_and_then_their_mirrors():
    picture = np.arange(5 * 6, dtype=np.float32).reshape(5, 6, 1)
    crops = io.oversample([picture, picture + 100], (2, 3))
    assert crops.shape == (20, 2, 3, 1)
    assert crops.dtype == np.float32
    firsts = crops[:, 0, 0, 0]
    np.testing.assert_array_equal(
        firsts[:5], [0, 3, 18, 21, 7]
    )  # top left, top right, bottom left, bottom right, center
    np.testing.assert_array_equal(firsts[5:10], [2, 5, 20, 23, 9])
    np.testing.assert_array_equal(crops[4, :, :, 0], picture[1:3, 1:4, 0])
    np.testing.assert_array_equal(crops[9], crops[4][:, ::-1])
    np.testing.assert_array_equal(crops[10:], crops[:10] + 100)
    with pytest.raises(ValueError, match=r"6x3.*5x6"):
        io.oversample([picture], (6, 3))


def test_importing_caffe_imports_none_of_the_heavy_packages():
    code = "import sys, dgnam.caffe; print([m for m in ('skimage', 'scipy.ndimage') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_pycaffe_s_io_had_imported_is_there():
    skimage = pytest.importorskip("skimage", reason="scikit-image is not installed")
    assert io.skimage.io is skimage.io
    assert not hasattr(io, "nothing_of_the_kind")

"""pycaffe's io: what its own sources say, worked out by hand, and scikit-image and scipy where they are installed."""

import io as byte_io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe import io
from dgnam.caffe.errors import CaffeError, CaffeFormatError, MissingPackageError
from dgnam.caffe.proto import caffe_pb2

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.random(shape).astype(np.float32)


def colours(*shape):
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


@pytest.mark.parametrize("array", [colours(3, 4, 5), colours(4, 5, 3).transpose(2, 0, 1), random(3, 4, 5)])
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
    with pytest.raises(CaffeError, match="encoded"):
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
    grey = transformer((1, 1, 2, 4), mean=np.array([3.0]))
    assert grey.deprocess("data", np.zeros((1, 1, 2, 4))).shape == (2, 4, 1)
    assert io.Transformer({"data": (1, 1, 2, 4)}).deprocess("data", np.zeros((1, 1, 2, 4))).shape == (2, 4)


def test_a_mean_is_for_channels_or_for_pixels():
    assert transformer(mean=np.arange(3)).mean["data"].shape == (3, 1, 1)
    image = random(3, 2, 4)
    np.testing.assert_array_equal(transformer(mean=image).mean["data"], image)
    grey = random(2, 4)
    np.testing.assert_array_equal(transformer((1, 1, 2, 4), mean=grey).mean["data"], grey)


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
        ("channel_swap", (1, 0), CaffeError),
        ("mean", np.ones(4), ValueError),
        ("mean", np.ones((1, 3, 2, 4)), ValueError),
        ("mean", np.ones((2, 2, 4)), ValueError),
    ],
)
def test_settings_that_do_not_fit_the_input(setting, value, error):
    with pytest.raises(error, match="input 'data'"):
        transformer(**{setting: value})


def test_an_unknown_input_is_named_with_those_that_there_are():
    for call in (
        lambda made: made.preprocess("dat", random(2, 4, 3)),
        lambda made: made.deprocess("dat", random(3, 2, 4)),
        lambda made: made.set_mean("dat", np.ones(3)),
        lambda made: made.set_raw_scale("dat", 255),
    ):
        with pytest.raises(CaffeError, match=r"'dat'.*: data"):
            call(transformer())


# Image files.


def stored(tmp_path, pixels, name="picture.png", mode=None, **options):
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(tmp_path / name, **options)
    return tmp_path / name


def test_colours_are_read_as_fractions(tmp_path):
    pixels = colours(4, 5, 3)
    image = io.load_image(str(stored(tmp_path, pixels)))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, (pixels / 255).astype(np.float32))


def test_grey_is_read_as_three_channels_or_one(tmp_path):
    pixels = colours(4, 5)
    path = stored(tmp_path, pixels)
    wanted = (pixels / 255).astype(np.float32)[:, :, np.newaxis]
    np.testing.assert_array_equal(io.load_image(path), np.tile(wanted, (1, 1, 3)))
    np.testing.assert_array_equal(io.load_image(path, color=False), wanted)


def test_colours_become_grey_by_their_weights(tmp_path):
    pixels = np.zeros((1, 4, 3), np.uint8)
    pixels[0, :3] = np.eye(3) * 255
    pixels[0, 3] = 255
    grey = io.load_image(stored(tmp_path, pixels), color=False)
    assert grey.shape == (1, 4, 1)
    np.testing.assert_allclose(grey[0, :, 0], [0.2125, 0.7154, 0.0721, 1], rtol=1e-6)


def test_sixteen_bits_are_fractions_too(tmp_path):
    pixels = np.array([[0, 1, 256, 65535]], np.uint16)
    image = io.load_image(stored(tmp_path, pixels), color=False)
    np.testing.assert_array_equal(image[0, :, 0], (pixels[0] / 65535).astype(np.float32))


def test_alpha_is_dropped(tmp_path):
    pixels = colours(4, 5, 4)
    image = io.load_image(stored(tmp_path, pixels))
    np.testing.assert_array_equal(image, (pixels[:, :, :3] / 255).astype(np.float32))
    grey = io.load_image(stored(tmp_path, pixels[:, :, :2], "grey.png"))
    np.testing.assert_array_equal(grey, np.tile((pixels[:, :, :1] / 255).astype(np.float32), (1, 1, 3)))


def test_palettes_bits_and_floats(tmp_path):
    pixels = colours(4, 5, 3) // 51 * 51  # colours that the web palette has
    for name, options in (("palette.png", {}), ("clear.png", {"transparency": 3}), ("palette.gif", {})):
        image = io.load_image(stored(tmp_path, pixels, name, "P", **options))
        np.testing.assert_allclose(image, pixels / 255, atol=1e-6)
    bits = colours(4, 5) > 100
    np.testing.assert_array_equal(io.load_image(stored(tmp_path, bits, "bits.png"), color=False)[:, :, 0], bits)
    floats = random(4, 5)
    np.testing.assert_array_equal(io.load_image(stored(tmp_path, floats, "f.tif"), color=False)[:, :, 0], floats)
    with pytest.raises(CaffeFormatError, match="between -1 and 1"):
        io.load_image(stored(tmp_path, floats + 2, "out.tif"))


def test_an_open_file_is_read_too(tmp_path):
    path = stored(tmp_path, colours(4, 5, 3))
    np.testing.assert_array_equal(io.load_image(byte_io.BytesIO(path.read_bytes())), io.load_image(path))


def test_damaged_pictures_are_named(tmp_path):
    whole = stored(tmp_path, colours(40, 50, 3)).read_bytes()
    for name, content in (("cut.png", whole[:2000]), ("junk.jpg", b"junk"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CaffeFormatError, match=name) as caught:
            io.load_image(tmp_path / name)
        assert isinstance(caught.value, OSError)  # what pycaffe's scripts catch
    with pytest.raises(FileNotFoundError, match=r"none\.png: no such file"):
        io.load_image(tmp_path / "none.png")
    with pytest.raises(CaffeFormatError, match="folder"):
        io.load_image(tmp_path)


def test_a_picture_that_claims_too_many_pixels_is_refused(tmp_path, monkeypatch):
    path = stored(tmp_path, colours(40, 50, 3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)
    with pytest.raises(CaffeFormatError, match=r"picture\.png.*decompression bomb"):
        io.load_image(path)


# Sizes.


def test_resizing_is_linear_between_centres_and_the_least_value_outside():
    row = np.array([2.0, 6.0]).reshape(1, 2, 1)
    np.testing.assert_allclose(io.resize_image(row, (1, 4))[0, :, 0], [2, 3, 5, 5])
    np.testing.assert_allclose(io.resize_image(row.transpose(1, 0, 2), (4, 1))[:, 0, 0], [2, 3, 5, 5])


def test_shrinking_takes_points_and_not_means():
    row = np.array([0.0, 9, 1, 9, 9, 2]).reshape(1, 6, 1)
    np.testing.assert_allclose(io.resize_image(row, (1, 2))[0, :, 0], [9, 9], rtol=1e-6)


def test_resizing_keeps_the_range_of_any_type():
    for image in (colours(5, 6, 3), random(5, 6, 3) * 1000 - 500, RNG.random((5, 6, 1)), colours(5, 6, 1) > 99):
        out = io.resize_image(image, (5, 6))
        assert out.dtype == np.float32
        np.testing.assert_allclose(out, image, rtol=1e-5, atol=1e-4)


def test_constant_pictures_stay_so():
    for channels in (1, 3):
        out = io.resize_image(np.full((2, 3, channels), 7, np.uint8), (4, 5))
        assert out.dtype == np.float32
        np.testing.assert_array_equal(out, np.full((4, 5, channels), 7))


@pytest.mark.parametrize("size", [(20, 31), (3, 40), (1, 1), (9, 7)])
@pytest.mark.parametrize("order", [1, 0, 3])
def test_resizing_is_what_scikit_image_does_without_anti_aliasing(size, order):
    transform = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    image = random(9, 7, 3)
    if order == 3:  # newer versions of its resize have splines; its warp is as it was
        matrix = np.diag([7 / size[1], 9 / size[0], 1])
        matrix[:2, 2] = (7 / size[1] - 1) / 2, (9 / size[0] - 1) / 2
        wanted = transform.warp(
            image.astype(float), matrix, output_shape=size, order=3, mode="constant", cval=image.min()
        )
        wanted = np.clip(wanted, image.min(), image.max())
    else:
        wanted = transform.resize(image, size, order=order, mode="constant", cval=image.min(), anti_aliasing=False)
    np.testing.assert_allclose(io.resize_image(image, size, interp_order=order), wanted, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_are_zoomed_with_their_corners_kept(channels):
    pytest.importorskip("scipy.ndimage", reason="scipy is not installed")
    image = random(4, 5, channels)
    out = io.resize_image(image, (7, 9))
    assert out.shape == (7, 9, channels)
    np.testing.assert_allclose(out[::2, ::2], image, atol=1e-6)  # 7 = 2 * 4 - 1: each second pixel is an old one
    np.testing.assert_allclose(out[1, 0], (image[0, 0] + image[1, 0]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "image"), [((0, 3), random(4, 5, 3)), ((2, 3), random(4, 5)), ((2, 3), random(0, 5, 3))]
)
def test_sizes_that_can_not_be(size, image):
    with pytest.raises(ValueError, match="size"):
        io.resize_image(image, size)


def test_packages_that_are_not_there_are_named(monkeypatch):
    for name in ("skimage.transform", "scipy.ndimage"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match="pip install scikit-image"):
        io.resize_image(random(4, 5, 3), (2, 2), interp_order=3)
    with pytest.raises(ImportError, match="pip install scipy"):
        io.resize_image(random(4, 5, 2), (2, 2))


def test_oversampling_takes_corners_and_centre_and_then_their_mirrors():
    picture = np.arange(5 * 6, dtype=np.float32).reshape(5, 6, 1)
    crops = io.oversample([picture, picture + 100], (2, 3))
    assert crops.shape == (20, 2, 3, 1)
    assert crops.dtype == np.float32
    firsts = crops[:, 0, 0, 0]
    np.testing.assert_array_equal(
        firsts[:5], [0, 3, 18, 21, 7]
    )  # top left, top right, bottom left, bottom right, centre
    np.testing.assert_array_equal(firsts[5:10], [2, 5, 20, 23, 9])
    np.testing.assert_array_equal(crops[4, :, :, 0], picture[1:3, 1:4, 0])
    np.testing.assert_array_equal(crops[9], crops[4][:, ::-1])
    np.testing.assert_array_equal(crops[10:], crops[:10] + 100)
    with pytest.raises(ValueError, match=r"6x3.*5x6"):
        io.oversample([picture], (6, 3))


def test_importing_caffe_imports_none_of_the_heavy_packages():
    code = "import sys, dgnam.caffe; print([m for m in ('skimage', 'scipy.ndimage') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

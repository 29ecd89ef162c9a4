"""From pictures to a network's input: resizing, cropping, the mean, and what is refused."""

import json

import numpy as np
import pytest

from dgnam.caffe.images.cv_resize import resize_bilinear
from dgnam.caffe.proto import pb
from dgnam.data.picture import DataError
from dgnam.data.preprocessing import (
    MEAN_BGR,
    Preprocessing,
    center_crop,
    check_channels,
    crop,
    deprocess,
    preprocess,
    quantized,
    read_mean,
    read_size,
)
from dgnam.errors import DgnamError, FormatError

MEAN = np.array([104, 117, 123], np.float32)


def picture(height, width, channels=3):
    return np.random.default_rng(height * width).integers(0, 256, (height, width, channels)).astype(np.uint8)


def test_the_center_minus_the_mean_is_what_the_image_sets_give():
    rgb = picture(9, 9)
    values = Preprocessing((6, 6), (9, 9), MEAN)(rgb)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, preprocess(rgb[None, 1:7, 1:7])[0])


def test_stretch_resizing_forgets_proportions_as_opencv_does():
    image = picture(20, 13)
    values = Preprocessing((8, 6), (10, 8), np.zeros(3))(image)
    np.testing.assert_array_equal(values, resize_bilinear(image, 10, 8)[1:9, 1:7, ::-1].transpose(2, 0, 1))


@pytest.mark.parametrize(("shape", "wanted"), [((20, 13), (15, 10)), ((13, 20), (10, 15)), ((5, 7), (10, 14))])
def test_the_short_side_keeps_proportions(shape, wanted):
    image = picture(*shape)
    values = Preprocessing((10, 10), (10, 10), np.zeros(3), resize="cover")(image)
    top, left = (wanted[0] - 10) // 2, (wanted[1] - 10) // 2
    whole = resize_bilinear(image, *wanted)
    np.testing.assert_array_equal(values, whole[top : top + 10, left : left + 10, ::-1].transpose(2, 0, 1))


def test_a_short_side_never_misses_the_crop_by_rounding():
    for height in range(1, 40):
        assert Preprocessing((7, 7), (7, 9), np.zeros(3), resize="cover")(picture(height, 17)).shape == (3, 7, 7)


def test_without_resizing_the_center_is_taken():
    image = picture(11, 12)
    values = Preprocessing((4, 4), (8, 8), np.zeros(3), resize="none")(image)
    np.testing.assert_array_equal(values, image[3:7, 4:8, ::-1].transpose(2, 0, 1))
    with pytest.raises(DataError, match="3x12 pixels are too few for a crop of 4x4"):
        Preprocessing((4, 4), (8, 8), np.zeros(3), resize="none")(picture(3, 12))


def test_of_a_mean_image_the_center_is_taken_and_values_are_scaled():
    mean = np.arange(3 * 8 * 8, dtype=np.float32).reshape(3, 8, 8)
    image = picture(8, 8)
    values = Preprocessing((4, 4), (8, 8), mean, scale=0.5)(image)
    np.testing.assert_array_equal(values, (image[..., ::-1].transpose(2, 0, 1) - mean)[:, 2:6, 2:6] * 0.5)


def test_gray_pictures_have_one_channel():
    assert Preprocessing((4, 4), (5, 5), np.zeros(1))(picture(9, 9, 1)).shape == (1, 4, 4)


def test_floats_are_cropped_but_not_resized():
    prepare = Preprocessing((4, 4), (5, 5), MEAN)
    floats = np.full((5, 5, 3), 0.25, np.float32)
    np.testing.assert_array_equal(prepare(floats)[:, 0, 0], 0.25 - MEAN)
    with pytest.raises(DataError, match="6x5 floats are not resized to 5x5"):
        prepare(np.zeros((6, 5, 3), np.float32))


def test_a_thread_of_a_picture_does_not_fill_the_memory():
    with pytest.raises(DataError, match="100000x1 pixels are too oblong"):
        Preprocessing((4, 4), (8, 8), MEAN, resize="cover")(np.zeros((100_000, 1, 3), np.uint8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((9, 9), (8, 9), MEAN), "pictures of 8x9 have no crop of 9x9"),
        (((4, 4), (8, 8), MEAN, 1.0, "strech"), "resize 'strech': give one of stretch, cover, none"),
        (((4, 4), (8, 8), np.zeros((3, 3, 9))), r"the mean has shape \(3, 3, 9\)"),
    ],
)
def test_what_can_not_be_is_refused(arguments, message):
    with pytest.raises(DgnamError, match=message):
        Preprocessing(*arguments)


def test_the_description_is_json_and_knows_a_mean_image_by_its_checksum():
    plain = Preprocessing((4, 4), (8, 9), MEAN)
    assert json.loads(json.dumps(plain.describe())) == {
        "resize": "stretch",
        "size": [8, 9],
        "crop": [4, 4],
        "mean": [104, 117, 123],
        "scale": 1,
    }
    assert str(plain) == "resize stretch 8x9, center 4x4, minus 104, 117, 123"
    means = [np.zeros((3, 8, 8), np.float32), np.ones((3, 8, 8), np.float32)]
    first, second = (Preprocessing((4, 4), (8, 8), mean).describe()["mean"] for mean in means)
    assert first.startswith("image 3x8x8 float32, sha256 ")
    assert first != second


def test_means_are_read_from_text_and_files(tmp_path):
    assert read_mean("1, 2.5,3").tolist() == [1, 2.5, 3]
    image = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    np.save(tmp_path / "mean.npy", image)
    blob = pb.BlobProto(num=1, channels=3, height=2, width=2, data=image.ravel())
    (tmp_path / "mean.binaryproto").write_bytes(blob.SerializeToString())
    for name in ("mean.npy", "mean.binaryproto"):
        np.testing.assert_array_equal(read_mean(tmp_path / name), image)
    np.save(tmp_path / "values.npy", np.ones((1, 3, 1, 1)))
    assert read_mean(tmp_path / "values.npy").tolist() == [1, 1, 1]


def test_what_is_no_mean_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DgnamError, match="mean '1,x': give a value for each channel"):
        read_mean("1,x")
    with pytest.raises(DgnamError, match=r"absent\.npy: no such file"):
        read_mean(tmp_path / "absent.npy")
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(DgnamError, match=r"text\.npy: not a readable array"):
        read_mean(tmp_path / "text.npy")
    np.save(tmp_path / "flat.npy", np.zeros((3, 4)))
    with pytest.raises(DgnamError, match=r"flat\.npy: a mean is \(C,\) or \(C, H, W\)"):
        read_mean(tmp_path / "flat.npy")


def test_sizes_are_numbers_or_height_by_width():
    assert read_size("256") == (256, 256)
    assert read_size("240x320") == (240, 320)
    for text in ("", "0", "x", "3x", "-3", "3x4x5", "²", "999999999"):
        with pytest.raises(DgnamError, match="give a number such as 256"):
            read_size(text)


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04" + bytes(40), b"\x93NUMPY\x01\x00\x0a\x00{'descr': (", b"\x80\x04."]
)
def test_a_damaged_array_is_named(tmp_path, data):
    (tmp_path / "mean.npy").write_bytes(data)
    with pytest.raises(FormatError, match=r"mean\.npy: not a readable array of numbers"):
        read_mean(tmp_path / "mean.npy")


def test_preprocessing_is_bgr_minus_the_mean_and_comes_back():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    x = preprocess(images, MEAN_BGR)
    assert x.shape == (2, 3, 4, 5)
    assert x[0, 0, 1, 2] == np.float32(images[0, 1, 2, 2]) - 104
    assert x[0, 2, 1, 2] == np.float32(images[0, 1, 2, 0]) - 123
    assert np.array_equal(deprocess(x), images)
    assert np.array_equal(quantized(x), x)


def test_values_that_no_picture_has_are_rounded_and_clipped():
    x = np.array([-1e9, 151.6, np.inf], np.float32).reshape(1, 3, 1, 1)
    assert deprocess(x).ravel().tolist() == [255, 255, 0]
    x = np.array([-3.5, 0.4, np.nan], np.float32).reshape(1, 3, 1, 1)
    assert deprocess(x).ravel().tolist() == [123, 117, 100]
    assert quantized(x).ravel().tolist() == [-4, 0, 0]


def test_crops_have_their_places_and_mirrors():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    cut = crop(images, (2, 2), np.array([0, 2]), np.array([1, 0]), np.array([False, True]))
    assert np.array_equal(cut[0], images[0, :2, 1:3])
    assert np.array_equal(cut[1], images[1, 2:, 1::-1])
    assert np.array_equal(center_crop(images, (2, 2)), images[:, 1:3, 1:3])


def test_unknown_channel_order_raises():
    check_channels("BGR")
    with pytest.raises(DgnamError, match="channels 'RBG': give RGB"):
        check_channels("RBG")
    with pytest.raises(DgnamError, match="channels 'RBG': give RGB"):
        Preprocessing((2, 2), (2, 2), np.zeros(3), channels="RBG")


def test_a_network_may_take_rgb():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    bgr = Preprocessing((2, 2), (2, 2), np.array([1, 2, 3], np.float32))
    rgb = Preprocessing((2, 2), (2, 2), np.array([3, 2, 1], np.float32), channels="RGB")
    assert np.array_equal(rgb(picture), bgr(picture)[::-1])
    assert "channels" not in bgr.describe()
    assert rgb.describe()["channels"] == "RGB"
    assert str(rgb) == "resize stretch 2x2, center 2x2, minus 3, 2, 1, RGB"

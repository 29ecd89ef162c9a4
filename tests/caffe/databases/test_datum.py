"""Datums: which numbers an image has, and datums that contradict themselves."""

import numpy as np
import pytest

from dgnam.caffe.databases.datum import datum_image, encoded_datum, image_datum, parse_datum
from dgnam.caffe.images.cv_codec import encode_image
from dgnam.caffe.proto import pb
from dgnam.errors import CaffeFormatError
from tests.caffe.made_databases import datum, noise

IMAGE = noise(4, 5, 3)


def test_bytes_lie_channel_by_channel():
    made = image_datum(IMAGE, 7)
    assert (made.channels, made.height, made.width, made.label) == (3, 4, 5, 7)
    assert made.data == b"".join(IMAGE[..., c].tobytes() for c in range(3))
    assert np.array_equal(datum_image(made, "x"), IMAGE.transpose(2, 0, 1))
    # As Caffe writes it: that it is not encoded is said, not left out.
    assert made.SerializeToString().endswith(b"\x28\x07\x38\x00")


def test_floats_and_of_both_the_bytes():
    floats = np.array([[[0.5, -3e9]]], np.float32)
    both = datum(floats)
    got = datum_image(both, "x")
    assert got.dtype == np.float32
    assert np.array_equal(got, floats)
    both.data = b"\x01\xff"
    assert datum_image(both, "x").tolist() == [[[1, 255]]]


def test_encoded_ones_are_decoded():
    made = parse_datum(encoded_datum(encode_image(IMAGE, "png"), 3).SerializeToString(), "x")
    assert made.label == 3
    assert np.array_equal(datum_image(made, "x"), IMAGE.transpose(2, 0, 1))
    assert datum_image(made, "x", "gray").shape == (1, 4, 5)
    with pytest.raises(CaffeFormatError, match=r"^x: not an image"):
        datum_image(encoded_datum(b"junk", 0), "x")


@pytest.mark.parametrize(
    "broken",
    [
        pb.Datum(),
        pb.Datum(channels=1, height=2, width=3, data=b"12345"),
        pb.Datum(channels=1, height=2, width=3, data=b"1234567"),
        pb.Datum(channels=-1, height=-2, width=3, data=b"123456"),
        pb.Datum(channels=1, height=2**31 - 1, width=2**31 - 1, data=b"1"),
        pb.Datum(channels=1, height=1, width=2, float_data=[1]),
    ],
)
def test_what_contradicts_itself(broken):
    with pytest.raises(CaffeFormatError, match=r"^x: a datum of shape .* needs -?\d+ numbers; it has \d"):
        datum_image(broken, "x")


def test_what_is_no_datum():
    with pytest.raises(CaffeFormatError, match=r"^x: not a Datum"):
        parse_datum(b"\xff\xff\xff", "x")

"""Datum: what Caffe's databases hold under each key, an image with its label.

Either its numbers lie there as they are, bytes or floats in the order (channels, height, width), or as the bytes of an
image file.
"""

from __future__ import annotations

import math

import numpy as np
from google.protobuf.message import DecodeError

from ...errors import CaffeFormatError
from ..images.cv_image import Colour, decode_image
from ..proto import pb


def parse_datum(encoded: bytes, what: str) -> pb.Datum:
    """The message; `what` names it in errors."""
    try:
        return pb.Datum.FromString(encoded)
    except DecodeError as error:
        raise CaffeFormatError(f"{what}: not a Datum ({error})") from None


def datum_image(datum: pb.Datum, what: str, colour: Colour = "native") -> np.ndarray:
    """The numbers of a datum: (C, H, W), uint8 or, where it holds floats, float32.

    colour: what an encoded one is decoded to.  Raises CaffeFormatError, which `what` names the datum in, where the
    numbers are not as many as the dimensions say.
    """
    if datum.encoded:
        return decode_image(datum.data, what, colour).transpose(2, 0, 1)
    shape = (datum.channels, datum.height, datum.width)
    # As in Caffe, the bytes count where there are both.
    count = len(datum.data) if datum.data else len(datum.float_data)
    if min(shape) < 1 or math.prod(shape) != count:
        raise CaffeFormatError(f"{what}: a datum of shape {shape} needs {math.prod(shape)} numbers, and it has {count}")
    if datum.data:
        return np.frombuffer(datum.data, np.uint8).reshape(shape)
    return np.array(datum.float_data, np.float32).reshape(shape)


def image_datum(image: np.ndarray, label: int) -> pb.Datum:
    """An image of (H, W, C) bytes as a datum."""
    height, width, channels = image.shape
    data = image.transpose(2, 0, 1).tobytes()
    # Caffe says of such a datum that it is not encoded, and that is part of its bytes.
    return pb.Datum(channels=channels, height=height, width=width, data=data, label=label, encoded=False)


def encoded_datum(encoded: bytes, label: int) -> pb.Datum:
    """The bytes of an image file as a datum."""
    return pb.Datum(data=encoded, label=label, encoded=True)

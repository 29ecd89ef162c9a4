"""Datum: the records of Caffe's databases, an image with its label.

It holds the image as raw bytes or floats in the order (channels, height, width), or as an encoded image file.
"""

from __future__ import annotations

import math

import numpy as np
from google.protobuf.message import DecodeError

from ...errors import CaffeFormatError
from ..images.cv_codec import Color, decode_image
from ..proto import pb


def parse_datum(encoded: bytes, what: str) -> pb.Datum:
    """Parse a Datum; `what` names it in errors."""
    try:
        return pb.Datum.FromString(encoded)
    except DecodeError as error:
        raise CaffeFormatError(f"{what}: not a Datum ({error})") from None


def datum_image(datum: pb.Datum, what: str, color: Color = "native") -> np.ndarray:
    """Return a datum's numbers: (C, H, W), uint8, or float32 if it holds floats.

    color: the channels to which encoded data are decoded.

    Raises CaffeFormatError, naming `what`, if the numbers don't fill the claimed shape.
    """
    if datum.encoded:
        return decode_image(datum.data, what, color).transpose(2, 0, 1)
    shape = (datum.channels, datum.height, datum.width)
    # As in Caffe, bytes take precedence over floats.
    count = len(datum.data) if datum.data else len(datum.float_data)
    if min(shape) < 1 or math.prod(shape) != count:
        raise CaffeFormatError(f"{what}: a datum of shape {shape} needs {math.prod(shape)} numbers; it has {count}")
    if datum.data:
        return np.frombuffer(datum.data, np.uint8).reshape(shape)
    return np.array(datum.float_data, np.float32).reshape(shape)


def image_datum(image: np.ndarray, label: int) -> pb.Datum:
    """Store an image of (H, W, C) bytes in a datum."""
    height, width, channels = image.shape
    data = image.transpose(2, 0, 1).tobytes()
    # Caffe writes encoded=False explicitly; it is part of the record's bytes.
    return pb.Datum(channels=channels, height=height, width=width, data=data, label=label, encoded=False)


def encoded_datum(encoded: bytes, label: int) -> pb.Datum:
    """Store the bytes of an image file in a datum."""
    return pb.Datum(data=encoded, label=label, encoded=True)

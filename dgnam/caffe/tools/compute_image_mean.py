"""`dgnam caffe compute-image-mean`: the mean of the images in a database."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from ...errors import CaffeError, CaffeFormatError
from ...files.paths import StrPath, replacing
from ..databases.backends import open_database
from ..databases.datum import datum_image, parse_datum
from ..glog import LOGGER, number
from ..proto import pb

REPORT_EVERY = 10000


def compute_image_mean(database: StrPath, backend: str = "lmdb") -> np.ndarray:
    """Return the mean image (1, C, H, W), float32, of a database's Datums, which must have equal counts.

    The sum is accumulated in float32 in key order, as in Caffe.
    """
    LOGGER.info("Starting iteration")
    total: np.ndarray | None = None
    count = 0
    for record in open_database(database, backend).records():
        what = f"{database}, key '{record.key.decode('utf-8', 'backslashreplace')}'"
        image = datum_image(parse_datum(record.read(), what), what)
        if total is None:
            total = np.zeros(image.shape, np.float32)
        if image.size != total.size:
            raise CaffeError(f"{what}: the image has shape {image.shape}; the first has {total.shape}")
        total += image.reshape(total.shape)
        count += 1
        if count % REPORT_EVERY == 0:
            LOGGER.info("Processed %d files.", count)
    if total is None:
        raise CaffeFormatError(f"{database}: the database is empty")
    if count % REPORT_EVERY:
        LOGGER.info("Processed %d files.", count)
    return total[np.newaxis] / np.float32(count)


def write_mean(path: StrPath, mean: np.ndarray) -> None:
    """Write a mean image (1, C, H, W) as a binaryproto with Caffe's four legacy axes."""
    num, channels, height, width = mean.shape
    blob = pb.BlobProto(num=num, channels=channels, height=height, width=width, data=mean.ravel())
    with replacing(path) as part:
        part.write_bytes(blob.SerializeToString())


def command(
    database: Annotated[str, typer.Argument(help="The database of images.")],
    output: Annotated[str, typer.Argument(help="The binaryproto to write; none if left out.")] = "",
    backend: Annotated[str, typer.Option(help="lmdb or leveldb.")] = "lmdb",
) -> None:
    """Compute the mean image of a database, and each channel's mean."""
    mean = compute_image_mean(database, backend)
    if output:
        LOGGER.info("Write to %s", output)
        write_mean(output, mean)
    LOGGER.info("Number of channels: %d", mean.shape[1])
    for channel, plane in enumerate(mean[0]):
        value = np.add.accumulate(plane.ravel())[-1] / np.float32(plane.size)
        LOGGER.info("mean_value channel [%d]: %s", channel, number(value))

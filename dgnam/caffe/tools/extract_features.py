"""`dgnam caffe extract-features`: blobs of a net, item by item, as databases of Datums."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated

import typer

from ...errors import CaffeError
from ...files.paths import StrPath
from ..blob import Blob
from ..databases.backends import Writer, new_database
from ..glog import LOGGER
from ..net import Net
from ..proto import pb
from .gpus import use

COMMIT_EVERY = 1000


def extract_features(
    weights: StrPath,
    model: StrPath,
    blobs: Sequence[str],
    databases: Sequence[StrPath],
    mini_batches: int,
    backend: str = "lmdb",
) -> list[int]:
    """Write each item of each mini-batch of each blob to the blob's new database; returns the numbers of records.

    A record is a Datum of floats in the shape of the item, (C, H, W) with 1 for missing axes, under its index in ten
    digits.  The databases appear once all records are written.

    model: the prototxt of a net with a data layer, in phase TEST.
    mini_batches: how many passes are made.
    backend: lmdb or leveldb.
    """
    if len(blobs) != len(databases):
        raise CaffeError(f"give a database to each blob; got {len(blobs)} blobs and {len(databases)} databases")
    if len({os.path.realpath(path) for path in databases}) != len(databases):
        raise CaffeError(f"give each blob a database of its own; got {', '.join(str(path) for path in databases)}")
    if mini_batches < 1:
        raise CaffeError(f"the number of mini-batches is {mini_batches}; give 1 or more")
    with ExitStack() as stack:
        writers = [stack.enter_context(new_database(path, backend)) for path in databases]
        net = Net(model, pb.TEST, weights=weights)
        sources = [net._blob(name) for name in blobs]
        if net.inputs:
            LOGGER.warning(
                "the inputs %s of net '%s' are zero in each batch; give it a data layer", net.inputs, net.name
            )
        LOGGER.info("Extracting Features")
        counts = [0] * len(blobs)
        for _ in range(mini_batches):
            net._forward(0, len(net.layers) - 1)
            for i, blob in enumerate(sources):
                counts[i] = _put(blob, writers[i], counts[i], blobs[i])
        for name, count, writer in zip(blobs, counts, writers, strict=True):
            writer.commit()
            _report(name, count)
    LOGGER.info("Successfully extracted the features!")
    return counts


def command(
    weights: Annotated[str, typer.Argument(help="The weights: a caffemodel, an HDF5 file or a torch state dict.")],
    model: Annotated[str, typer.Argument(help="The prototxt of a net with a data layer.")],
    blobs: Annotated[str, typer.Argument(help="The blobs, separated by commas.")],
    databases: Annotated[str, typer.Argument(help="A new database for each blob, separated by commas.")],
    mini_batches: Annotated[int, typer.Argument(help="How many batches to run.")],
    db_type: Annotated[str, typer.Argument(help="lmdb or leveldb.")],
    mode: Annotated[str, typer.Argument(help="CPU or GPU.")] = "CPU",
    device: Annotated[int, typer.Argument(min=0, help="The GPU's number.")] = 0,
) -> None:
    """Extract features: write blobs of a net to databases, a Datum of floats for each picture."""
    if mode not in ("CPU", "GPU"):
        raise CaffeError(f"'{mode}': use CPU or GPU")
    use([device] if mode == "GPU" else [])
    extract_features(weights, model, blobs.split(","), databases.split(","), mini_batches, db_type)


def _put(blob: Blob, writer: Writer, count: int, name: str) -> int:
    """Write the items of a batch under the keys from `count` on; returns the next key."""
    for item in blob.data.reshape(blob.num, -1):
        datum = pb.Datum(channels=blob.channels, height=blob.height, width=blob.width, float_data=item.tolist())
        writer.put(b"%010d" % count, datum.SerializeToString())
        count += 1
        if count % COMMIT_EVERY == 0:
            writer.commit()
            _report(name, count)
    return count


def _report(name: str, count: int) -> None:
    LOGGER.info("Extracted features of %d query images for feature blob %s", count, name)

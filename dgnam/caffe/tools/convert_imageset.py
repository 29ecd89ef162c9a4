"""`dgnam caffe convert-imageset`: a database of the images that a listing names."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import torch
import typer

from ...errors import CaffeError, DgnamError
from ...files.paths import StrPath
from .. import mode
from ..blob import HOST
from ..data_transformer import seeded
from ..databases.datum import encoded_datum, image_datum
from ..databases.db import create_database
from ..databases.listing import Entry, read_listing
from ..glog import LOGGER
from ..images.cv_image import encode_image, file_bytes, has_extension, read_image
from ..images.cv_resize import resize_bilinear
from ..proto import pb

COMMIT_EVERY = 1000


def convert_imageset(
    root_folder: str,
    listing: StrPath,
    database: StrPath,
    *,
    gray: bool = False,
    shuffle: bool = False,
    backend: str = "lmdb",
    resize_width: int = 0,
    resize_height: int = 0,
    check_size: bool = False,
    encoded: bool = False,
    encode_type: str = "",
    generator: torch.Generator | None = None,
) -> int:
    """Make a new database of Datums, one for each image of a listing; returns how many.

    The keys are the image's place in the listing, from 0 and of 8 digits, `_` and its path.  An image that can't be
    read is left out, and Caffe's log says so.

    root_folder: put before each path as it is, so mostly with a slash at its end.
    gray: one channel instead of three, blue, green and red.
    shuffle: in random order, from `generator` (None: torch's global one); the keys then count in that order.
    backend: lmdb or leveldb.
    resize_width, resize_height: the size that all images are brought to, where both are given.
    check_size: refuse images of another size than the first.
    encoded: store the bytes of image files, those of the files themselves where they need no change; of the type
        `encode_type`, such as png or jpg, or of that which each file's name says.
    """
    entries = read_listing(listing)
    if shuffle:
        LOGGER.info("Shuffling data")
        entries = [entries[i] for i in seeded(generator).permutation(len(entries))]
    LOGGER.info("A total of %d images.", len(entries))
    if encode_type and not encoded:
        LOGGER.info("encode_type specified, assuming encoded=true.")
    count, size = 0, None
    with closing(create_database(database, backend)) as writer:
        for place, entry in enumerate(entries):
            kind = _encoding(entry, encoded, encode_type)
            try:
                datum = _datum(root_folder + entry.path, entry.label, gray, resize_height, resize_width, kind)
            except DgnamError as error:
                LOGGER.error("%s, line %d: left out: %s", listing, entry.line, error)
                continue
            if check_size:
                size = _check_size(datum, size, f"{listing}, line {entry.line}: {entry.path}")
            key = f"{place:08d}_{entry.path}".encode("utf-8", "surrogateescape")
            writer.put(key, datum.SerializeToString())
            count += 1
            if count % COMMIT_EVERY == 0:
                writer.commit()
                LOGGER.info("Processed %d files.", count)
        if count % COMMIT_EVERY:
            writer.commit()
            LOGGER.info("Processed %d files.", count)
    return count


def command(
    root_folder: Annotated[str, typer.Argument(help="Put before each path as it is: with a slash at its end.")],
    listing: Annotated[str, typer.Argument(help="The listing, a line 'path label' for each image.")],
    database: Annotated[str, typer.Argument(help="The new database; there must be nothing yet.")],
    gray: Annotated[bool, typer.Option("--gray/--nogray", help="Treat images as gray ones.")] = False,
    shuffle: Annotated[bool, typer.Option("--shuffle/--noshuffle", help="In random order.")] = False,
    backend: Annotated[str, typer.Option(help="lmdb or leveldb.")] = "lmdb",
    resize_width: Annotated[int, typer.Option("--resize_width", help="The width to bring all images to.")] = 0,
    resize_height: Annotated[int, typer.Option("--resize_height", help="And the height.")] = 0,
    check_size: Annotated[
        bool, typer.Option("--check_size/--nocheck_size", help="Check that all have one size.")
    ] = False,
    encoded: Annotated[bool, typer.Option("--encoded/--noencoded", help="Store image files, not pixels.")] = False,
    encode_type: Annotated[str, typer.Option("--encode_type", help="Of which type, such as png or jpg.")] = "",
) -> None:
    """Convert a listing of images to a database for Data layers."""
    convert_imageset(
        root_folder,
        listing,
        database,
        gray=gray,
        shuffle=shuffle,
        backend=backend,
        resize_width=resize_width,
        resize_height=resize_height,
        check_size=check_size,
        encoded=encoded,
        encode_type=encode_type,
        generator=mode.generator(HOST),
    )


def _encoding(entry: Entry, encoded: bool, encode_type: str) -> str:
    """The type that an image is to be encoded as; "" where its pixels are stored."""
    if encode_type or not encoded:
        return encode_type
    if "." not in entry.path:
        LOGGER.warning("Failed to guess the encoding of '%s'", entry.path)
    return entry.path.rpartition(".")[2].lower()


def _datum(path: str, label: int, gray: bool, height: int, width: int, encoding: str) -> pb.Datum:
    image = read_image(path, gray=gray)
    if height > 0 and width > 0:
        image = resize_bilinear(image, height, width)
    if not encoding:
        return image_datum(image, label)
    if height <= 0 and width <= 0 and has_extension(path, encoding):
        return encoded_datum(file_bytes(path), label)
    return encoded_datum(encode_image(image, encoding), label)


def _check_size(datum: pb.Datum, size: int | None, what: str) -> int:
    """The size of the first image, in numbers, once it is known that this one has it too."""
    if size is None:
        return datum.channels * datum.height * datum.width
    if len(datum.data) != size:
        # As in Caffe, encoded images don't say their size.
        hint = "; check_size is not for encoded images" if datum.encoded else ""
        raise CaffeError(f"{what} has {len(datum.data)} bytes, and the first image {size}{hint}")
    return size

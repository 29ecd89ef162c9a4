"""`dgnam caffe convert-imageset`: a database of the images in a listing."""

from __future__ import annotations

from typing import Annotated

import torch
import typer

from ...errors import CaffeError, DgnamError
from ...files.paths import StrPath
from .. import mode
from ..data_transformer import seeded
from ..databases.backends import new_database
from ..databases.datum import encoded_datum, image_datum
from ..glog import LOGGER
from ..images.cv_codec import encode_image, file_bytes, has_extension, read_image
from ..images.cv_resize import resize_bilinear
from ..images.listing import Entry, read_listing
from ..proto import pb
from ..syncedmem import HOST

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
    """Create a database of Datums, one for each image of a listing, once all are written; returns their number.

    Keys are the image's index in the listing, with 8 digits, `_` and its path.  Unreadable images are skipped and
    logged.

    root_folder: prepended to each path as is, so usually with a trailing slash.
    gray: one channel instead of three (BGR).
    shuffle: random order, from `generator` (None: torch's global one); keys count in that order.
    backend: lmdb or leveldb.
    resize_width, resize_height: the size of all images, if both are given.
    check_size: reject images of another size than the first.
    encoded: store encoded images, unchanged files if possible, of the type `encode_type`, such as png or jpg, or by
        default the file's extension.
    """
    entries = read_listing(listing)
    if shuffle:
        LOGGER.info("Shuffling data")
        entries = [entries[i] for i in seeded(generator).permutation(len(entries))]
    LOGGER.info("A total of %d images.", len(entries))
    if encode_type and not encoded:
        LOGGER.info("encode_type specified, assuming encoded=true.")
    count, size = 0, None
    with new_database(database, backend) as writer:
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
    root_folder: Annotated[str, typer.Argument(help="Prepended to each path as is: with a trailing slash.")],
    listing: Annotated[str, typer.Argument(help="The listing: a line 'path label' for each image.")],
    database: Annotated[str, typer.Argument(help="The new database; must not exist.")],
    gray: Annotated[bool, typer.Option("--gray/--nogray", help="Read images as gray.")] = False,
    shuffle: Annotated[bool, typer.Option("--shuffle/--noshuffle", help="Use random order.")] = False,
    backend: Annotated[str, typer.Option(help="lmdb or leveldb.")] = "lmdb",
    resize_width: Annotated[int, typer.Option("--resize_width", help="The width of all images.")] = 0,
    resize_height: Annotated[int, typer.Option("--resize_height", help="The height of all images.")] = 0,
    check_size: Annotated[
        bool, typer.Option("--check_size/--nocheck_size", help="Check that all images have one size.")
    ] = False,
    encoded: Annotated[bool, typer.Option("--encoded/--noencoded", help="Store encoded images, not pixels.")] = False,
    encode_type: Annotated[str, typer.Option("--encode_type", help="The encoding, such as png or jpg.")] = "",
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
    """Return the encoding of an image; "" to store pixels."""
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
    """Return the first image's count of numbers, checked to be this image's too."""
    if size is None:
        return datum.channels * datum.height * datum.width
    if len(datum.data) != size:
        # As in Caffe, encoded images have no known size.
        hint = "; check_size is not for encoded images" if datum.encoded else ""
        raise CaffeError(f"{what} has {len(datum.data)} bytes; the first image has {size}{hint}")
    return size

"""Small databases and pictures for tests of what reads them."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

from dgnam.caffe.databases.backends import create_database
from dgnam.caffe.proto import pb


def make_database(
    path: Path, records: Sequence[pb.Datum | bytes], keys: Sequence[bytes] | None = None, backend: str = "lmdb"
) -> Path:
    """A new database of these records, under keys that count from 0 unless others are given."""
    with closing(create_database(path, backend)) as writer:
        for i, record in enumerate(records):
            key = b"%08d" % i if keys is None else keys[i]
            writer.put(key, record if isinstance(record, bytes) else record.SerializeToString())
        writer.commit()
    return path


def datum(values: np.ndarray, label: int = 0) -> pb.Datum:
    """A Datum of (C, H, W) bytes, or floats."""
    channels, height, width = values.shape
    made = pb.Datum(channels=channels, height=height, width=width, label=label)
    if values.dtype == np.uint8:
        made.data = values.tobytes()
    else:
        made.float_data.extend(values.ravel().tolist())
    return made


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Random bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save_bgr(path: Path, image: np.ndarray) -> Path:
    """Write (H, W, 3) BGR, as Caffe has pictures, to a lossless file."""
    Image.fromarray(np.ascontiguousarray(image[..., ::-1])).save(path)
    return path

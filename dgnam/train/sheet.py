"""A sheet of sample pictures, to look at while a generator learns."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..caffe.proto.files import replacing
from ..data import deprocess


def write_sheet(path: Path, images: np.ndarray, columns: int) -> None:
    """Write (N, 3, H, W) BGR, mean-subtracted pictures as a PNG, row by row."""
    pictures = deprocess(images)
    rows = [np.concatenate(list(pictures[i : i + columns]), axis=1) for i in range(0, len(pictures), columns)]
    with replacing(path) as partial:
        Image.fromarray(np.concatenate(rows)).save(partial, format="PNG")

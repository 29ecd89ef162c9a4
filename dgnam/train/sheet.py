"""A sheet of sample pictures, to look at while a net learns."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..data.preprocessing import deprocess
from ..files.paths import replacing


def write_sheet(path: Path, images: np.ndarray, columns: int) -> None:
    """Write (N, 3, H, W) BGR, mean-subtracted pictures as a PNG, row by row."""
    write_pictures(path, deprocess(images), columns)


def write_pictures(path: Path, pictures: np.ndarray, columns: int) -> None:
    """Write (N, H, W, 3) uint8 RGB pictures as a PNG, row by row; the last row may be short."""
    missing = -len(pictures) % columns
    filled = np.concatenate([pictures, np.zeros((missing, *pictures.shape[1:]), np.uint8)])
    rows = [np.concatenate(list(filled[i : i + columns]), axis=1) for i in range(0, len(filled), columns)]
    with replacing(path) as partial:
        Image.fromarray(np.concatenate(rows)).save(partial, format="PNG")

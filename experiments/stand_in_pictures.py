"""Stand-ins for image sets that everybody has to get from their publishers: pictures of nothing, in the same form.

write_set(folder, "ilsvrc12", classes=1000)          # ilsvrc12.zip, with the listings of both splits
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from dgnam.files.paths import write_bytes

SPLITS = ("train", "val")
SIDE = 256
"""Of a picture, as Caffe's copies of ImageNet have it."""

PER_CLASS = 50
"""Lines of a class in each listing, as in that of ImageNet's validation set."""

VARIANTS = 5
"""Pictures of a class, which its lines name by turns."""

COARSE, VARIED = 6, 24
"""Squares along a side of what the pictures of a class have in common, and gray levels by which each differs."""


def write_set(folder: Path, name: str, classes: int) -> None:
    """Write an image set as a zip into a folder of image sets, where it is not there."""
    path = folder / f"{name}.zip"
    if path.is_file():
        return
    draw, content = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for label in range(classes):
            common = draw.integers(0, 256, (COARSE, COARSE, 3))
            for variant in range(VARIANTS):
                small = np.clip(common + draw.normal(0, VARIED, common.shape), 0, 255).astype(np.uint8)
                picture = io.BytesIO()
                Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(picture, format="JPEG")
                file.writestr(_picture(label, variant), picture.getvalue())
        # As in ImageNet's listing, the pictures don't come class by class.
        lines = "".join(f"{_picture(label, k)} {label}\n" for k in range(PER_CLASS) for label in range(classes))
        for split in SPLITS:
            file.writestr(f"{split}.txt", lines)
    write_bytes(path, content.getvalue())


def _picture(label: int, variant: int) -> str:
    return f"pictures/{label}_{variant % VARIANTS}.jpg"

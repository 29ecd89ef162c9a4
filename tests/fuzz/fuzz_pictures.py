"""Zips and listings of pictures of any size, as they are measured."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from PIL import Image

from dgnam.data.dataset import open_dataset
from dgnam.errors import naming

FILE = "hostile/pictures.zip"


def seeds() -> list[bytes]:
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(picture, "PNG")
    listed = {"list.txt": b"a.png 1\nb/c.png\n", "a.png": picture.getvalue(), "b/c.png": picture.getvalue()}
    bare = {"x/a.png": picture.getvalue(), "y.txt": b"no listing"}
    return [
        *(_zip(files, method) for files in (listed, bare) for method in (0, 8)),
        b"a.png 1\na.png\n",
    ]


def read(path: Path) -> None:
    if not (path.parent / "a.png").exists():
        Image.new("RGB", (4, 6), (1, 2, 3)).save(path.parent / "a.png")
    for picture in open_dataset(path):
        with naming(path):  # errors of a picture that a listing names are of that picture
            picture.read()


def _zip(files: dict[str, bytes], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return out.getvalue()

"""Zips and tars: one file out of them, and the image set that a zip holds."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from PIL import Image

from dgnam.data.dataset import open_dataset
from dgnam.zoo.download import unpack_member

FILE = "hostile.zip"

_LIMIT = 1 << 16


def seeds() -> list[bytes]:
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(picture, "PNG")
    files = {"g": b"weights" * 9, "val.txt": b"a.png 1\nb/c.png 0\n", "a.png": picture.getvalue()}
    files |= {"b/c.png": picture.getvalue(), "classes.txt": b"n01 fox\nn02 lime\n"}
    return [*(_zip(files, method) for method in (0, 8, 12)), *(_tar(files, packing) for packing in ("", "gz", "bz2"))]


def read(path: Path) -> None:
    failure: Exception | None = None
    for reader in (
        lambda: unpack_member(path, "g", path.parent / "out" / "g", _LIMIT),
        lambda: open_dataset("hostile-val", folder=path.parent).in_memory(),
    ):
        try:
            reader()
        except RuntimeError as error:
            failure = error
    if failure is not None:
        raise failure


def _zip(files: dict[str, bytes], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return out.getvalue()


def _tar(files: dict[str, bytes], packing: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{packing}", format=tarfile.PAX_FORMAT) as tarred:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(content), {"comment": "é" * 20}
            tarred.addfile(info, io.BytesIO(content))
    return out.getvalue()

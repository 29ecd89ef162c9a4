"""What a run leaves on disk: a folder of its own, with files that are whole or absent.

A run never overwrites another: folders are numbered.  The files of the same run made twice on one machine are the same
to the byte, so nothing in them tells the time.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from PIL import Image

from .. import __version__
from ..errors import DgnamError, FormatError
from ..files.paths import StrPath, existing_file, replacing

_LONGEST_RECORD = 64 << 20
"""Far more bytes than any record of a run takes."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @classmethod
    def create(cls, base: str | Path, name: str) -> RunFolder:
        """A new folder `name-1` in `base`, or the first of `name-2`, … that is not there yet."""
        parent = Path(base)
        try:
            parent.mkdir(parents=True, exist_ok=True)
            number = 1
            while True:
                try:
                    (parent / f"{name}-{number}").mkdir()
                    return cls(parent / f"{name}-{number}")
                except FileExistsError:
                    number += 1
        except OSError as error:
            raise DgnamError(f"no run folder can be made in {parent}: {error.strerror}") from None

    @classmethod
    def create_at(cls, path: StrPath) -> RunFolder:
        """This very folder, a new or an empty one; one that holds something is an error."""
        folder = Path(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            full = any(folder.iterdir())
        except OSError as error:
            raise DgnamError(f"the folder {folder} can't be made: {error.strerror}") from None
        if full:
            raise DgnamError(f"{folder} is not empty: resume what it holds, or give another folder")
        return cls(folder)

    def write_json(self, name: str, content: Mapping[str, Any]) -> Path:
        """Write `content` with sorted keys."""
        return self.write_text(name, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> Path:
        """Write `text` as UTF-8."""
        return self._write(name, lambda path: path.write_text(text, encoding="utf-8", newline="\n"))

    def write_png(self, name: str, picture: np.ndarray) -> Path:
        """Write a picture, (h, w, 3) uint8 RGB."""
        return self._write(name, lambda path: Image.fromarray(picture).save(path, format="PNG"))

    def write_jpeg(self, name: str, picture: np.ndarray) -> Path:
        """Write a picture, (h, w, 3) uint8 RGB, as JPEG of quality 75."""
        return self._write(name, lambda path: Image.fromarray(picture).save(path, format="JPEG", quality=75))

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> Path:
        """Write arrays as HDF5 datasets, and `attributes` as the file's."""

        def save(path: Path) -> None:
            with h5py.File(path, "w", libver="earliest", track_order=False) as file:
                for key, value in arrays.items():
                    file.create_dataset(key, data=value, track_times=False)
                file.attrs.update(attributes)

        return self._write(name, save)

    def _write(self, name: str, save: Callable[[Path], object]) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            save(partial)
        return path


def read_json(path: StrPath) -> dict[str, Any]:
    """What a file of `write_json` holds; one that is too long, no JSON or no object is a FormatError."""
    file = existing_file(path)
    if file.stat().st_size > _LONGEST_RECORD:
        raise FormatError(f"{path}: is too long for a record")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise FormatError(f"{path}: no record, but a {type(content).__name__} in JSON")
    return content


def versions() -> dict[str, str]:
    """The versions of dgnam, of Python and of the packages that decide a run's numbers."""
    packages = ("torch", "numpy", "h5py", "Pillow", "protobuf")
    ours = {"dgnam": __version__, "python": platform.python_version()}
    return ours | {name: metadata.version(name) for name in packages}


def threads() -> int:
    """How many threads torch computes with; sums come out in another order with another number."""
    return torch.get_num_threads()


def sha256(path: str | Path) -> str:
    """The file's checksum in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()

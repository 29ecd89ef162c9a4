"""Codes from a file as starts: of another run, of another program, or made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...data.preprocessing import read_npy
from ...errors import FormatError
from ...files.checksums import sha256
from ...files.hdf5 import open_hdf5
from ...files.paths import HDF5_MAGIC, existing_file, file_head

DATASET = "codes"
"""Name of the dataset of codes in an HDF5 file, as in a run's chunks."""

_MOST_BYTES = 1 << 32
_NPY_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class CodeFileStart:
    """The codes in a .npy file, or in the dataset "codes" of an HDF5 file.

    The array is one code, of the prior's code_shape, for all seeds; or k codes (k, *code_shape), of which seed s takes
    number s mod k.  The file is read once; raises FormatError for anything but an array of finite numbers.
    """

    path: Path
    values: np.ndarray = field(init=False, repr=False, compare=False)
    checksum: str = field(init=False)

    def __post_init__(self) -> None:
        path = existing_file(self.path)
        values = read_codes(path)
        values.flags.writeable = False
        for name, value in (("path", path), ("values", values), ("checksum", sha256(path))):
            object.__setattr__(self, name, value)

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        codes = self.values[None] if self.values.shape == shape else self.values
        if codes.shape[1:] != shape:
            several = ", ".join(map(str, ("k", *shape)))
            needed = f"one code {shape}, or several ({several})"
            raise FormatError(f"{self.path}: holds an array {self.values.shape}; the prior takes {needed}")
        return codes[[seed % len(codes) for seed in seeds]]

    def as_dict(self) -> dict[str, Any]:
        return {"start": "file", "file": str(self.path), "sha256": self.checksum}


def read_codes(path: Path) -> np.ndarray:
    """The array in a file of codes, float32; its first bytes tell .npy from HDF5."""
    head = file_head(path)
    if head.startswith(HDF5_MAGIC):
        values = _dataset(path)
    elif head.startswith(_NPY_MAGIC):
        values = np.array(read_npy(path, "codes", _MOST_BYTES))
    else:
        raise FormatError(f"{path}: codes are read from a .npy file, or from the dataset '{DATASET}' of an HDF5 file")
    if values.ndim == 0 or values.size == 0:
        raise FormatError(f"{path}: holds an array {values.shape}, and no code")
    broken = int(np.count_nonzero(~np.isfinite(values)))
    if broken:
        raise FormatError(f"{path}: {broken:,} of its {values.size:,} numbers are not finite")
    return values


def _dataset(path: Path) -> np.ndarray:
    with open_hdf5(path) as file:
        if DATASET not in file.names():
            raise file.fail(f"has no dataset '{DATASET}'; it has {sorted(file.names())[:8]}")
        return file.floats(DATASET)

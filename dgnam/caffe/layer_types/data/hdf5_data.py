"""HDF5Data: rows of datasets in HDF5 files, one dataset per top, of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ....errors import CaffeFormatError
from ....files.hdf5 import open_hdf5
from ....files.paths import existing_file, looked_up
from ...blob import Blob
from ...layer import BlobLayer, Context, register
from ...parallel import keeps_record
from ...proto import pb


@register("HDF5Data")
class HDF5Data(BlobLayer):
    """`source` lists the files, separated by whitespace; each has a dataset for every top, with equal numbers of rows.
    Files that are not there from the working directory are looked for from the list's folder.

    Batches continue across files, and from the last to the first.  `shuffle` randomizes the order of the files and of
    the rows within each.  Data are not transformed.
    """

    bottoms = (0, 0)
    tops = (1, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.hdf5_data_param
        if definition.HasField("transform_param"):
            raise self.fail("does not transform data; remove transform_param")
        if self.options.batch_size < 1:
            raise self.fail("batch_size must be positive")
        self._files: list[str] = []
        self._file = 0
        self._rows: list[np.ndarray] = []
        self._order: list[int] = []
        self._row = 0
        self._count = 0

    def set_up(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        self._files = self._listed()
        self._shuffle_files(context)
        self._open(context, 0)
        for top, rows in zip(tops, self._rows, strict=True):
            top.reshape(self.options.batch_size, *rows.shape[1:])

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        arrays = [top.data for top in tops]
        for i in range(self.options.batch_size):
            while not keeps_record(self._count, context.phase):
                self._next(context)
            for array, rows in zip(arrays, self._rows, strict=True):
                array[i] = rows[self._order[self._row]]
            self._next(context)

    def _listed(self) -> list[str]:
        if not self.options.source:
            raise self.fail("needs in source a text file that lists HDF5 files")
        listing = existing_file(self.options.source)
        try:
            files = listing.read_text(encoding="utf-8").split()
        except UnicodeDecodeError:
            raise CaffeFormatError(f"{listing}: is not a text list of files; is it an HDF5 file?") from None
        if not files:
            raise CaffeFormatError(f"{listing}: lists no HDF5 file")
        return files

    def _next(self, context: Context) -> None:
        """Advance to the next row, at the end of a file to the next file."""
        self._count += 1
        self._row += 1
        if self._row < len(self._order):
            return
        if len(self._files) > 1:
            at = (self._file + 1) % len(self._files)
            if at == 0:
                self._shuffle_files(context)
            self._open(context, at)
        else:
            self._row = 0
            self._shuffle_rows(context)

    def _open(self, context: Context, at: int) -> None:
        before = [rows.shape[1:] for rows in self._rows]
        self._file, self._row = at, 0
        file = looked_up(self._files[at], Path(self.options.source).parent)
        self._rows = _read(file, list(self.definition.top))
        shapes = [rows.shape[1:] for rows in self._rows]
        if before and shapes != before:
            raise self.fail(f"{self._files[at]}: its rows have shapes {shapes}, those before it {before}")
        self._shuffle_rows(context)

    def _shuffle_files(self, context: Context) -> None:
        if self.options.shuffle:
            self._files = [self._files[i] for i in _permutation(len(self._files), context)]

    def _shuffle_rows(self, context: Context) -> None:
        count = len(self._rows[0])
        self._order = _permutation(count, context) if self.options.shuffle else list(range(count))


def _permutation(count: int, context: Context) -> list[int]:
    generator = context.generator
    device = "cpu" if generator is None else generator.device
    return torch.randperm(count, generator=generator, device=device).tolist()


def _read(path: str, names: Sequence[str]) -> list[np.ndarray]:
    """Read the datasets of these names, as float32, with equal numbers of rows, at least one."""
    with open_hdf5(path) as file:
        missing = [name for name in names if not file.has(name)]
        if missing:
            raise file.fail(f"has no dataset '{missing[0]}'; it has {sorted(file.names())}")
        rows = [file.floats(name) for name in names]
    counts = {name: array.shape[:1] for name, array in zip(names, rows, strict=True)}
    if len(set(counts.values())) > 1 or not all(counts.values()) or (0,) in counts.values():
        raise CaffeFormatError(f"{path}: its datasets must have equal numbers of rows, at least one; got {counts}")
    return rows

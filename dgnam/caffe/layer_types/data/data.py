"""Data: images and labels from a database of Datums, LMDB or LevelDB."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from ....errors import shortened
from ...databases.backends import endless, open_database
from ...databases.datum import datum_image, parse_datum
from ...databases.record import Record
from ...layer import register
from ...parallel import keeps_record
from ...proto import pb
from .batch_layer import Batch, BatchLayer


@register("Data")
class Data(BatchLayer):
    """The records in key order, repeatedly.

    A batch has the shape of its first image.  Parallel solvers in TRAIN divide the records.  `rand_skip` and
    `force_encoded_color` are ignored, as in Caffe 1.0.
    """

    tops = (1, 2)
    options_field = "data_param"

    _records: Iterator[Record]

    def begin(self, phase: int) -> tuple[int, int, int]:
        options = self.options
        database = open_database(options.source, pb.DataParameter.DB.Name(options.backend).lower())
        image, _, what = self._read(next(endless(database, options.source)))
        self._records = _kept(endless(database, options.source), phase)
        return self.transformer.shape(image, what)

    def load(self) -> Batch:
        batch: Batch | None = None
        for index in range(self.options.batch_size):
            image, label, what = self._read(self._record())
            if batch is None:
                batch = self.empty_batch(self.transformer.shape(image, what))
            self.put(batch, index, self.transformer.transform(image, what), label, what)
        assert batch is not None
        return batch

    def _record(self) -> Record:
        try:
            return next(self._records)
        except StopIteration:  # what an error while reading leaves behind
            raise self.fail(f"can't continue after an error in {self.options.source}; create a new net") from None

    def _read(self, record: Record) -> tuple[np.ndarray, int, str]:
        """A record's image and label, and what to call it in errors."""
        key = shortened(record.key.decode("utf-8", "backslashreplace"))
        what = f"{self.options.source}, key '{key}'"
        datum = parse_datum(record.read(), what)
        if datum.encoded:
            return datum_image(datum, what, self.transformer.color), datum.label, what
        if self.transformer.chooses_color:
            warnings.warn(f"{what}: force_color and force_gray are for encoded data, and this isn't", stacklevel=2)
        return datum_image(datum, what), datum.label, what


def _kept(records: Iterator[Record], phase: int) -> Iterator[Record]:
    """The records that are this solver's to take."""
    for index, record in enumerate(records):
        if keeps_record(index, phase):
            yield record

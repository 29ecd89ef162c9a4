"""Measure the act_range: the range of each code neuron over real pictures, to which codes are clipped (Sec. 2).

    found = measure_codes(encoder, "fc6", open_dataset("photos"), Preprocessing((227, 227), (256, 256), mean))
    text, hdf5 = act_range_files(found, 3.0, {"encoder": "caffenet"})

A code is the layer's value as a whole forward pass leaves it, so after an in-place ReLU.  The published bounds are each
neuron's mean plus 3 standard deviations over validation images, rounded to integers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am import Target
from ..caffe.modules.caffe_module import CaffeModule
from ..data.dataset import Dataset
from ..data.picture import DataError
from ..data.preprocessing import Preprocessing
from ..runs.chunks import to_bytes
from .codes import MOST_REASONS, Inputs, PictureCodes, batches
from .moments import RunningMoments
from .target_codes import TargetCodes


@dataclass(frozen=True)
class CodeStatistics:
    """Statistics of the codes of many pictures.

    mean, std: of each neuron, (n,) float64; the population's standard deviation.
    shape: the shape of one code, such as (4096,) or (384, 13, 13); n is its product, in that order.
    count: the number of pictures.
    lowest: the lowest value; if it is negative, no in-place ReLU follows the layer.
    skipped: the number of unreadable pictures left out; reasons: the errors of the first few.
    """

    mean: np.ndarray
    std: np.ndarray
    shape: tuple[int, ...]
    count: int
    lowest: float
    skipped: int = 0
    reasons: tuple[str, ...] = ()

    def bounds(self, k: float = 3.0) -> np.ndarray:
        """The upper bound of each neuron: mean + k standard deviations, (n,) float32."""
        return (self.mean + k * self.std).astype(np.float32)


class CodeMeasurement:
    """The statistics of codes as pictures come, in memory that doesn't grow with their number.

    encoder: a net with one input (N, C, H, W), 3 or 1 channels, on the device to compute on; or a target.  It is left
        as it was found.
    layer: the layer whose first top is the code, as a whole forward pass leaves it.
    preprocessing: from a picture to the input.
    device: where a target computes.
    skip_broken: leave out and count unreadable pictures; otherwise the first one is a DataError.

    Raises DgnamError for a layer that the net lacks or a code that isn't finite.
    """

    def __init__(
        self,
        encoder: CaffeModule | Target,
        layer: str,
        preprocessing: Preprocessing,
        *,
        batch_size: int = 64,
        skip_broken: bool = False,
        device: str = "cpu",
    ):
        self.codes: PictureCodes | TargetCodes
        if isinstance(encoder, CaffeModule):
            self.codes = PictureCodes(encoder, layer)
        else:
            self.codes = TargetCodes(encoder, layer, device)
        self.preprocessing = preprocessing
        self.batch_size, self.skip_broken = batch_size, skip_broken
        self._clear()

    def _clear(self) -> None:
        self._moments, self._lowest = RunningMoments(), np.inf
        self._skipped, self._reasons = 0, list[str]()

    def add(
        self, dataset: Dataset, limit: int | None = None, on_batch: Callable[[int], object] = lambda count: None
    ) -> None:
        """Take in the pictures of a dataset, `limit` at most; `on_batch` is called with the number of each batch."""
        gray = self.codes.channels == 1
        inputs = Inputs(dataset, self.preprocessing, gray=gray, skip_broken=self.skip_broken)
        try:
            for names, batch in batches(iter(inputs), self.batch_size, limit):
                rows = self.codes(batch, names)
                self._moments.update(rows)
                self._lowest = min(self._lowest, float(rows.min()))
                on_batch(len(rows))
        finally:
            self._skipped += inputs.skipped
            self._reasons += inputs.reasons[: MOST_REASONS - len(self._reasons)]

    def alone(self, dataset: Dataset, on_batch: Callable[[int], object] = lambda count: None) -> dict[str, np.ndarray]:
        """The state after the pictures of a dataset, without those before, which are forgotten; for `merge`."""
        self._clear()
        self.add(dataset, on_batch=on_batch)
        return self.arrays()

    def merge(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take in the state after other pictures, which come after those that are here."""
        lowest, skipped, reasons, moments = _state(arrays)
        self._moments.merge(moments)
        self._lowest, self._skipped = min(self._lowest, lowest), self._skipped + skipped
        self._reasons += reasons[: MOST_REASONS - len(self._reasons)]

    @property
    def count(self) -> int:
        """How many pictures were measured."""
        return self._moments.count

    def statistics(self, source: str) -> CodeStatistics:
        """What was measured; no picture at all is a DataError that names the `source`."""
        if not self.count:
            first = f"; the first: {self._reasons[0]}" if self._reasons else ""
            raise DataError(f"{source}: no picture could be read{first}")
        found = self._moments.mean, self._moments.std, self.codes.shape, self.count, self._lowest
        return CodeStatistics(*found, self._skipped, tuple(self._reasons))

    def arrays(self) -> dict[str, np.ndarray]:
        """The state, to go on from with `restore`: the numbers are those of one pass."""
        reasons = np.frombuffer(json.dumps(self._reasons).encode(), np.uint8)
        numbers = np.array([self._lowest, self._skipped], np.float64)
        return {**(self._moments.arrays() if self.count else {}), "numbers": numbers, "reasons": reasons}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from a state."""
        self._lowest, self._skipped, self._reasons, self._moments = _state(arrays)


def _state(arrays: Mapping[str, np.ndarray]) -> tuple[float, int, list[str], RunningMoments]:
    """The lowest value, how many pictures were skipped, the reasons, and the moments, of a state."""
    moments = RunningMoments.of_arrays(arrays) if "counts" in arrays else RunningMoments()
    reasons = list(map(str, json.loads(arrays["reasons"].astype(np.uint8).tobytes())))
    return float(arrays["numbers"][0]), int(arrays["numbers"][1]), reasons, moments


def measure_codes(
    encoder: CaffeModule,
    layer: str,
    dataset: Dataset,
    preprocessing: Preprocessing,
    *,
    batch_size: int = 64,
    limit: int | None = None,
    skip_broken: bool = False,
) -> CodeStatistics:
    """Mean and standard deviation of the codes of a dataset, in one pass that holds one batch and one picture.

    The arguments are those of `CodeMeasurement`; `limit` is the most pictures to take, beginning with the first.  The
    batch size changes only the float32 rounding within the net, about 1e-6 of a code.
    """
    measurement = CodeMeasurement(encoder, layer, preprocessing, batch_size=batch_size, skip_broken=skip_broken)
    measurement.add(dataset, limit)
    return measurement.statistics(dataset.name)


def act_range_files(
    found: CodeStatistics, k: float, provenance: Mapping[str, Any], *, integers: bool = False
) -> tuple[str, bytes]:
    """The contents of a text file and of an HDF5 file; the same input gives the same bytes.

    The text has the published format, one line with a number for each neuron, exact for float32 or, with `integers`,
    rounded as published.  HDF5 has the datasets act_range (n,) float32, mean and std (n,) float64; the attributes k,
    images, skipped and code_shape; and `provenance` as attributes.  `zoo.read_act_range` reads both.
    """
    bounds = found.bounds(k)
    numbers = [str(int(value)) for value in np.rint(bounds)] if integers else [str(value) for value in bounds]
    attributes = {"k": k, "images": found.count, "skipped": found.skipped, "code_shape": found.shape, **provenance}
    arrays = {"act_range": bounds, "mean": found.mean, "std": found.std}
    return " ".join(numbers) + "\n", to_bytes(arrays, attributes)

"""The real pictures for which units are most active, in one pass over a dataset and in constant memory.

measurement = TopImageMeasurement(target, [Unit("conv5", 3), Unit("fc8", 7)], 9, preprocessing)
measurement.add(open_dataset("photos"))
measurement.activations, measurement.places, measurement.positions
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from ..am import Objective, Target, Unit
from ..am.objectives import read_layers
from ..am.objectives.objective import check_unit_index
from ..caffe.mode import exact
from ..data.dataset import Dataset
from ..data.picture import DataError
from ..data.preprocessing import Preprocessing
from ..errors import DgnamError
from .codes import MOST_REASONS, Inputs
from .ranking import Ranking

NOWHERE = -1
"""The position of what has none."""


class UnitValues:
    """From images to the values of units, and where in their layers they are; a token has no position in an image.

    units: objectives; a `Unit` of a convolutional layer without a position has its highest value over all of them.
    layers: those read.
    """

    def __init__(self, target: Target, units: Sequence[Objective]):
        self.target, self.units = target, units
        self.layers = tuple(dict.fromkeys(layer for unit in units for layer in unit.layers))
        self._shapes = {layer: tuple(target.layer_shape(layer)) for layer in self.layers}
        self._anywhere: dict[str, list[int]] = {}
        self._others: list[int] = []
        for column, unit in enumerate(units):
            if isinstance(unit, Unit) and self._is_anywhere(unit):
                check_unit_index(unit, unit.index, self._shapes[unit.layer][0])
                self._anywhere.setdefault(unit.layer, []).append(column)
            else:
                self._check(unit)
                self._others.append(column)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Values (N, units), and positions (N, units) in the flattened plane of a layer, `NOWHERE` where it has none.

        images: (N, 3, *size) BGR, mean-subtracted.
        """
        found = read_layers(self.target, images, self.layers)
        values = images.new_zeros(len(images), len(self.units))
        positions = torch.full(values.shape, NOWHERE, dtype=torch.int64, device=images.device)
        for layer, columns in self._anywhere.items():
            rows = [self.units[column].index for column in columns]  # type: ignore[attr-defined]
            best = found[layer][:, rows].flatten(2).max(2)
            values[:, columns], positions[:, columns] = best.values.to(values), best.indices
        for column in self._others:
            for weight, term in self.units[column].terms:
                values[:, column] += weight * term.measure(found[term.layer]).to(values)
            positions[:, column] = self._fixed_position(self.units[column])
        return values, positions

    def width(self, column: int) -> int:
        """The width of the plane that a unit's flattened positions are in."""
        return int(self._shapes[self.units[column].layers[0]][-1])

    def _is_anywhere(self, unit: Unit) -> bool:
        shape = self._shapes[unit.layer]
        return unit.xy is None and len(shape) == 3 and shape[1:] != (1, 1)

    def _check(self, unit: Objective) -> None:
        for _, term in unit.terms:
            if term.together:
                raise DgnamError(f"{unit}: a picture's value does not depend on others; leave {term} out")
            term.check(self._shapes[term.layer])

    def _fixed_position(self, unit: Objective) -> int:
        if not isinstance(unit, Unit) or unit.xy is None or len(self._shapes[unit.layer]) != 3:
            return NOWHERE
        row, column = (unit.xy, unit.xy) if isinstance(unit.xy, int) else unit.xy
        return row * self._shapes[unit.layer][2] + column


class TopImageMeasurement:
    """The k pictures for which each unit is most active, as they come.

    units: as `UnitValues` takes them.
    preprocessing: from a picture to what the target takes: BGR minus 104, 117, 123.
    skip_broken: leave out and count unreadable pictures; otherwise the first one is a DataError.
    seen: the number of pictures gone through, those left out included.
    """

    def __init__(
        self,
        target: Target,
        units: Sequence[Objective],
        k: int,
        preprocessing: Preprocessing,
        *,
        batch_size: int = 64,
        skip_broken: bool = False,
        device: str = "cpu",
    ):
        self.values, self.preprocessing = UnitValues(target, units), preprocessing
        self.batch_size, self.skip_broken, self.device = batch_size, skip_broken, torch.device(device)
        self._ranking = Ranking(len(units), k, ("places", "positions"))
        self.seen, self.skipped, self.reasons = 0, 0, list[str]()
        target.to(self.device)

    @property
    def activations(self) -> np.ndarray:
        """(units, k) float32, falling; NaN where there are fewer pictures."""
        scores = self._ranking.scores.astype(np.float32)
        return np.where(np.isneginf(scores), np.float32(np.nan), scores)

    @property
    def places(self) -> np.ndarray:
        """(units, k) int64, each picture's place in the dataset; -1 where there are fewer pictures."""
        return self._ranking.extras["places"]

    @property
    def positions(self) -> np.ndarray:
        """(units, k, 2) int64, row and column in the layer; -1 for a unit without positions."""
        flat = self._ranking.extras["positions"]
        found = np.full((*flat.shape, 2), NOWHERE, np.int64)
        for unit, own in enumerate(flat):
            known = own != NOWHERE
            found[unit, known] = np.stack(np.divmod(own[known], self.values.width(unit)), 1)
        return found

    def add(
        self, dataset: Dataset, limit: int | None = None, on_batch: Callable[[int], object] = lambda count: None
    ) -> None:
        """Take in the pictures of a dataset, `limit` at most; places go on from those seen before."""
        inputs = Inputs(dataset, self.preprocessing, gray=False, skip_broken=self.skip_broken)
        placed, first = islice(inputs.placed(), limit), self.seen
        try:
            while batch := list(islice(placed, self.batch_size)):
                places, names, images = zip(*batch, strict=True)
                self._update(np.array(places) + first, names, np.stack(images))
                on_batch(len(batch))
        finally:
            self.skipped += inputs.skipped
            self.reasons += inputs.reasons[: MOST_REASONS - len(self.reasons)]
        self.seen += len(dataset)

    def check_any(self, source: str) -> None:
        """Raise DataError where no picture could be read."""
        if not (self.places >= 0).any():
            first = f"; the first: {self.reasons[0]}" if self.reasons else ""
            raise DataError(f"{source}: no picture could be read{first}")

    def arrays(self) -> dict[str, np.ndarray]:
        """The state, to go on from with `restore`."""
        reasons = np.frombuffer(json.dumps(self.reasons).encode(), np.uint8)
        return {**self._ranking.arrays(), "counts": np.array([self.seen, self.skipped]), "reasons": reasons}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from a state."""
        self._ranking.restore(arrays)
        self.seen, self.skipped = (int(count) for count in arrays["counts"])
        self.reasons = list(map(str, json.loads(arrays["reasons"].astype(np.uint8).tobytes())))

    def _update(self, places: np.ndarray, names: Sequence[str], images: np.ndarray) -> None:
        with torch.inference_mode(), exact():
            values, positions = self.values(torch.from_numpy(images).to(self.device))
        scores = values.cpu().numpy().astype(np.float64).T
        broken = np.argwhere(~np.isfinite(scores))
        if broken.size:
            unit, picture = broken[0]
            raise DgnamError(f"{names[picture]}: the value of {self.values.units[unit]} is not finite")
        self._ranking.update(scores, places=places, positions=positions.cpu().numpy().T)

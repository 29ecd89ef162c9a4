"""The nearest pictures of a dataset to some pictures, in pixels and in layers, in one pass and in constant memory.

measurement = NeighborMeasurement(target, ["pixels", "fc6"], images, names, 50, preprocessing)
measurement.add(open_dataset("tinyimagenet64-train"))
measurement.distances, measurement.places                       # (2, Q, 50)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ..am import Target
from ..data.dataset import Dataset
from ..data.picture import DataError
from ..data.preprocessing import MEAN_BGR, Preprocessing, deprocess
from ..errors import DgnamError
from .codes import MOST_REASONS, Inputs
from .layer_codes import LayerCodes
from .neighbors import Queries, nearest
from .pixel_neighbors import nearest_pictures
from .ranking import Ranking

PIXELS = "pixels"
"""The space of pictures themselves, among those of layers."""


class NeighborMeasurement:
    """The k nearest pictures to each of Q queries in each of several spaces, as they come.

    spaces: `PIXELS`, or layers of the target.  Distances in pixels are root mean squares in gray levels of 255, the
        least over small shifts and mirroring (see `nearest_pictures`); in layers they are Euclidean.
    images: the queries, (Q, 3, H, W) float32, BGR, mean-subtracted, and their names.
    preprocessing: from a picture to what the target takes.
    shift, mirror: see `nearest_pictures`.
    skip_broken: leave out and count unreadable pictures; otherwise the first one is a DataError.
    """

    def __init__(
        self,
        target: Target,
        spaces: Sequence[str],
        images: np.ndarray,
        names: Sequence[str],
        k: int,
        preprocessing: Preprocessing,
        *,
        shift: int = 3,
        mirror: bool = True,
        batch_size: int = 64,
        skip_broken: bool = False,
        device: str = "cpu",
    ):
        self.spaces, self.k, self.preprocessing = tuple(spaces), k, preprocessing
        self.shift, self.mirror = shift, mirror
        self.batch_size, self.skip_broken = batch_size, skip_broken
        self._codes = LayerCodes(target, [space for space in spaces if space != PIXELS], device)
        self._pictures = deprocess(images, MEAN_BGR)
        self._queries = {layer: Queries(codes) for layer, codes in self._codes_of(images, names).items()}
        self._ranking = {space: Ranking(len(images), k) for space in self.spaces}
        self.seen, self.skipped, self.reasons = 0, 0, list[str]()

    @property
    def distances(self) -> np.ndarray:
        """(spaces, Q, k) float64, rising; NaN where there are fewer pictures."""
        scores = np.stack([self._ranking[space].scores for space in self.spaces])
        return np.where(np.isneginf(scores), np.nan, -scores)

    @property
    def places(self) -> np.ndarray:
        """(spaces, Q, k) int64, each picture's place in the dataset; -1 where there are fewer pictures."""
        return np.stack([self._ranking[space].extras["places"] for space in self.spaces])

    def add(
        self, dataset: Dataset, limit: int | None = None, on_batch: Callable[[int], object] = lambda count: None
    ) -> None:
        """Take in the pictures of a dataset, `limit` at most; places go on from those seen before.

        In pixels they are compared all at once, so they must fit into memory as bytes.
        """
        inputs = Inputs(dataset, self.preprocessing, gray=False, skip_broken=self.skip_broken)
        placed, first = islice(inputs.placed(), limit), self.seen
        pictures: list[np.ndarray] = []
        places: list[np.ndarray] = []
        try:
            while batch := list(islice(placed, self.batch_size)):
                at, names, images = zip(*batch, strict=True)
                places.append(np.array(at) + first)
                self._compare_codes(np.stack(images), names, places[-1])
                if PIXELS in self.spaces:
                    pictures.append(deprocess(np.stack(images), MEAN_BGR))
                on_batch(len(batch))
        finally:
            self.skipped += inputs.skipped
            self.reasons += inputs.reasons[: MOST_REASONS - len(self.reasons)]
        if pictures:
            self._compare_pictures(np.concatenate(pictures), np.concatenate(places))
        self.seen += len(dataset)

    def check_any(self, source: str) -> None:
        """Raise DataError where no picture could be read."""
        if not (self.places >= 0).any():
            first = f"; the first: {self.reasons[0]}" if self.reasons else ""
            raise DataError(f"{source}: no picture could be read{first}")

    def arrays(self) -> dict[str, np.ndarray]:
        """The state, to go on from with `restore`."""
        rankings = {
            f"{name}_{number}": values
            for number, space in enumerate(self.spaces)
            for name, values in self._ranking[space].arrays().items()
        }
        reasons = np.frombuffer(json.dumps(self.reasons).encode(), np.uint8)
        return {**rankings, "counts": np.array([self.seen, self.skipped]), "reasons": reasons}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from a state."""
        for number, space in enumerate(self.spaces):
            names = self._ranking[space].arrays()
            self._ranking[space].restore({name: arrays[f"{name}_{number}"] for name in names})
        self.seen, self.skipped = (int(count) for count in arrays["counts"])
        self.reasons = list(map(str, json.loads(arrays["reasons"].astype(np.uint8).tobytes())))

    def _codes_of(self, images: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """The values of all layers for many images."""
        parts = [
            self._codes(images[first : first + self.batch_size], names[first : first + self.batch_size])
            for first in range(0, len(images), self.batch_size)
        ]
        return {layer: np.concatenate([part[layer] for part in parts]) for layer in self._codes.layers}

    def _compare_codes(self, images: np.ndarray, names: Sequence[str], places: np.ndarray) -> None:
        for layer, rows in self._codes(images, names).items():
            ranking = self._ranking[layer]
            found = nearest(self._queries[layer], [rows], min(self.k, len(rows)), within=-ranking.scores[:, -1])
            ranking.update(-found.distances, places=np.where(found.places < 0, -1, places[found.places]))

    def _compare_pictures(self, pictures: np.ndarray, places: np.ndarray) -> None:
        k, ranking = min(self.k, len(pictures)), self._ranking[PIXELS]
        how: dict[str, Any] = {"shift": self.shift, "mirror": self.mirror, "within": -ranking.scores[:, -1]}
        found = nearest_pictures(self._pictures, [pictures], k, **how)
        ranking.update(-found.distances, places=np.where(found.places < 0, -1, places[found.places]))


def check_spaces(spaces: Sequence[str]) -> None:
    """Raise DgnamError for a space that is named twice, or for none."""
    if not spaces:
        raise DgnamError(f"there is no space to compare pictures in: give {PIXELS} or layers")
    twice = next((space for number, space in enumerate(spaces) if space in spaces[:number]), None)
    if twice is not None:
        raise DgnamError(f"space '{twice}' is given twice")

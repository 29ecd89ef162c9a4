"""What `top_images` gives back and leaves in a run's folder: pictures, crops, a table and sheets.

top_images.csv     a line for each unit and rank
grid.png           a row for each unit, of crops to its receptive field; of many units grid-000.png, …
pictures/, crops/  a folder for each unit: the pictures as the target sees them, and their crops where smaller
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ..am import Objective
from ..am.images import objective_stem
from ..data.dataset import Dataset
from ..data.preprocessing import MEAN_BGR, Preprocessing, deprocess
from ..errors import DgnamError
from ..figures import labeled_grid, padded, tile
from ..files.encode import png
from ..files.paths import write_bytes
from ..files.tables import table_of
from ..measure.receptive_field import Box
from ..runs import Run
from .result import SHOWN_SIZE
from .sheet import MOST_SHOWN
from .shown import Shown

TABLE, GRID, PICTURES, CROPS = "top_images.csv", "grid", "pictures", "crops"
COLUMNS = (
    *("unit", "caption", "rank", "activation", "place", "picture", "label", "class"),
    *("row", "column", "top", "left", "bottom", "right", "image", "crop"),
)
LISTED = 12
"""So many units are listed for the user."""


@dataclass(frozen=True, eq=False)
class TopImages(Shown):
    """For each unit the real pictures for which it is most active, the first the most; as arrays, and on a sheet.

    units: the objectives; captions: the classes they stand for, or their texts.
    activations: (units, k) float32; NaN where there are fewer pictures.
    places: (units, k) int64, in `dataset`; -1 where there are fewer.
    positions: (units, k, 2) int64, row and column in the unit's layer, -1 where it has none.
    boxes: the part of the input that the unit depends on, of each unit and rank.
    folder, summary: the run's, and lines for people.
    """

    units: Sequence[Objective]
    captions: Sequence[str]
    title: str
    activations: np.ndarray
    places: np.ndarray
    positions: np.ndarray
    boxes: Sequence[Sequence[Box]]
    dataset: Dataset
    preprocessing: Preprocessing
    folder: Path | None = None
    summary: Sequence[str] = ()

    def __repr__(self) -> str:
        units, k = self.places.shape
        where = "" if self.folder is None else f", in {self.folder}"
        return f"<TopImages: {self.title}; {units} units, {k} pictures each{where}>"

    def count(self, unit: int) -> int:
        """How many pictures a unit has: k, or fewer where there were fewer."""
        return int((self.places[unit] >= 0).sum())

    def picture(self, unit: int, rank: int) -> np.ndarray:
        """A picture as the target sees it, (H, W, 3) uint8 RGB, read anew."""
        return deprocess(self.image(unit, rank)[None], MEAN_BGR)[0]

    def image(self, unit: int, rank: int) -> np.ndarray:
        """What the target takes, (3, H, W) float32, BGR, mean-subtracted."""
        return self.preprocessing(self.dataset[int(self.places[unit, rank])].read())

    def crop(self, unit: int, rank: int) -> np.ndarray:
        """The part of a picture that the unit depends on, (h, w, 3) uint8 RGB."""
        return self.boxes[unit][rank].cut(self.picture(unit, rank))

    @property
    def stems(self) -> list[str]:
        """A file name for each unit; no two have the same."""
        stems = [objective_stem(unit) for unit in self.units]
        alike = len(set(stems)) < len(stems)
        return [f"{stem}__{number}" if alike else stem for number, stem in enumerate(stems)]

    @property
    def at_once(self) -> int:
        """The most units of a page of the sheet."""
        return max(1, MOST_SHOWN // self.places.shape[1])

    def grid(self, size: int = SHOWN_SIZE) -> np.ndarray:
        """The crops with captions and activations, a row for each unit, (H, W, 3) uint8 RGB; the first 400 of them.

        size: the side of each tile in pixels.  A crop cut short by the picture's border is shown at its place.
        """
        return next(self.sheets(size))

    def sheets(self, size: int = SHOWN_SIZE) -> Iterator[np.ndarray]:
        """All pages of the sheet, of at most 400 tiles each."""
        k = self.places.shape[1]
        for first in range(0, len(self.units), self.at_once):
            rows = range(first, min(first + self.at_once, len(self.units)))
            tiles = [self._tile(unit, rank, size) for unit in rows for rank in range(k)]
            labels = [self._label(unit, rank) for unit in rows for rank in range(k)]
            yield labeled_grid(tiles, labels, columns=k, title=self.title)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the sheet to a file named *.png; returns the path."""
        target = Path(path)
        if target.suffix.lower() != ".png":
            raise DgnamError(f"{target}: give a name that ends in .png; a run's folder has everything")
        write_bytes(target, png(self.grid()))
        return target

    def _tile(self, unit: int, rank: int, size: int) -> np.ndarray:
        if rank >= self.count(unit):
            return np.full((size, size, 3), 255, np.uint8)
        box, boxes = self.boxes[unit][rank], self.boxes[unit][: self.count(unit)]
        whole = max(one.size[0] for one in boxes), max(one.size[1] for one in boxes)
        top = whole[0] - box.size[0] if box.top == 0 else 0
        left = whole[1] - box.size[1] if box.left == 0 else 0
        return tile(padded(self.crop(unit, rank), whole, top, left), (size, size))

    def _label(self, unit: int, rank: int) -> str:
        if rank >= self.count(unit):
            return "\n"
        return f"{self.activations[unit, rank]:.4g}\n{self.captions[unit] if rank == 0 else ''}"


def write_report(run: Run, found: TopImages, on_unit: Callable[[], None]) -> list[str]:
    """Write everything; `on_unit` is called before each unit.  Returns lines for people."""
    rows: list[dict[str, object]] = []
    for unit in range(len(found.units)):
        on_unit()
        rows += _rows(run, found, unit)
    run.write_text(TABLE, table_of(COLUMNS, rows))
    several = len(found.units) > found.at_once
    for page, sheet in enumerate(found.sheets()):
        on_unit()
        run.write_bytes(f"{GRID}-{page:03d}.png" if several else f"{GRID}.png", png(sheet))
    return _lines(found)


def _rows(run: Run, found: TopImages, unit: int) -> Iterator[dict[str, object]]:
    """The lines of a unit's pictures, which are written on the way."""
    stem, whole = found.stems[unit], Box.whole(found.preprocessing.crop)
    for rank in range(found.count(unit)):
        picture, box = found.picture(unit, rank), found.boxes[unit][rank]
        source = found.dataset[int(found.places[unit, rank])]
        image, crop = (f"{folder}/{stem}/{rank:02d}.png" for folder in (PICTURES, CROPS))
        run.write_bytes(image, png(picture))
        if box != whole:
            run.write_bytes(crop, png(box.cut(picture)))
        row, column = ("", "") if found.positions[unit, rank, 0] < 0 else found.positions[unit, rank].tolist()
        yield {
            "unit": str(found.units[unit]),
            "caption": found.captions[unit],
            "rank": rank,
            "activation": found.activations[unit, rank],
            "place": int(found.places[unit, rank]),
            "picture": source.name,
            "label": "" if source.label is None else source.label,
            "class": class_name(found.dataset, source.label),
            "row": row,
            "column": column,
            **vars(box),
            "image": image,
            "crop": image if box == whole else crop,
        }


def class_name(dataset: Dataset, label: int | None) -> str:
    """The name of a class where the dataset has one."""
    return dataset.classes[label] if label is not None and 0 <= label < len(dataset.classes) else ""


def _lines(found: TopImages) -> list[str]:
    """Of each unit the most active picture; of many units the first few."""
    lines = []
    for unit in range(min(LISTED, len(found.units))):
        source = found.dataset[int(found.places[unit, 0])]
        known = class_name(found.dataset, source.label)
        shown = found.activations[unit, : found.count(unit)]
        lines.append(
            f"{found.captions[unit]:24} {shown[0]:.4g} to {shown[-1]:.4g} in {len(shown)} pictures; the first: "
            f"{source.name}{f' ({known})' if known else ''}"
        )
    if len(found.units) > LISTED:
        lines.append(f"… {len(found.units):,} units in all")
    return lines

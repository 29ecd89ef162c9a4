"""`dgnam.occlusion`: the regions of real pictures that units respond to, found by an occluder slid over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..am import Objective, Target, Unit
from ..am.argument_types import check_types
from ..caffe import CaffeModule
from ..caffe.mode import usable_device
from ..data.preprocessing import STRETCH
from ..errors import DgnamError, FormatError
from ..figures import labeled_grid, tile
from ..files.encode import png
from ..files.paths import StrPath
from ..files.tables import table_of
from ..measure.occlusion import HALF, Occluder, cut_out, occlusion_map, region, unit_score
from ..measure.top_images import TopImageMeasurement
from ..runs import Record, Run, defer_interrupt, environment, progress_bar
from ..runs.interrupt import Stop
from .pictures import HELD_OUT, open_pictures, picture_preprocessing
from .plan import objective_record
from .result import SHOWN_SIZE
from .run_folder import at_work, begin
from .sheet import MOST_SHOWN
from .shown import Shown
from .spec import spec_of
from .streaming import fewer_lines, images_record, skipped_lines, taken
from .targets import Labels, ResolvedTarget, open_target
from .top_images import check_counts, check_stop, find_top_images, read_units
from .top_images_report import LISTED, TopImages

TABLE, GRID, PICTURES, REGIONS = "occlusion.csv", "grid", "pictures", "regions"
COLUMNS = ("unit", "caption", "rank", "activation", "place", "picture", "greatest_drop", "area", "image", "region")
FILLS = ("mean", "noise")
TOP, MAPS, MAP = "top/", "maps/", "map"
DIM = 0.2
"""How bright a sheet shows what is outside a region."""


@dataclass(frozen=True, eq=False)
class Occlusion(Shown):
    """For each unit its top pictures, and of each the region that it responds to.

    top: the pictures; see `TopImages`.
    map: from a unit's number and a rank to by how much the unit falls when a pixel is covered, (H, W) float32.
    threshold: the least drop of a region, as a part of the greatest.
    """

    top: TopImages
    map: Callable[[int, int], np.ndarray]
    threshold: float
    folder: Path | None = None
    summary: Sequence[str] = ()

    def __repr__(self) -> str:
        units, k = self.top.places.shape
        where = "" if self.folder is None else f", in {self.folder}"
        return f"<Occlusion: {self.title}; {units} units, {k} regions each{where}>"

    def mask(self, unit: int, rank: int) -> np.ndarray:
        """The region, (H, W) bool."""
        return region(self.map(unit, rank), self.threshold)

    def region(self, unit: int, rank: int) -> np.ndarray:
        """The picture as the target sees it, in the mean color outside the region, (H, W, 3) uint8 RGB."""
        return cut_out(self.top.picture(unit, rank), self.mask(unit, rank))

    @property
    def title(self) -> str:  # type: ignore[override]
        """That of the top images."""
        return self.top.title

    def grid(self) -> np.ndarray:
        """The pictures, and below each its region with the rest darkened; the first page."""
        return next(self.sheets())

    @property
    def at_once(self) -> int:
        """The most units of a page."""
        return max(1, MOST_SHOWN // (2 * self.top.places.shape[1]))

    def sheets(self) -> Iterator[np.ndarray]:
        """All pages, two rows for each unit."""
        k = self.top.places.shape[1]
        for first in range(0, len(self.top.units), self.at_once):
            tiles, labels = [], []
            for unit in range(first, min(first + self.at_once, len(self.top.units))):
                own = [self._pair(unit, rank) for rank in range(k)]
                tiles += [picture for picture, _ in own] + [cut for _, cut in own]
                shown = self.top.activations[unit]
                labels += [f"{value:.4g}" if np.isfinite(value) else "" for value in shown]
                labels += [self.top.captions[unit], *[""] * (k - 1)]
            yield labeled_grid(tiles, labels, columns=k, title=self.title.replace("top images", "occluded images"))

    def _pair(self, unit: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
        size = (SHOWN_SIZE, SHOWN_SIZE)
        if rank >= self.top.count(unit):
            return (np.full((*size, 3), 255, np.uint8),) * 2
        picture = self.top.picture(unit, rank)
        return tile(picture, size), tile(cut_out(picture, self.mask(unit, rank), DIM), size)


def occlusion(
    target: str | PathLike[str] | Target | ResolvedTarget | CaffeModule | Mapping[str, Any],
    objective: str | Objective | Sequence[str | Objective] | None = None,
    *,
    images: StrPath | None = None,
    k: int = 9,
    occluder: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
    threshold: float = HALF,
    seed: int = 0,
    weights: StrPath | None = None,
    labels: Labels | None = None,
    labels_layer: str | None = None,
    mean: str | None = None,
    scale: float = 1.0,
    channels: str = "BGR",
    root: StrPath | None = None,
    listing: str | None = None,
    data: StrPath | None = None,
    resize: str = STRETCH,
    size: str | None = None,
    limit: int | None = None,
    skip_broken: bool = False,
    batch_size: int = 64,
    device: str = "cpu",
    folder: StrPath | None = None,
    output: StrPath | None = None,
    name: str | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Occlusion:
    """Segment each unit's top pictures by what the unit responds to (Zhou et al. 2015).

    The k pictures for which a unit is most active are found as by `top_images`.  A square is slid over each, the drops
    of the unit's activation where it covers a pixel are averaged to a map, and the pixels with at least `threshold`
    of the map's greatest drop are the region.

    occluder, stride: the square's side and its steps in pixels; None takes the published 11 and 3, and for inputs of
        less than 112 pixels an eighth and a 32nd of the side.
    fill: "mean" color, or "noise" from `seed`.
    Everything else is as in `top_images`; each map is saved when it is done.
    """
    given = dict(locals())
    check_types(occlusion, given)
    check_counts(k, limit, batch_size)
    if fill not in FILLS:
        raise DgnamError(f"fill '{fill}': give mean or noise")
    region(np.ones((1, 1)), threshold)
    place = usable_device(device)
    opened = open_target(
        target, weights=weights, labels=labels, labels_layer=labels_layer, mean=mean, scale=scale, channels=channels
    )
    units = read_units(objective, opened)
    square = _occluder(opened.target.size, occluder, stride, fill, seed)
    dataset = open_pictures(images, opened, HELD_OUT, data=data, root=root, listing=listing)
    prepare = picture_preprocessing(opened, resize, size)
    how: dict[str, Any] = {"batch_size": batch_size, "skip_broken": skip_broken, "device": place}
    measurement = TopImageMeasurement(opened.target, units, k, prepare, **how)
    inputs = {
        "target": {"name": opened.name, **opened.record},
        "objectives": [objective_record(unit) for unit in units],
        "images": images_record(dataset, limit, skip_broken),
        "preprocessing": prepare.describe(),
        "k": k,
        "occluder": vars(square),
        "threshold": threshold,
        "batch_size": batch_size,
        "device": place,
    }
    record = Record("occlusion", spec_of(given), inputs, environment())
    usual = f"occlusion-{opened.name}-{units[0]}"
    run = begin(record, folder=folder, output=output, name=usual if name is None else name, resume=resume)
    if run is None:
        with defer_interrupt() as stop:
            top = find_top_images(None, measurement, opened, dataset, limit, progress, stop)
            return Occlusion(top, _maps(None, top, opened.target, square, batch_size, place, progress, stop), threshold)
    with at_work(run, len(units) * min(k, taken(dataset, limit)), "maps"), defer_interrupt() as stop:
        top = find_top_images(run, measurement, opened, dataset, limit, progress, stop, TOP)
        found = Occlusion(top, _maps(run, top, opened.target, square, batch_size, place, progress, stop), threshold)
        lines = [*_write_report(run, found, stop), *fewer_lines(k, top.count(0))]
        check_stop(stop, run, "all regions are written")
    return replace(found, folder=run.path, summary=[*lines, *skipped_lines(measurement.skipped, measurement.reasons)])


def _occluder(size: tuple[int, int], side: int | None, stride: int | None, fill: str, seed: int) -> Occluder:
    usual = Occluder.for_size(size)
    made = Occluder(
        usual.side if side is None else side, usual.stride if stride is None else stride, fill == "noise", seed
    )
    if made.side > min(size):
        raise DgnamError(f"an occluder of {made.side} pixels does not fit into an image of {min(size)}")
    return made


def _maps(
    run: Run | None,
    top: TopImages,
    target: Target,
    occluder: Occluder,
    batch_size: int,
    device: str,
    progress: bool,
    stop: Stop,
) -> Callable[[int, int], np.ndarray]:
    """The maps of all pictures; those that a run has already are not made again."""
    wanted = [(unit, rank) for unit in range(len(top.units)) for rank in range(top.count(unit))]
    made: dict[tuple[int, int], np.ndarray] = {}
    for done, (unit, rank) in enumerate(progress_bar(wanted, show=progress, desc="occluding", unit="picture")):
        if stop:
            where = None if run is None else run.path
            raise stop.interrupted(f"stopped; {done} of {len(wanted)} pictures are done", where)
        if run is not None and run.has(_chunk(unit, rank)):
            continue
        score, box = unit_score(target, _there(top, unit, rank)), top.boxes[unit][rank]
        found = occlusion_map(score, top.image(unit, rank), occluder, box=box, batch_size=batch_size, device=device)
        if run is None:
            made[unit, rank] = found
        else:
            run.save(_chunk(unit, rank), {MAP: found})
    return (lambda unit, rank: made[unit, rank]) if run is None else lambda unit, rank: _load(run, top, unit, rank)


def _there(top: TopImages, unit: int, rank: int) -> Objective:
    """The unit at the position where it is most active in the picture."""
    asked, (row, column) = top.units[unit], top.positions[unit, rank].tolist()
    return replace(asked, xy=(row, column)) if isinstance(asked, Unit) and row >= 0 else asked


def _load(run: Run, top: TopImages, unit: int, rank: int) -> np.ndarray:
    arrays = run.load(_chunk(unit, rank))
    if MAP not in arrays or arrays[MAP].shape != top.preprocessing.crop:
        raise FormatError(f"{run.path}: chunk '{_chunk(unit, rank)}' holds no map of {top.preprocessing.crop}")
    return arrays[MAP].astype(np.float32)


def _chunk(unit: int, rank: int) -> str:
    return f"{MAPS}{unit:05d}/{rank:03d}"


def _write_report(run: Run, found: Occlusion, stop: Stop) -> list[str]:
    """Pictures, regions, the table and the sheets; returns lines for people."""
    table: list[dict[str, Any]] = []
    lines = []
    for unit in range(len(found.top.units)):
        check_stop(stop, run, "all maps are made")
        rows = list(_rows(run, found, unit))
        table += rows
        area = float(np.mean([float(row["area"]) for row in rows]))
        lines.append(f"{found.top.captions[unit]:24} regions of {area:.1%} of the picture on average")
    run.write_text(TABLE, table_of(COLUMNS, table))
    several = len(found.top.units) > found.at_once
    for page, sheet in enumerate(found.sheets()):
        run.write_bytes(f"{GRID}-{page:03d}.png" if several else f"{GRID}.png", png(sheet))
    return lines if len(lines) <= LISTED else [*lines[:LISTED], f"… {len(lines):,} units in all"]


def _rows(run: Run, found: Occlusion, unit: int) -> Iterator[dict[str, Any]]:
    """The lines of a unit's pictures, which are written on the way."""
    top, stem = found.top, found.top.stems[unit]
    for rank in range(top.count(unit)):
        image, cut = (f"{folder}/{stem}/{rank:02d}.png" for folder in (PICTURES, REGIONS))
        run.write_bytes(image, png(top.picture(unit, rank)))
        run.write_bytes(cut, png(found.region(unit, rank)))
        yield {
            "unit": str(top.units[unit]),
            "caption": top.captions[unit],
            "rank": rank,
            "activation": top.activations[unit, rank],
            "place": int(top.places[unit, rank]),
            "picture": top.dataset[int(top.places[unit, rank])].name,
            "greatest_drop": found.map(unit, rank).max(),
            "area": np.float32(found.mask(unit, rank).mean()),
            "image": image,
            "region": cut,
        }

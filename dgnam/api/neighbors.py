"""`dgnam.neighbors`: the training pictures that are nearest to some pictures, in pixels and in layers (Fig. S22)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..am import CaffeTarget, JointTarget, Target, TorchTarget
from ..am.argument_types import check_types
from ..am.targets.caffe_layers import caffe_layers
from ..caffe import CaffeModule
from ..caffe.mode import usable_device
from ..data.dataset import Dataset, open_dataset
from ..data.preprocessing import MEAN_BGR, NONE, STRETCH, Preprocessing, deprocess, preprocess, quantized
from ..errors import DgnamError
from ..figures import labeled_grid, tile
from ..files.checksums import sha256_of_array
from ..files.encode import png
from ..files.paths import StrPath
from ..files.tables import table_of
from ..measure.codes import Inputs
from ..measure.picture_neighbors import PIXELS, NeighborMeasurement, check_spaces
from ..runs import Record, Run, defer_interrupt, environment
from ..runs.record import RECORD
from .load import load
from .pictures import TRAINING, open_pictures, picture_preprocessing
from .result import SHOWN_SIZE, Visualization
from .run_folder import at_work, begin
from .sheet import MOST_SHOWN
from .shown import Shown
from .spec import spec_of
from .streaming import fewer_lines, images_record, skipped_lines, stream, taken
from .targets import ResolvedTarget, open_target
from .top_images import check_counts, check_stop
from .top_images_report import LISTED, class_name

BLOCK = 1024
"""Pictures gone through between two chunks."""

LAYERS = 8
"""The most layers where none are named."""

TABLE, GRID = "neighbors.csv", "grid"
COLUMNS = ("query", "space", "rank", "distance", "place", "picture", "label", "class")


@dataclass(frozen=True, eq=False)
class PictureNeighbors(Shown):
    """For each query its nearest pictures in each space, the nearest first.

    names: of the queries; queries: (Q, H, W, 3) uint8 RGB, as the target sees them.
    spaces: "pixels", or layers.
    distances: (spaces, Q, k) float64, in pixels root mean squares in gray levels; NaN where there are fewer pictures.
    places: (spaces, Q, k) int64, in `dataset`; -1 where there are fewer pictures.
    """

    names: Sequence[str]
    queries: np.ndarray
    spaces: Sequence[str]
    title: str
    distances: np.ndarray
    places: np.ndarray
    dataset: Dataset
    preprocessing: Preprocessing
    folder: Path | None = None
    summary: Sequence[str] = ()

    def __repr__(self) -> str:
        where = "" if self.folder is None else f", in {self.folder}"
        spaces = ", ".join(self.spaces)
        return f"<PictureNeighbors: {self.title}; {len(self.names)} queries in {spaces}{where}>"

    def picture(self, space: int, query: int, rank: int = 0) -> np.ndarray:
        """A neighbor as the target sees it, (H, W, 3) uint8 RGB, read anew."""
        return self.searched(int(self.places[space, query, rank]))

    def searched(self, place: int) -> np.ndarray:
        """The picture at a place of `dataset`, as the target sees it, (H, W, 3) uint8 RGB, read anew."""
        return deprocess(self.preprocessing(self.dataset[place].read())[None], MEAN_BGR)[0]

    @property
    def at_once(self) -> int:
        """The most queries of a page of the sheet."""
        return max(1, MOST_SHOWN // (1 + len(self.spaces)))

    def grid(self) -> np.ndarray:
        """A row for each query: itself, and its nearest picture in each space; the first page."""
        return next(self.sheets())

    def sheets(self) -> Iterator[np.ndarray]:
        """All pages of the sheet, of at most 400 tiles each."""
        for first in range(0, len(self.names), self.at_once):
            rows = range(first, min(first + self.at_once, len(self.names)))
            tiles = [picture for query in rows for picture in self._row(query)]
            labels = [label for query in rows for label in self._labels(query)]
            yield labeled_grid(tiles, labels, columns=1 + len(self.spaces), title=self.title)

    def _row(self, query: int) -> list[np.ndarray]:
        pictures = [self.queries[query], *(self.picture(space, query) for space in range(len(self.spaces)))]
        return [tile(picture, (SHOWN_SIZE, SHOWN_SIZE)) for picture in pictures]

    def _labels(self, query: int) -> list[str]:
        found = zip(self.spaces, self.distances[:, query, 0], strict=True)
        return [Path(self.names[query]).name, *(f"{space}\n{distance:.4g}" for space, distance in found)]


def neighbors(
    pictures: str | PathLike[str] | np.ndarray | Visualization,
    *,
    target: str | PathLike[str] | Target | ResolvedTarget | CaffeModule | Mapping[str, Any] = "caffenet-mini",
    layers: str | Sequence[str] | None = None,
    images: StrPath | None = None,
    k: int = 5,
    shift: int = 3,
    mirror: bool = True,
    weights: StrPath | None = None,
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
) -> PictureNeighbors:
    """Find the k nearest pictures, such as training pictures, to each of some pictures, such as synthesized ones.

        found = dgnam.visualize("caffenet-mini", "fc8:0-9")
        dgnam.neighbors(found, data="image-sets").show()

    pictures: the queries: a run folder of `visualize`, or what it returned, whose images are compared as pictures of
        eight bits; whatever `open_dataset` takes; or an array (Q, H, W, 3) uint8 RGB, of the target's size.
    layers: "pixels" and layers of the target, as a list or with commas between.  None takes pixels and eight layers
        with weights, evenly chosen if there are more.
    images, root, listing, data: the pictures to search; see `open_dataset`.  None takes those that a
        model of the zoo was trained on.
    shift, mirror: in pixels a query is compared at all shifts by up to so many pixels, itself and mirrored.
    resize, size: see `picture_preprocessing`; queries of the size of the target's input are taken as they are.
    Everything else is as in `top_images`; all pictures are gone through once.
    """
    given = dict(locals())
    check_types(neighbors, given)
    check_counts(k, limit, batch_size)
    place = usable_device(device)
    opened = open_target(target, weights=weights, mean=mean, scale=scale, channels=channels)
    spaces = _spaces(layers, opened.target)
    if not 0 <= 2 * shift < min(opened.target.size):
        raise DgnamError(f"shift {shift}: give 0 or more pixels, and less than half of {min(opened.target.size)}")
    prepare = picture_preprocessing(opened, resize, size)
    names, queries = _queries(pictures, prepare, data)
    dataset = open_pictures(images, opened, TRAINING, data=data, root=root, listing=listing)
    how: dict[str, Any] = {"batch_size": batch_size, "skip_broken": skip_broken, "device": place}
    how |= {"shift": shift, "mirror": mirror}
    measurement = NeighborMeasurement(opened.target, spaces, queries, names, k, prepare, **how)
    inputs = {
        "target": {"name": opened.name, **opened.record},
        "queries": {"count": len(queries), "sha256": sha256_of_array(queries)},
        "spaces": list(spaces),
        "images": images_record(dataset, limit, skip_broken),
        "preprocessing": prepare.describe(),
        "k": k,
        **how,
    }
    record = Record("neighbors", spec_of(given), inputs, environment())
    usual = f"neighbors-{opened.name}"
    run = begin(record, folder=folder, output=output, name=usual if name is None else name, resume=resume)

    def found() -> PictureNeighbors:
        measurement.check_any(dataset.name)
        return PictureNeighbors(
            names=names,
            queries=deprocess(queries, MEAN_BGR),
            spaces=spaces,
            title=f"Nearest pictures of {dataset.name}",
            distances=measurement.distances,
            places=measurement.places,
            dataset=dataset,
            preprocessing=prepare,
        )

    going: dict[str, Any] = {"block": BLOCK, "desc": "comparing pictures", "progress": progress}
    if run is None:
        with defer_interrupt() as stop:
            stream(None, measurement, dataset, limit, stop=stop, **going)
        return found()
    with at_work(run, taken(dataset, limit), "pictures"), defer_interrupt() as stop:
        stream(run, measurement, dataset, limit, stop=stop, **going)
        result = found()
        check_stop(stop, run)
        lines = _write_report(run, result)
        lines += fewer_lines(k, int((result.places[0, 0] >= 0).sum()))
        check_stop(stop, run, "the neighbors are written")
    return replace(result, folder=run.path, summary=[*lines, *skipped_lines(measurement.skipped, measurement.reasons)])


def _spaces(layers: str | Sequence[str] | None, target: Target) -> list[str]:
    """The spaces asked for, or the usual ones; a layer that the target lacks is an error."""
    if layers is None:
        return [PIXELS, *_usual_layers(target)]
    found = [part.strip() for part in layers.split(",")] if isinstance(layers, str) else list(layers)
    check_spaces(found)
    for layer in found:
        if layer != PIXELS:
            target.layer_shape(layer)
    return found


def _usual_layers(target: Target) -> list[str]:
    """At most eight of the layers with weights, evenly chosen, the last one among them."""
    known = _layers_with_weights(target)
    count = min(LAYERS, len(known))
    return [known[place] for place in np.linspace(0, len(known) - 1, count).round().astype(int)] if known else []


def _layers_with_weights(target: Target) -> list[str]:
    """Those of modules and nets that have a row for each image; of what is neither all layers."""
    if isinstance(target, JointTarget):
        return [f"{name}.{own}" for name, one in target.targets.items() for own in _layers_with_weights(one)]
    if isinstance(target, CaffeTarget):
        plan = target.module.plan
        sound = {name for name, layer in caffe_layers(plan).items() if layer.fault is None}
        return [wired.name for wired in plan.layers if wired.params and wired.name in sound]
    if isinstance(target, TorchTarget):
        modules, table = dict(target.module.named_modules()), target.table()
        weighted = {name for name, one in modules.items() if next(one.parameters(recurse=False), None) is not None}
        return [name for name, layer in table.items() if layer.fault is None and layer.key[0] in weighted]
    return list(target.layers())


def _queries(given: Any, prepare: Preprocessing, data: StrPath | None) -> tuple[list[str], np.ndarray]:
    """Names and images (Q, 3, H, W) float32, BGR, mean-subtracted."""
    if isinstance(given, str | PathLike) and (Path(given) / RECORD).is_file():
        given = load(given)
    if isinstance(given, Visualization):
        names = [f"{caption} seed {seed}" for caption, seed in zip(given.captions, given.seeds, strict=True)]
        found = quantized(np.asarray(given.raw, np.float32))
    elif isinstance(given, np.ndarray):
        if given.dtype != np.uint8 or given.ndim != 4 or given.shape[3] != 3 or not len(given):
            raise DgnamError(f"pictures {given.shape} {given.dtype}: give (Q, H, W, 3) uint8, RGB")
        names, found = [f"picture {number}" for number in range(len(given))], preprocess(given, MEAN_BGR)
    else:
        names, found = _read(open_dataset(given, folder=data), prepare)
    if found.shape[2:] != prepare.crop:
        raise DgnamError(f"the pictures are {found.shape[2:]}, and the target takes {prepare.crop}")
    return names, found


def _read(dataset: Dataset, prepare: Preprocessing) -> tuple[list[str], np.ndarray]:
    """All pictures of a dataset; those of the size of the input are not resized."""
    if not len(dataset):
        raise DgnamError(f"{dataset.name}: has no pictures")
    as_they_are = Preprocessing(prepare.crop, prepare.crop, prepare.mean, resize=NONE)

    def prepared(picture: np.ndarray) -> np.ndarray:
        return (as_they_are if picture.shape[:2] == prepare.crop else prepare)(picture)

    rows = list(Inputs(dataset, prepared, gray=False, skip_broken=False))
    return [name for name, _ in rows], np.stack([image for _, image in rows])


def _write_report(run: Run, found: PictureNeighbors) -> list[str]:
    """The table and the sheets; returns lines for people."""
    queries = range(len(found.names))
    run.write_text(TABLE, table_of(COLUMNS, (row for query in queries for row in _rows(found, query))))
    several = len(found.names) > found.at_once
    for page, sheet in enumerate(found.sheets()):
        run.write_bytes(f"{GRID}-{page:03d}.png" if several else f"{GRID}.png", png(sheet))
    return _lines(found)


def _rows(found: PictureNeighbors, query: int) -> Iterator[dict[str, Any]]:
    for number, space in enumerate(found.spaces):
        for rank, place in enumerate(found.places[number, query].tolist()):
            if place < 0:
                continue
            source = found.dataset[place]
            yield {
                "query": found.names[query],
                "space": space,
                "rank": rank,
                "distance": found.distances[number, query, rank],
                "place": place,
                "picture": source.name,
                "label": "" if source.label is None else source.label,
                "class": class_name(found.dataset, source.label),
            }


def _lines(found: PictureNeighbors) -> list[str]:
    """Of each query the nearest distance in each space; of many queries the first few."""
    lines = [
        f"{Path(name).name:24} "
        + ", ".join(f"{s} {d:.4g}" for s, d in zip(found.spaces, found.distances[:, query, 0], strict=True))
        for query, name in enumerate(found.names[:LISTED])
    ]
    return lines if len(found.names) <= LISTED else [*lines, f"… {len(found.names):,} pictures in all"]

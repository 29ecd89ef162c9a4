"""`dgnam.top_images`: the real pictures for which units are most active, cropped to their receptive fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

from ..am import Objective, Target, Unit
from ..am.argument_types import check_types
from ..am.objectives.parser import has_place, split_objectives
from ..caffe import CaffeModule
from ..caffe.mode import usable_device
from ..data.dataset import Dataset
from ..data.preprocessing import STRETCH
from ..errors import DgnamError
from ..files.paths import StrPath
from ..measure.receptive_field import Box, receptive_fields
from ..measure.top_images import TopImageMeasurement
from ..runs import Record, Run, defer_interrupt, environment
from ..runs.interrupt import Stop
from .pictures import HELD_OUT, open_pictures, picture_preprocessing
from .plan import objective_record
from .run_folder import at_work, begin
from .spec import spec_of
from .streaming import fewer_lines, images_record, skipped_lines, stream, taken
from .targets import Labels, ResolvedTarget, open_target
from .top_images_report import TopImages, write_report
from .visualize import read_objectives

BLOCK = 1024
"""Pictures gone through between two chunks."""

MOST = 1000
"""The most pictures of a unit."""


def top_images(
    target: str | PathLike[str] | Target | ResolvedTarget | CaffeModule | Mapping[str, Any],
    objective: str | Objective | Sequence[str | Objective] | None = None,
    *,
    images: StrPath | None = None,
    k: int = 9,
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
) -> TopImages:
    """Find the k real pictures for which each unit is most active, with the part of each that the unit depends on.

        dgnam.top_images("caffenet-mini", ["conv3:*", "fc8:lemon"], data="image-sets").show()

    target, weights, labels, labels_layer, mean, scale, channels: see `open_target`.
    objective: one or more, as `visualize` takes them; but a convolutional unit without a position, `conv5:55`, has its
        highest value over all positions, and that position's receptive field.
    images, root, listing, data: the pictures; see `open_dataset`.  None takes the held-out ones of a model of
        the zoo.
    k: pictures for each unit.
    resize, size: see `picture_preprocessing`.
    limit: the most pictures to take, beginning with the first.
    Everything else is as in `act_range`; all pictures are gone through once, whatever the number of units.
    """
    given = dict(locals())
    check_types(top_images, given)
    check_counts(k, limit, batch_size)
    place = usable_device(device)
    opened = open_target(
        target, weights=weights, labels=labels, labels_layer=labels_layer, mean=mean, scale=scale, channels=channels
    )
    units = read_units(objective, opened)
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
        "batch_size": batch_size,
        "device": place,
    }
    record = Record("top_images", spec_of(given), inputs, environment())
    usual = f"top-images-{opened.name}-{units[0]}"
    run = begin(record, folder=folder, output=output, name=usual if name is None else name, resume=resume)
    if run is None:
        with defer_interrupt() as stop:
            return find_top_images(None, measurement, opened, dataset, limit, progress, stop)
    with at_work(run, taken(dataset, limit), "pictures"), defer_interrupt() as stop:
        found = find_top_images(run, measurement, opened, dataset, limit, progress, stop)
        lines = [*write_report(run, found, lambda: check_stop(stop, run)), *fewer_lines(k, found.count(0))]
        check_stop(stop, run, "all top images are written")
    return replace(found, folder=run.path, summary=[*lines, *skipped_lines(measurement.skipped, measurement.reasons)])


def find_top_images(
    run: Run | None,
    measurement: TopImageMeasurement,
    target: ResolvedTarget,
    dataset: Dataset,
    limit: int | None,
    progress: bool,
    stop: Stop,
    prefix: str = "",
) -> TopImages:
    """Go through the pictures and find the receptive fields; `run` and `prefix` are as in `stream`."""
    how: dict[str, Any] = {"block": BLOCK, "desc": "looking for top images", "progress": progress, "prefix": prefix}
    stream(run, measurement, dataset, limit, stop=stop, **how)
    measurement.check_any(dataset.name)
    units = measurement.values.units
    return TopImages(
        units=units,
        captions=[target.caption(unit) for unit in units],
        title=f"{target.name}: top images of {dataset.name}",
        activations=measurement.activations,
        places=measurement.places,
        positions=measurement.positions,
        boxes=_boxes(measurement, target.target),
        dataset=dataset,
        preprocessing=measurement.preprocessing,
    )


def read_units(given: object, target: ResolvedTarget) -> list[Objective]:
    """The objectives asked for; a convolutional unit whose text has no position loses the one in the center."""
    several = not isinstance(given, str | Objective) and isinstance(given, Iterable)
    units: list[Objective] = []
    for one in given if several else [given]:  # type: ignore[attr-defined]
        if not isinstance(one, str):
            units += read_objectives(one, target)
            continue
        for text in split_objectives(one, target.target):
            anywhere, found = not has_place(text), read_objectives(text, target)
            units += [replace(unit, xy=None) if anywhere and isinstance(unit, Unit) else unit for unit in found]
    if not units:
        raise DgnamError("there is nothing to do: give one or more units")
    if len(set(units)) < len(units):
        twice = next(unit for number, unit in enumerate(units) if unit in units[:number])
        raise DgnamError(f"unit {twice} is given twice")
    return units


def check_counts(k: int, limit: int | None, batch_size: int) -> None:
    """Raise DgnamError for numbers of pictures that make no sense."""
    for what, number in (("k", k), ("limit", limit), ("batch_size", batch_size)):
        if number is not None and number < 1:
            raise DgnamError(f"{what} {number}: give 1 or more")
    if k > MOST:
        raise DgnamError(f"k {k}: give at most {MOST} pictures for each unit")


def check_stop(stop: Stop, run: Run, done: str = "all pictures are gone through") -> None:
    """Raise Interrupted if a signal has come; `done` says what is."""
    if stop:
        raise stop.interrupted(f"stopped; {done}", run.path)


def _boxes(measurement: TopImageMeasurement, target: Target) -> list[list[Box]]:
    """The receptive field of each unit and rank; each position of a layer is looked at once."""
    positions, whole = measurement.positions, Box.whole(target.size)
    wanted: dict[str, set[tuple[int, int]]] = {}
    for unit, own in zip(measurement.values.units, positions.tolist(), strict=True):
        places = {(row, column) for row, column in own if row >= 0}
        if isinstance(unit, Unit) and places:
            wanted.setdefault(unit.layer, set()).update(places)
    known = {}
    for layer, places in wanted.items():
        at = sorted(places)
        known[layer] = dict(zip(at, receptive_fields(target, layer, at, device=measurement.device), strict=True))
    return [
        [known[unit.layer][row, column] if isinstance(unit, Unit) and row >= 0 else whole for row, column in own]
        for unit, own in zip(measurement.values.units, positions.tolist(), strict=True)
    ]

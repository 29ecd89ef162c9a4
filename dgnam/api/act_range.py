"""`dgnam act-range`: from the names of an encoder and of pictures to the bounds of the encoder's codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .. import zoo
from ..am import Target
from ..am.argument_types import check_types
from ..am.targets.caffe_layers import caffe_layers
from ..caffe import CaffeModule
from ..caffe.mode import usable_device
from ..data.dataset import Dataset, open_dataset
from ..data.preprocessing import MEAN_BGR, STRETCH, Preprocessing, read_mean, read_size
from ..errors import DgnamError, closest
from ..files.paths import StrPath
from ..measure.act_range import CodeMeasurement, CodeStatistics, act_range_files
from ..runs import Record, defer_interrupt, environment
from ..runs.executor import Executor, open_executor
from ..runs.run import LOCAL
from .blocks import BlockMaker, SharedBlocks, split_blocks
from .fingerprint import file_checksums
from .run_folder import at_work, begin
from .spec import spec_of
from .streaming import images_record, skipped_lines, stream, taken
from .targets import ResolvedTarget, is_prototxt, open_target
from .workers import call_of, same_here

BLOCK = 4096
"""Pictures measured between two chunks."""

MOST, MOST_DEVIATIONS = 1_000_000_000, 1e6
"""Of pictures, in all and in a batch; of k."""


@dataclass(frozen=True, eq=False)
class ActRange:
    """What was measured, and the files of the run's folder that hold it: text as published, and HDF5.

    summary: the same in lines for people.
    """

    files: tuple[Path, Path]
    found: CodeStatistics
    summary: Sequence[str]
    folder: Path

    def __repr__(self) -> str:
        return f"<ActRange: {len(self.found.mean)} neurons over {self.found.count} pictures, in {self.folder}>"

    @property
    def bounds(self) -> np.ndarray:
        """The upper bound of each neuron, (n,) float32."""
        return zoo.read_act_range(self.files[1])


@dataclass(frozen=True)
class _Encoder:
    """An encoder.

    net: what computes: the net of a prototxt, which takes what `Preprocessing` makes; or a target, which takes BGR
        minus 104, 117, 123.
    record: what decides its numbers, as JSON can hold it.
    entry: what the zoo knows of it.
    """

    name: str
    net: CaffeModule | Target
    record: Mapping[str, Any]
    entry: zoo.ModelEntry | None = None

    def layers(self) -> list[str]:
        """The names of its layers, without the inserted splits."""
        if isinstance(self.net, CaffeModule):
            return [wired.name for wired in self.net.plan.layers if wired.layer.type != "Split"]
        return list(self.net.layers())

    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        if not isinstance(self.net, CaffeModule):
            return 3, *self.net.size
        shapes = [self.net.plan.blob_shapes[i] for i in self.net.plan.inputs]
        if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] not in (1, 3):
            raise DgnamError(
                f"{self.name}: its inputs have shapes {shapes}; an encoder takes one, (N, 3 or 1, height, width), as a "
                "deploy prototxt has it"
            )
        return shapes[0][1], shapes[0][2], shapes[0][3]


def act_range(
    images: str,
    *,
    encoder: str | PathLike[str] | Target | ResolvedTarget | CaffeModule | Mapping[str, Any] = "caffenet-mini",
    weights: StrPath | None = None,
    layer: str | None = None,
    k: float = 3.0,
    root: StrPath | None = None,
    listing: str | None = None,
    data: StrPath | None = None,
    resize: str = STRETCH,
    size: str | None = None,
    mean: str | None = None,
    scale: float = 1.0,
    channels: str = "BGR",
    limit: int | None = None,
    skip_broken: bool = False,
    batch_size: int = 64,
    device: str = "cpu",
    integers: bool = False,
    folder: StrPath | None = None,
    output: StrPath | None = "runs",
    name: str | None = None,
    executor: str | Executor = LOCAL,
    resume: bool = False,
    progress: bool = True,
) -> ActRange:
    """Measure the mean and deviation of each code neuron over pictures, and write the bounds as text and HDF5.

    images, root, listing, data: the pictures; see `open_dataset`.
    encoder, weights: whatever `open_target` takes; a prototxt's net may have one channel, and weights may replace a
        model's.
    layer: whose values are the codes; the one that the zoo's generators for this encoder invert where None.
    k: the bound is the mean and this many standard deviations.
    resize, size, mean, scale, channels: the preprocessing; see `dgnam.data.preprocessing`.  None takes the zoo's; else
        the size that the encoder takes, and 104 of blue, 117 of green and 123 of red.  A target that isn't a prototxt
        has its own mean, scale and channels.
    limit: the most pictures to take, beginning with the first.
    integers: round the text's numbers as the published ones are.
    Everything else is as in `visualize`.
    """
    given = dict(locals())
    check_types(act_range, given)
    maker, planned = open_executor(executor), _planned(given)
    code, prepare, dataset, chosen = planned.layer, planned.prepare, planned.dataset, planned.encoder
    usual = f"act-range-{chosen.name}-{code}"
    output = None if folder is not None else output
    run = begin(planned.record, folder=folder, output=output, name=usual if name is None else name, resume=resume)
    if run is None:
        raise DgnamError("give a folder, or an output for a folder of its own")
    measurement = planned.measurement()
    there = partial(blocks_of, call_of(given, planned.record), planned.record)
    shared = SharedBlocks(run, maker, measurement, planned.maker(), there, planned.device)
    with maker, defer_interrupt() as stop, at_work(run, taken(dataset, limit), "pictures", maker.name):
        how: dict[str, Any] = {"block": BLOCK, "desc": "measuring codes", "progress": progress}
        stream(run, measurement, dataset, limit, stop=stop, shared=shared, **how)
        found = measurement.statistics(dataset.name)
        if not np.isfinite(found.bounds(k)).all():
            raise DgnamError(f"{chosen.name}: mean + {k:g} standard deviations of layer '{code}' is not finite")
        stem = f"act_range_{k:g}x_{code.replace('/', '_')}"
        facts = {"encoder": chosen.name, "layer": code, "source": images}
        facts |= {"batch_size": str(batch_size), "device": planned.device}
        facts["preprocessing"] = json.dumps(prepare.describe())
        text, hdf5 = act_range_files(found, k, facts, integers=integers)
        files = run.write_text(f"{stem}.txt", text), run.write_bytes(f"{stem}.h5", hdf5)
    if stop:
        raise stop.interrupted("stopped; all pictures are measured", run.path)
    return ActRange(files, found, _lines(found, k, code, prepare), run.path)


def blocks_of(given: Mapping[str, Any], record: Record) -> BlockMaker:
    """In a worker: what measures the blocks of the run that `act_range` records for these arguments."""
    planned = _planned(given)
    same_here(record, planned.record)
    return planned.maker()


@dataclass(frozen=True, eq=False)
class _Planned:
    """What `act_range` does, from its arguments."""

    record: Record
    encoder: _Encoder
    layer: str
    prepare: Preprocessing
    dataset: Dataset
    limit: int | None
    batch_size: int
    skip_broken: bool
    device: str

    def measurement(self) -> CodeMeasurement:
        """A new one of no pictures."""
        net = self.encoder.net.to(self.device) if isinstance(self.encoder.net, CaffeModule) else self.encoder.net
        how: dict[str, Any] = {"batch_size": self.batch_size, "skip_broken": self.skip_broken, "device": self.device}
        return CodeMeasurement(net, self.layer, self.prepare, **how)

    def maker(self) -> BlockMaker:
        """What measures the blocks."""
        blocks = split_blocks(taken(self.dataset, self.limit), BLOCK, self.batch_size)
        return BlockMaker(self.measurement(), self.dataset, blocks)


def _planned(given: Mapping[str, Any]) -> _Planned:
    """What `act_range` does with its keyword arguments; an impossible request is a DgnamError here."""
    limit, batch_size, k, skip_broken = given["limit"], given["batch_size"], given["k"], given["skip_broken"]
    for what, number in (("limit", limit), ("batch_size", batch_size)):
        if number is not None and not 1 <= number <= MOST:
            raise DgnamError(f"{what} {number}: give 1 or more, at most {MOST}")
    if not 0 <= k <= MOST_DEVIATIONS:
        raise DgnamError(f"k {k:g}: give a number of standard deviations, 0 to {MOST_DEVIATIONS:g}")
    place, chosen = usable_device(given["device"]), _encoder(given["encoder"], given["weights"])
    code = _layer(given["layer"], chosen)
    dataset = open_dataset(given["images"], root=given["root"], listing=given["listing"], folder=given["data"])
    if isinstance(chosen.net, CaffeModule):
        chosen.net.plan.layer_index(code)
        known = caffe_layers(chosen.net.plan).get(code)
        if known is not None and known.fault is not None:
            raise DgnamError(known.fault)
    else:
        chosen.net.layer_shape(code)
    prepare = _preprocessing(chosen, *(given[name] for name in ("resize", "size", "mean", "scale", "channels")))
    inputs = {
        "encoder": {"name": chosen.name, **chosen.record},
        "layer": code,
        "images": images_record(dataset, limit, skip_broken),
        "preprocessing": prepare.describe(),
        "batch_size": batch_size,
        "device": place,
    }
    record = Record("act_range", spec_of(given), inputs, environment())
    return _Planned(record, chosen, code, prepare, dataset, limit, batch_size, skip_broken, place)


def _encoder(given: object, weights: StrPath | None) -> _Encoder:
    """The encoder that is given or named.  Prototxts and models are nets as they are; all else is a target."""
    if is_prototxt(given):
        if weights is None:
            raise DgnamError(f"{given} needs its weights: give a .caffemodel, .h5 or .pt file")
        return _from_files(Path(str(given)).name, Path(str(given)), Path(weights))
    if not isinstance(given, str | PathLike) or any(mark in str(given) for mark in ":,"):
        opened = open_target(given, weights=weights)
        return _Encoder(opened.name, opened.target, opened.record)
    entry = zoo.get(str(given))
    if entry.generator is not None:
        raise DgnamError(
            f"'{entry.name}' is a generator: measure its encoder '{entry.generator.encoder}' at layer "
            f"'{entry.generator.layer}'"
        )
    return _from_files(entry.name, entry.prototxt, entry.weights_path() if weights is None else Path(weights), entry)


def _from_files(name: str, prototxt: Path, weights: Path, entry: zoo.ModelEntry | None = None) -> _Encoder:
    net = zoo.load_net(prototxt, weights, f"'{name}'")
    return _Encoder(name, net, {"files": file_checksums(prototxt, weights)}, entry)


def _layer(layer: str | None, chosen: _Encoder) -> str:
    if layer is not None:
        return layer
    for entry in zoo.list_models():
        if chosen.entry is not None and entry.generator is not None and entry.generator.encoder == chosen.name:
            return entry.generator.layer
    raise DgnamError(
        f"no generator of the zoo inverts '{chosen.name}', so there is no default layer: give --layer, one of "
        f"{closest('fc6', chosen.layers(), limit=20)}"
    )


def _preprocessing(
    chosen: _Encoder, resize: str, size: str | None, mean: str | None, scale: float, channels: str
) -> Preprocessing:
    count, *crop = chosen.input_shape()
    if not isinstance(chosen.net, CaffeModule) and (mean is not None or scale != 1 or channels != "BGR"):
        raise DgnamError(f"encoder '{chosen.name}' is not a prototxt: leave mean, scale and channels out")
    usual = None if chosen.entry is None else chosen.entry.preprocessing
    before = (crop[0], crop[1]) if usual is None else usual.resize
    if mean is not None:
        values = read_mean(mean)
    else:
        bgr = usual.mean if usual is not None else MEAN_BGR if count == 3 else (0,)
        values = np.array(bgr if channels == "BGR" else bgr[::-1], np.float32)
    if len(values) != count:
        raise DgnamError(f"the mean has {len(values)} channels, and the net's input {count}")
    whole = before if size is None else read_size(size)
    return Preprocessing((crop[0], crop[1]), whole, values, scale, resize, channels)


def _lines(found: CodeStatistics, k: float, layer: str, prepare: Preprocessing) -> list[str]:
    bounds = found.bounds(k)
    lines = [
        f"{layer}: {bounds.size:,} neurons over {found.count:,} pictures; mean + {k:g} standard deviations is "
        f"{bounds.min():.4g} to {bounds.max():.4g}, on average {bounds.mean():.4g}",
        f"pictures: {prepare}",
    ]
    dead = int(np.count_nonzero((found.mean == 0) & (found.std == 0)))
    if dead:
        lines.append(f"neurons that are 0 for every picture, as is their bound: {dead:,}")
    if found.lowest < 0:
        lines.append(f"some codes are negative ({found.lowest:.4g}), so no in-place ReLU follows '{layer}'")
    return [*lines, *skipped_lines(found.skipped, found.reasons)]

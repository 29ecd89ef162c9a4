"""`dgnam act-range`: from the names of an encoder and of a source of pictures to the two files of an act_range."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..caffe.mode import usable_device
from ..caffe.modules.caffe_module import CaffeModule
from ..caffe.proto import read_net
from ..data.image_set import MEAN_BGR
from ..data.network_input import STRAIGHT, NetworkInput, Size, read_mean
from ..data.pictures import open_pictures
from ..errors import DgnamError, closest
from ..measure.act_range import CodeStatistics, measure_codes, output_paths, save_act_range
from ..runs.folder import sha256
from ..zoo import registry as zoo


@dataclass(frozen=True)
class ActRangeRequest:
    """What is to be measured, each field an option of the command.

    encoder: a model of the zoo, or the path of a deploy prototxt.
    weights: the prototxt's weights; with a model of the zoo, other ones than its own.
    layer: None takes the layer that the zoo's generators for this encoder invert.
    images, root, listing, data: the pictures; see `dgnam.data.pictures.open_pictures`.
    size, mean, scale, resize: the preprocessing; see `dgnam.data.network_input`.  None takes the zoo's; with a prototxt
        the size that it takes, 104, 117, 123 and 1.
    output: the files without .txt and .h5; None takes a name as published, such as act_range_3x_fc6.
    """

    encoder: str
    images: str
    weights: Path | None = None
    layer: str | None = None
    k: float = 3.0
    root: Path | None = None
    listing: str | None = None
    data: Path | None = None
    size: Size | None = None
    mean: str | None = None
    scale: float = 1.0
    resize: str = STRAIGHT
    batch_size: int = 64
    limit: int | None = None
    skip_broken: bool = False
    device: str = "cpu"
    output: Path | None = None
    integers: bool = False
    force: bool = False
    progress: bool = True


@dataclass(frozen=True)
class ActRangeOutcome:
    """The two files, what was measured, and what to tell the user."""

    files: tuple[Path, Path]
    found: CodeStatistics
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Encoder:
    """An encoder that was named: its files, and what the zoo knows of it."""

    name: str
    prototxt: Path
    weights: Path
    entry: zoo.ModelEntry | None


def run(request: ActRangeRequest) -> ActRangeOutcome:
    """Measure, and write both files; whatever is wrong is an error before the first picture is read, where possible."""
    if not (math.isfinite(request.k) and request.k >= 0):
        raise DgnamError(f"k {request.k:g}: give a number of standard deviations, 0 or more")
    device = usable_device(request.device)
    chosen = _encoder(request)
    layer = _layer(request, chosen)
    name = f"act_range_{request.k:g}x_{layer.replace('/', '_')}"
    output = request.output if request.output is not None else Path(name)
    output_paths(output, force=request.force)
    pictures = open_pictures(request.images, root=request.root, listing=request.listing, sets=request.data)
    module = zoo.load_net(chosen.prototxt, chosen.weights, f"'{chosen.name}'")
    module.plan.layer_index(layer)
    prepare = _network_input(request, chosen, module)
    found = measure_codes(
        module.to(device),
        layer,
        pictures,
        prepare,
        batch_size=request.batch_size,
        limit=request.limit,
        skip_broken=request.skip_broken,
        progress=request.progress,
    )
    provenance = _provenance(request, chosen, layer, prepare)
    files = save_act_range(output, found, request.k, provenance, integers=request.integers, force=request.force)
    return ActRangeOutcome(files, found, _lines(found, request, layer, prepare))


def _encoder(request: ActRangeRequest) -> _Encoder:
    prototxt = Path(request.encoder)
    if prototxt.suffix == ".prototxt" or prototxt.is_file():
        if request.weights is None:
            raise DgnamError(f"{prototxt} needs its weights: give --weights with a .caffemodel or .h5 file")
        return _Encoder(request.encoder, prototxt, request.weights, None)
    entry = zoo.get(request.encoder)
    if entry.generator is not None:
        raise DgnamError(
            f"'{entry.name}' is a generator: measure its encoder '{entry.generator.encoder}' at layer "
            f"'{entry.generator.layer}'"
        )
    weights = entry.weights_path() if request.weights is None else request.weights
    return _Encoder(entry.name, entry.prototxt, weights, entry)


def _layer(request: ActRangeRequest, chosen: _Encoder) -> str:
    if request.layer is not None:
        return request.layer
    for entry in zoo.list_models():
        if chosen.entry is not None and entry.generator is not None and entry.generator.encoder == chosen.name:
            return entry.generator.layer
    layers = [layer.name for layer in read_net(chosen.prototxt).layer]
    raise DgnamError(
        f"no generator of the zoo inverts '{chosen.name}', so there is no usual layer: give --layer, one of "
        f"{closest('fc6', layers, limit=20)}"
    )


def _network_input(request: ActRangeRequest, chosen: _Encoder, module: CaffeModule) -> NetworkInput:
    shapes = [module.plan.blob_shapes[i] for i in module.plan.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] not in (1, 3):
        raise DgnamError(
            f"{chosen.prototxt}: its inputs have shapes {shapes}; an encoder takes one, (N, 3 or 1, height, width), as "
            "a deploy prototxt has it"
        )
    channels, *crop = shapes[0][1:]
    usual = None if chosen.entry is None else chosen.entry.preprocessing
    size = (crop[0], crop[1]) if usual is None else usual.resize
    if request.mean is not None:
        mean = read_mean(request.mean)
    else:
        mean = np.array(usual.mean if usual is not None else MEAN_BGR if channels == 3 else (0,), np.float32)
    if len(mean) != channels:
        raise DgnamError(f"the mean has {len(mean)} channels, and the net's input {channels}")
    size = size if request.size is None else request.size
    return NetworkInput((crop[0], crop[1]), size, mean, request.scale, request.resize)


def _provenance(request: ActRangeRequest, chosen: _Encoder, layer: str, prepare: NetworkInput) -> dict[str, Any]:
    """What the numbers came from; no time, so that the same run gives the same bytes."""
    facts = {
        "dgnam": __version__,
        "torch": str(torch.__version__),
        "encoder": chosen.name,
        "encoder_prototxt_sha256": sha256(chosen.prototxt),
        "encoder_weights_sha256": sha256(chosen.weights),
        "layer": layer,
        "source": request.images,
        "preprocessing": json.dumps(prepare.describe()),
        "batch_size": request.batch_size,
        "device": request.device,
    }
    chosen_too = {"listing": request.listing, "root": request.root, "limit": request.limit}
    return facts | {
        key: value if isinstance(value, int) else str(value) for key, value in chosen_too.items() if value is not None
    }


def _lines(found: CodeStatistics, request: ActRangeRequest, layer: str, prepare: NetworkInput) -> tuple[str, ...]:
    bounds = found.bounds(request.k)
    lines = [
        f"{layer}: {bounds.size:,} neurons over {found.count:,} pictures; mean + {request.k:g} standard deviations is "
        f"{bounds.min():.4g} to {bounds.max():.4g}, on average {bounds.mean():.4g}",
        f"pictures: {prepare}",
    ]
    dead = int(np.count_nonzero((found.mean == 0) & (found.std == 0)))
    if dead:
        lines.append(f"neurons that are 0 for each picture, and so is their bound: {dead:,}")
    if found.lowest < 0:
        lines.append(f"some codes are negative ({found.lowest:.4g}), so no ReLU follows '{layer}' in place")
    if found.skipped:
        more = " …" if found.skipped > len(found.reasons) else ""
        lines.append(
            f"pictures left out, since they can't be read: {found.skipped:,}: {'; '.join(found.reasons)}{more}"
        )
    return tuple(lines)

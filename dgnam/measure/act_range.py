"""The range of each code neuron's activations over real images: what codes are clipped to (Sec. 2 of the paper).

    found = measure_codes(encoder, "fc6", open_pictures("photos"), NetworkInput((227, 227), (256, 256), mean))
    save_act_range("fc6", found, 3.0, {"encoder": "caffenet"})

A code is the layer's value as a whole forward pass leaves it, so after a ReLU in place.  The published bounds are the
mean and 3 standard deviations of each neuron over validation images, as integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from tqdm import tqdm

from ..caffe.modules.caffe_module import CaffeModule
from ..data.image_set import DataError, ImageSet, centre_crop, preprocess
from ..data.network_input import NetworkInput
from ..data.pictures import Pictures
from ..errors import DgnamError
from ..files.paths import replacing
from ..runs.interrupt import Interrupted
from .codes import Feed, PictureCodes, batches
from .moments import RunningMoments


@dataclass(frozen=True)
class CodeStatistics:
    """What was measured of the codes of many pictures.

    mean, std: of each neuron, (n,) float64; the deviation is the population's.
    shape: of one code, such as (4096,) or (384, 13, 13); n is their product, in that order.
    count: the number of pictures.
    lowest: the least value of all; where it is negative no ReLU comes after the layer.
    skipped: how many broken pictures were left out; the first few with the reason are in `reasons`.
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


def act_range(codes: Iterable[np.ndarray], sigmas: float = 3.0) -> np.ndarray:
    """The upper bound of each code neuron: mean + `sigmas` standard deviations, (n,) float32.

    codes: batches (N, n) of codes of real images, after the ReLU.
    """
    moments = RunningMoments()
    for batch in codes:
        moments.update(batch.reshape(len(batch), -1))
    return (moments.mean + sigmas * moments.std).astype(np.float32)


def codes_of(encoder: CaffeModule, blob: str, images: ImageSet, batch_size: int = 250) -> Iterator[np.ndarray]:
    """The blob `blob` of each picture's centre after the whole forward pass, in batches (N, n)."""
    size = encoder.plan.blob_shapes[encoder.plan.inputs[0]][-1]
    encoder.eval()
    for start in range(0, len(images), batch_size):
        x = preprocess(centre_crop(images.images[start : start + batch_size], size))
        with torch.no_grad():
            yield encoder(torch.from_numpy(x).to(encoder.device), keep=[blob])[blob].cpu().numpy()


def measure_codes(
    encoder: CaffeModule,
    layer: str,
    pictures: Pictures,
    prepare: NetworkInput,
    *,
    batch_size: int = 64,
    limit: int | None = None,
    skip_broken: bool = False,
    progress: bool = False,
) -> CodeStatistics:
    """Mean and deviation of the codes of `pictures`, in one pass that holds one batch and one picture at a time.

    encoder: a net with one input (N, C, H, W), 3 or 1 channels, on the device to compute on; put into eval mode.
    layer: whose first top is the code, as a whole forward pass leaves it.
    prepare: from a picture to the input.
    limit: how many pictures to take at most, from the first on.
    skip_broken: leave out, and count, pictures that can't be read; otherwise the first is a DataError.
    progress: show a bar on standard error.

    Batch sizes change no more than float32 rounding within the net, about 1e-6 of a code.  Raises DgnamError for a
    layer that the net lacks or a code that isn't finite, and Interrupted on Ctrl-C.
    """
    codes = PictureCodes(encoder.eval(), layer)
    feed = Feed(pictures, prepare, "gray" if codes.channels == 1 else "colour", skip_broken)
    moments, lowest = RunningMoments(), np.inf
    total = _least(pictures.count, limit)
    with tqdm(total=total, unit="picture", desc=f"codes of {layer}", disable=not progress) as bar:
        try:
            for names, batch in batches(iter(feed), batch_size, limit):
                rows = codes(batch, names)
                moments.update(rows)
                lowest = min(lowest, float(rows.min()))
                bar.update(len(rows))
        except KeyboardInterrupt:
            of = "" if total is None else f" of {total:,}"
            raise Interrupted(f"stopped after {moments.count:,}{of} pictures") from None
    if not moments.count:
        raise DataError(f"{pictures.source}: no picture could be read; the first: {feed.reasons[0]}")
    found = moments.mean, moments.std, codes.shape, moments.count, lowest
    return CodeStatistics(*found, feed.skipped, tuple(feed.reasons))


def save_act_range(
    path: str | Path,
    found: CodeStatistics,
    k: float,
    provenance: Mapping[str, Any],
    *,
    integers: bool = False,
    force: bool = False,
) -> tuple[Path, Path]:
    """Write `path`.txt and `path`.h5, each whole, and return both; the same input gives the same bytes.

    The text is the published format, one line with a number for each neuron: as exact as float32 is, or with `integers`
    rounded as published.  HDF5 has the datasets act_range (n,) float32, mean and std (n,) float64; the attributes k,
    images, skipped and code_shape; and `provenance` as attributes.  `zoo.read_act_range` reads both.

    force: replace files that are there, which otherwise is an error.
    """
    text_path, hdf5_path = output_paths(path, force=force)
    bounds = found.bounds(k)
    numbers = [str(int(value)) for value in np.rint(bounds)] if integers else [str(value) for value in bounds]
    attributes = {"k": k, "images": found.count, "skipped": found.skipped, "code_shape": found.shape, **provenance}
    with replacing(text_path) as text, replacing(hdf5_path) as hdf5:
        text.write_text(" ".join(numbers) + "\n", encoding="ascii")
        with h5py.File(hdf5, "w", libver="earliest") as file:
            for name, values in (("act_range", bounds), ("mean", found.mean), ("std", found.std)):
                file.create_dataset(name, data=values, track_times=False)
            file.attrs.update({key: _storable(value) for key, value in attributes.items()})
    return text_path, hdf5_path


def output_paths(path: str | Path, *, force: bool = False) -> tuple[Path, Path]:
    """What `save_act_range` would write, once it is known to be possible; `path` may end in .txt or .h5."""
    base = Path(path)
    base = base.with_suffix("") if base.suffix in (".txt", ".h5") else base
    paths = base.with_name(f"{base.name}.txt"), base.with_name(f"{base.name}.h5")
    if not base.parent.is_dir():
        raise DgnamError(f"{base}: there is no folder {base.parent} to write to")
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise DgnamError(f"{' and '.join(there)}: already there; give another --output, or --force to replace")
    return paths


def _storable(value: Any) -> Any:
    """Text as HDF5 can hold it: a path that isn't UTF-8 has its bytes spelt out."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _least(count: int | None, limit: int | None) -> int | None:
    known = [number for number in (count, limit) if number is not None]
    return min(known, default=None)

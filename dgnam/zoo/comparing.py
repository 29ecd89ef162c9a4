"""Whether files are right for a model: weights of its layers and shapes, finite, and those of its other files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..caffe.proto import read_weights
from ..errors import DgnamError, FormatError
from ..files.images import open_image
from .download import PublishedFile
from .loading import load_net
from .registry import ModelEntry
from .renamed import write_renamed

SAME = 1e-6
"""The largest max|a-b| / max|b| of a blob in two files of the same weights; in formats of float32 it is 0."""


def check_file(entry: ModelEntry, file: PublishedFile, path: Path) -> None:
    """Raise DgnamError unless what lies at `path` can be this file of the model: its weights, act_range or picture."""
    if file in entry.weights_files:
        check_weights(entry, path, file.layers)
    elif entry.known_pass is not None and file == entry.known_pass.picture:
        _check_picture(path)
    else:
        entry.read_bounds(path)


def check_weights(entry: ModelEntry, path: Path, layers: Mapping[str, str] | None = None) -> None:
    """Raise DgnamError unless a file holds finite weights of all layers of the model.

    layers: our names of the layers by the file's; None if it has ours.
    """
    if layers is None:
        _check_weights(entry, path)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_renamed(Path(folder) / "weights.caffemodel", path, layers, entry.prototxt)
        _check_weights(entry, Path(folder) / "weights.caffemodel")


def _check_picture(path: Path) -> None:
    try:
        with open_image(path) as image:
            image.load()
    except DgnamError:
        raise
    except Exception as error:  # Pillow raises what a damaged file leads it to
        raise FormatError(f"{path}: is no picture that can be read ({error})") from error


def _check_weights(entry: ModelEntry, path: Path) -> None:
    module = load_net(entry.prototxt, path, f"model '{entry.name}'")
    for layer, blobs in module.weights().items():
        if not all(np.isfinite(blob).all() for blob in blobs):
            raise DgnamError(f"{path}: layer '{layer}' has weights that are not finite")


def difference(ours: Path, theirs: Path) -> tuple[float, str]:
    """The largest max|a-b| / max|b| of a blob between two files of the same net's weights, and its layer.

    Layers that only one of them has, and blobs of different shapes, are a DgnamError; ones before the shape are not.
    """
    first, second = read_weights(ours), read_weights(theirs)
    alone = sorted(set(first) ^ set(second))
    if alone:
        has, lacks = (ours, theirs) if alone[0] in first else (theirs, ours)
        raise DgnamError(f"{has} has weights for layer '{alone[0]}', and {lacks} has none")
    found = [(_difference(first, second, layer, ours, theirs), layer) for layer in first]
    return max(found, key=lambda pair: pair[0])


def check_same(ours: Path, theirs: Path) -> float:
    """The difference of two files; a DgnamError if it is larger than `SAME`."""
    found, layer = difference(ours, theirs)
    if found > SAME:
        raise DgnamError(
            f"{ours} holds other numbers than {theirs}: in layer '{layer}' they differ by {found:.2g} of the largest"
        )
    return found


def _difference(
    first: Mapping[str, Sequence[np.ndarray]],
    second: Mapping[str, Sequence[np.ndarray]],
    layer: str,
    ours: Path,
    theirs: Path,
) -> float:
    found = 0.0
    if len(first[layer]) != len(second[layer]):
        raise DgnamError(
            f"layer '{layer}' has {len(first[layer])} blobs in {ours}, and {len(second[layer])} in {theirs}"
        )
    for a, b in zip(first[layer], second[layer], strict=True):
        if _core(a.shape) != _core(b.shape):
            raise DgnamError(f"layer '{layer}' has a blob of shape {a.shape} in {ours}, and {b.shape} in {theirs}")
        if a.size:
            largest = float(np.abs(b).max())
            found = max(found, float(np.abs(a.ravel() - b.ravel()).max()) / (largest if largest else 1.0))
    return found


def _core(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the ones before it, which old caffemodels have."""
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape

"""From pictures of one class to a start for each kind among them: mean codes, or in pixels mean pictures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..am import FourierPrior, PixelPrior
from ..am.starts import image_of
from ..am.starts.clusters import COMPONENTS, NEAREST, ClusterStart, cluster, facets
from ..caffe.modules.caffe_module import CaffeModule
from ..data.dataset import Dataset
from ..data.picture import DataError, Picture
from ..data.preprocessing import MEAN_BGR, Preprocessing
from ..measure.codes import codes_of_pictures


def cluster_start(
    encoder: CaffeModule,
    layer: str,
    pictures: Dataset,
    prepare: Preprocessing,
    k: int,
    *,
    seed: int = 0,
    components: int = COMPONENTS,
    nearest: int | None = None,
    limit: int | None = None,
    skip_broken: bool = False,
) -> ClusterStart:
    """The mean codes at `layer` of k clusters of `pictures`, and which picture fell into which.

    pictures: those of one class, as `Dataset.of_class` picks them from a labelled source.
    The codes of all of them are held at once; `limit` bounds how many.  The other options are those of
    `measure.codes_of_pictures` and `am.cluster`.
    """
    names, codes = _codes(encoder, layer, pictures, prepare, limit, skip_broken)
    record = {"source": pictures.name, "net": encoder.plan.name, "layer": layer, "preprocessing": prepare.describe()}
    return cluster(codes, names, k, seed=seed, components=components, nearest=nearest, record=record)


def mean_start(prior: PixelPrior | FourierPrior, pictures: Dataset) -> ClusterStart:
    """The mean of all `pictures`, for all seeds; they are read one after the other."""
    record = {"start": "mean picture", "source": pictures.name, "pictures": len(pictures)}
    return ClusterStart(_mean_code(prior, pictures, pictures.name), (), record)


def mean_start_of_clusters(
    prior: PixelPrior | FourierPrior,
    pictures: Dataset,
    k: int,
    encoder: CaffeModule,
    layer: str,
    prepare: Preprocessing,
    *,
    seed: int = 0,
    components: int = COMPONENTS,
    nearest: int = NEAREST,
) -> ClusterStart:
    """The mean picture of each of k clusters: of the `nearest` to its center in the codes of `encoder` at `layer`.

    Nguyen et al. 2016, who cluster CaffeNet's fc7.  The arguments are those of `cluster_start`.
    """
    names, codes = _codes(encoder, layer, pictures, prepare, None, False)
    groups = facets(codes, names, k, seed=seed, components=components)
    means = [_mean_code(prior, (pictures[int(i)] for i in group[:nearest]), pictures.name) for group in groups]
    record = {
        "start": "mean pictures of clusters",
        "source": pictures.name,
        "net": encoder.plan.name,
        "layer": layer,
        "preprocessing": prepare.describe(),
        "k": k,
        "seed": seed,
        "components": components,
        "nearest": nearest,
    }
    return ClusterStart(np.concatenate(means), tuple(tuple(names[i] for i in group) for group in groups), record)


def _codes(
    encoder: CaffeModule, layer: str, pictures: Dataset, prepare: Preprocessing, limit: int | None, skip_broken: bool
) -> tuple[list[str], np.ndarray]:
    """Names and codes of all pictures."""
    names: list[str] = []
    codes: list[np.ndarray] = []
    for some, rows in codes_of_pictures(encoder, layer, pictures, prepare, limit=limit, skip_broken=skip_broken):
        names += some
        codes.append(rows)
    if not codes:
        raise DataError(f"{pictures.name}: none of its pictures can be read")
    return names, np.concatenate(codes)


def _mean_code(prior: PixelPrior | FourierPrior, pictures: Iterable[Picture], source: str) -> np.ndarray:
    """The code (1, *code_shape) of the mean of pictures, each resized to the prior's images."""
    total, count = np.zeros((1, 3, *prior.image_size)), 0
    for picture in pictures:
        pixels = picture.read()
        if pixels.dtype != np.uint8:
            raise DataError(f"{picture.name}: has numbers of {pixels.dtype}; a mean picture is made of bytes")
        total += image_of(pixels, prior.image_size, np.array(MEAN_BGR))
        count += 1
    if not count:
        raise DataError(f"{source}: has no pictures, and so no mean picture")
    return prior.codes_of(total / count)

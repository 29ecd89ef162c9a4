"""From pictures of one class to a start for each kind among them."""

from __future__ import annotations

import numpy as np

from ..am.starts.clusters import COMPONENTS, ClusterStart, cluster
from ..caffe.modules.caffe_module import CaffeModule
from ..data.dataset import Dataset
from ..data.picture import DataError
from ..data.preprocessing import Preprocessing
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
    `measure.codes_of_pictures` and `am.facets.cluster`.
    """
    names: list[str] = []
    codes: list[np.ndarray] = []
    for some, rows in codes_of_pictures(encoder, layer, pictures, prepare, limit=limit, skip_broken=skip_broken):
        names += some
        codes.append(rows)
    if not codes:
        raise DataError(f"{pictures.name}: none of its pictures can be read")
    record = {"source": pictures.name, "net": encoder.plan.name, "layer": layer, "preprocessing": prepare.describe()}
    return cluster(np.concatenate(codes), names, k, seed=seed, components=components, nearest=nearest, record=record)

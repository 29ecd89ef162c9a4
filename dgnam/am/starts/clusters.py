"""Facets of a neuron: a start for each kind of picture that activates it.

The pictures of a class fall into kinds, such as a pile of peppers and sliced peppers; an ascent from the mean code of
one kind tends to stay with it.  After A. Nguyen, J. Yosinski, J. Clune: Multifaceted feature visualization. ICML
workshop 2016.  They run k-means in a t-SNE map of 50 principal components of the codes, and start from the mean of the
15 pictures nearest to a center.  Here k-means runs on the principal components, without t-SNE; in a generator's code
space the start is a mean of codes, in pixels it is the mean picture.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import DgnamError

COMPONENTS = 50
"""Number of principal components clustered in the source."""

NEAREST = 15
"""Number of pictures averaged in the source, those nearest to a cluster's center."""

_TRIES = 10
"""Runs of k-means; the tightest is kept."""


@dataclass(frozen=True, eq=False)
class ClusterStart:
    """The mean codes of clusters of pictures, or the codes of their mean pictures; seed s takes cluster s mod k.

    means: (k, *code_shape) float32, the largest cluster first.
    members: names of each cluster's pictures, the nearest to its center first.
    record: what else determined them, for a run's record.
    """

    means: np.ndarray
    members: tuple[tuple[str, ...], ...]
    record: Mapping[str, Any] = field(default_factory=dict)

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        if self.means.shape[1:] != shape:
            raise DgnamError(f"the pictures' codes have shape {self.means.shape[1:]}, and the prior's are {shape}")
        return self.means[[seed % len(self.means) for seed in seeds]]

    def as_dict(self) -> dict[str, Any]:
        digest = hashlib.sha256(np.ascontiguousarray(self.means).tobytes()).hexdigest()
        clusters = [list(names) for names in self.members]
        return {"start": "clusters", **self.record, "clusters": clusters, "codes_sha256": digest}


def cluster(
    codes: np.ndarray,
    names: Sequence[str],
    k: int,
    *,
    seed: int = 0,
    components: int = COMPONENTS,
    nearest: int | None = None,
    record: Mapping[str, Any] | None = None,
) -> ClusterStart:
    """Partition codes (n, *code_shape) of pictures with these names into k clusters.

    seed: of k-means; the same codes and seed give the same clusters.
    components: number of principal components to cluster.
    nearest: number of codes nearest to a cluster's center to average; None averages all.
    record: where the pictures came from, for `as_dict`.
    """
    if nearest is not None and nearest < 1:
        raise DgnamError(f"nearest {nearest} must be at least 1")
    groups = facets(codes, names, k, seed=seed, components=components)
    rows = np.asarray(codes, np.float64).reshape(len(codes), -1)
    means = [rows[group[:nearest]].mean(0) for group in groups]
    settings = {"k": k, "seed": seed, "components": components, "nearest": nearest}
    return ClusterStart(
        np.stack(means).astype(np.float32).reshape(k, *codes.shape[1:]),
        tuple(tuple(names[i] for i in group) for group in groups),
        {**({} if record is None else record), **settings},
    )


def facets(
    codes: np.ndarray, names: Sequence[str], k: int, *, seed: int = 0, components: int = COMPONENTS
) -> list[np.ndarray]:
    """The places of the pictures of each of k clusters, the largest first, and the nearest to its center first in each.

    The arguments are those of `cluster`.
    """
    if len(codes) != len(names):
        raise DgnamError(f"{len(codes)} codes and {len(names)} names: each picture has one of each")
    if not 1 <= k <= len(codes):
        raise DgnamError(f"{len(codes)} pictures cannot be partitioned into {k} clusters; choose 1 to {len(codes)}")
    if components < 1:
        raise DgnamError(f"components {components} must be at least 1")
    rows = np.asarray(codes, np.float64).reshape(len(codes), -1)
    if not np.isfinite(rows).all():
        raise DgnamError(f"the code of {names[int(np.flatnonzero(~np.isfinite(rows).all(1))[0])]} is not finite")
    distinct = len(np.unique(rows, axis=0))
    if distinct < k:
        raise DgnamError(f"the pictures have {distinct} different codes, too few for {k} clusters")
    points = _principal(rows, components)
    places = _kmeans(points, k, seed)
    groups = [_by_distance(points, np.flatnonzero(places == place)) for place in np.unique(places)]
    if len(groups) < k:
        raise DgnamError(f"the pictures' codes fall into {len(groups)} clusters, and not {k}; choose k {len(groups)}")
    groups.sort(key=lambda group: (-len(group), int(group.min())))
    return groups


def _principal(rows: np.ndarray, components: int) -> np.ndarray:
    """(n, components or fewer): projections of the rows on their first principal axes."""
    centered = rows - rows.mean(0)
    left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    return np.asarray((left * sizes)[:, :components])


def _kmeans(points: np.ndarray, k: int, seed: int) -> np.ndarray:
    """(n,): cluster of each point, from the tightest of several runs without empty clusters."""
    from scipy.cluster.vq import kmeans2  # here, so that training does without scipy

    draw = np.random.default_rng(seed)
    runs = []
    for _ in range(_TRIES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of empty clusters; `min` below puts such runs last
            centers, places = kmeans2(points, _spread_out(points, k, draw), iter=50, minit="matrix")
        empty = k - len(np.unique(places))
        runs.append((empty, float(((points - centers[places]) ** 2).sum()), places))
    return min(runs, key=lambda run: run[:2])[2]


def _spread_out(points: np.ndarray, k: int, draw: np.random.Generator) -> np.ndarray:
    """(k, components): initial centers, each drawn with a probability that grows with its distance from those before.

    (k-means++: D. Arthur, S. Vassilvitskii, SODA 2007.)
    """
    chosen = [int(draw.integers(len(points)))]
    while len(chosen) < k:
        distances = np.min([((points - points[i]) ** 2).sum(1) for i in chosen], axis=0)
        total = distances.sum()
        even = np.full(len(points), 1 / len(points))
        chosen.append(int(draw.choice(len(points), p=distances / total if total > 0 else even)))
    return points[chosen]


def _by_distance(points: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Members of a cluster, the nearest to its center first."""
    distances = ((points[group] - points[group].mean(0)) ** 2).sum(1)
    return group[np.argsort(distances, kind="stable")]

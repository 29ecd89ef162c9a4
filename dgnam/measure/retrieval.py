"""Is a unit's picture found by its own regions of real pictures, among those of other units?"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import features, same_length, same_width, unit_rows


def retrieval_ranks(queries: Any, gallery: Any) -> np.ndarray:
    """The rank (U,) int of each query's own entry among all by cosine similarity, 1 the first; chance is (U + 1) / 2.

    queries: features (U, d), such as of each unit's synthesized picture.
    gallery: features (U, d), entry i of the same unit, such as the mean over its segmented regions.
    An equally similar entry counts as before the own one.
    """
    asked, found = features(queries, "queries"), features(gallery, "gallery")
    same_width(queries=asked, gallery=found)
    same_length(queries=asked, gallery=found)
    cosines = unit_rows(asked, "queries") @ unit_rows(found, "gallery").T
    return np.asarray((cosines >= np.diag(cosines)[:, None]).sum(1))

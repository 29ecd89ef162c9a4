"""How far pictures are from real ones: KID, the Fréchet distance, density and coverage (M2, M3).

In the features of judge-mini, and KID once more in those of a network that was taught scenes.  The real pictures are
the held-out ones of all classes, whose features are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dgnam.measure import density_and_coverage, floor_of_real, frechet_distance, mean_kernel, mmd2

from .judging import Judging
from .reference import FEATURES, OTHER_FEATURES, reference

FEWEST = 1000
"""Pictures of a set below which a Fréchet distance says more of their number than of them."""

BALL = 5
"""A real picture's ball reaches to its so manieth neighbor."""

REAL = "real pictures"


def plausibility(context: Judging, steps: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """For each step with two or more images (N, 3, h, w): its distances from real pictures.

    "kid" and "kid_scenes" in the two networks' features; "density" and "coverage" among as many real pictures, at least
    six; and "frechet" of 1,000 or more.
    Beside the steps stands "real pictures": the same of so many real pictures from others, as many as the fewest have.
    """
    several = {step: images for step, images in steps.items() if len(images) > 1}
    if not several:
        return {}
    real = {name: reference(f"features, {name}") for name in (FEATURES, OTHER_FEATURES)}
    within = {name: mean_kernel(rows) for name, rows in real.items()}
    found = {
        step: _of({name: context.features(images, of=name) for name in real}, real, within)
        for step, images in several.items()
    }
    return {**found, REAL: _floor(real, min(map(len, several.values())))}


def _of(
    ours: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray], within: Mapping[str, float]
) -> dict[str, float]:
    fidelity = density_and_coverage(_as_many(real[FEATURES], max(len(ours[FEATURES]), BALL + 1)), ours[FEATURES], BALL)
    values = {
        "kid": mmd2(ours[FEATURES], real[FEATURES], second_kernel=within[FEATURES]),
        "kid_scenes": mmd2(ours[OTHER_FEATURES], real[OTHER_FEATURES], second_kernel=within[OTHER_FEATURES]),
        "density": fidelity.density,
        "coverage": fidelity.coverage,
    }
    if len(ours[FEATURES]) >= FEWEST:
        values["frechet"] = frechet_distance(ours[FEATURES], _as_many(real[FEATURES], len(ours[FEATURES])))
    return values


def _as_many(real: np.ndarray, count: int) -> np.ndarray:
    """So many of the real pictures, evenly spread."""
    return real[np.linspace(0, len(real) - 1, count).round().astype(int)]


def _floor(real: Mapping[str, np.ndarray], count: int) -> dict[str, float]:
    """What the distances come to between real pictures."""
    half = min(count, len(real[FEATURES]) // 2)
    values = {
        "kid": floor_of_real(mmd2, real[FEATURES], half).mean(),
        "kid_scenes": floor_of_real(mmd2, real[OTHER_FEATURES], half).mean(),
    }
    if half >= FEWEST:
        values["frechet"] = floor_of_real(frechet_distance, real[FEATURES], half).mean()
    return {name: float(value) for name, value in values.items()}

"""Choose what codes are clipped to: by name, by a file of an act_range, or as bounds."""

from __future__ import annotations

import warnings
from os import PathLike, fspath
from pathlib import Path

from ..am import CLIPS, Bounds, act_range_bounds, clip_by_name
from ..errors import ArgumentError, DgnamError, closest
from .priors import ResolvedPrior

OWN = "own"
"""The prior's act_range where it has one, or a pixel preset's bounds, or none."""


def choose_clip(clip: object, prior: ResolvedPrior) -> Bounds | None:
    """The bounds of codes; None leaves them free.

    clip: "own"; "act_range", "unit" or "none"; the path of an act_range file, .txt or .h5; or `Bounds`.
    """
    if isinstance(clip, Bounds):
        return clip
    if not isinstance(clip, str | PathLike):
        raise ArgumentError(f"clip {clip!r}: give Bounds, an act_range file, or one of {OWN}, {', '.join(CLIPS)}")
    text = fspath(clip)
    if text == OWN:
        return prior.clip if prior.act_range is None else act_range_bounds(prior.act_range)
    if text in CLIPS:
        return clip_by_name(text, prior.act_range)
    if Path(text).suffix in (".txt", ".h5", ".hdf5") or Path(text).is_file():
        return act_range_bounds(text)
    raise DgnamError(f"clip '{text}': give an act_range file, or one of {closest(text, [OWN, *CLIPS])}")


def warn_unclipped(clip: object, bounds: Bounds | None, prior: ResolvedPrior) -> None:
    """Warn that the codes of a generator are free (bounds is None), where nobody asked for that by `clip`."""
    if bounds is None and clip == OWN and prior.settings is None:
        warnings.warn(
            f"no act_range of prior '{prior.name}' is known, so its codes are not clipped: --clip FILE takes one that "
            "dgnam act-range has measured, --clip unit keeps codes to [-1, 1], and --clip none says that they are free",
            stacklevel=3,
        )

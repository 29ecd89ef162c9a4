"""Choose what codes are clipped to: by name, by a file of an act_range, or as bounds."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from .. import zoo
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
        return act_range_bounds(zoo.read_act_range(text))
    raise DgnamError(f"clip '{text}': give an act_range file, or one of {closest(text, [OWN, *CLIPS])}")

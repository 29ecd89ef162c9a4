"""From what is known of images to what clips need: a prior, settings, bounds and a start for all frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..am import (
    Bounds,
    ClipPrior,
    ClipTarget,
    CompositeRegularizer,
    EachFrame,
    EachFrameStart,
    Settings,
    Smoothness,
    Start,
)
from ..errors import ArgumentError, DgnamError
from .priors import ResolvedPrior


def for_clips(
    prior: ResolvedPrior,
    target: ClipTarget,
    *,
    settings: Sequence[Settings],
    clip: Bounds | None,
    start: Start,
    smoothness: float | None,
) -> tuple[ResolvedPrior, dict[str, Any]]:
    """A prior of clips in place of one of images, and its settings, clip and start by these names.

    smoothness: the weight of the penalty on differences between neighboring frames' codes; None for none.
    """
    clips = ClipPrior(prior.prior, target.frames, target.frame_size)
    made = {
        "settings": _settings(settings, smoothness),
        "clip": _bounds(clip, prior, target),
        "start": _start(start, clips),
    }
    return replace(prior, prior=clips, act_range=None, files=None, opened=None), made


def check_no_clips(smoothness: float | None) -> None:
    """Raise ArgumentError for what only clips have."""
    if smoothness is not None:
        raise ArgumentError(
            "smoothness is between the frames of a clip, and the target sees single images: leave it out"
        )


def _settings(settings: Sequence[Settings], smoothness: float | None) -> list[Settings]:
    """The settings with their regularizers acting on each frame, and a penalty on differences between neighbors.

    A transform, which moves a whole image, is an error.
    """
    for one in settings:
        if one.transform is not None:
            raise DgnamError(f"{one.transform} transforms single images, and the target sees clips; give another prior")
    return [replace(one, regularizer=_over_frames(one, smoothness)) for one in settings]


def _bounds(bounds: Bounds | None, prior: ResolvedPrior, target: ClipTarget) -> Bounds | None:
    """Bounds of a prior's codes for each frame; `prior` is that of images."""
    if bounds is None:
        return None
    inner = bounds.shaped(prior.prior.code_shape)
    ends = (
        np.stack([end] * target.frames) if isinstance(end, np.ndarray) else end for end in (inner.lower, inner.upper)
    )
    return Bounds(*ends)


def _start(start: Start, prior: ClipPrior) -> Start:
    """A start for clips: one that gives codes of clips as it is, else the same for each frame of a clip."""
    try:
        start.codes([0], prior.code_shape)
    except DgnamError:
        return EachFrameStart(start)
    return start


def _over_frames(settings: Settings, smoothness: float | None) -> EachFrame | CompositeRegularizer:
    each = EachFrame(settings.regularizer)
    return each if smoothness is None else CompositeRegularizer((each, Smoothness(smoothness)))

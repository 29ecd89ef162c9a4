"""The options of a clip layer, from the JSON of its param_str."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import DgnamError, FormatError, closest, shortened
from .clips import ClipOptions
from .preprocessing import MEAN_BGR

_MOST_CLIPS = 10_000


@dataclass(frozen=True)
class ClipText:
    """The options in a param_str.

    source: the stills, as `open_dataset` takes them.
    clips: the number of clips in a batch.
    resize: (height, width) of the stills before clips are made; None takes them as they are.
    mirror: whether clips are flipped left to right at random.
    mean: B, G, R, subtracted from frames, and the color beyond a still's sides.
    options: how the clips are made.
    """

    source: str
    clips: int
    resize: tuple[int, int] | None
    mirror: bool
    mean: tuple[float, float, float]
    options: ClipOptions


def _whole(value: Any) -> bool:
    return type(value) is int


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_whole(n) and 0 < n <= 65536 for n in value)


def _is_color(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(n) in (int, float) and 0 <= n <= 255 for n in value)


_TEXT = (lambda value: isinstance(value, str) and value != "", "a text")
_WHOLE = (_whole, "a whole number")
_KNOWN: dict[str, tuple[Callable[[Any], bool], str]] = {
    "source": _TEXT,
    "window": _WHOLE,
    "label": _TEXT,
    "clips": (lambda value: _whole(value) and 1 <= value <= _MOST_CLIPS, f"a whole number of 1 to {_MOST_CLIPS}"),
    "frames": _WHOLE,
    "paths": _WHOLE,
    "overhang": _WHOLE,
    "resize": (_is_size, "[height, width]"),
    "mirror": (lambda value: isinstance(value, bool), "true or false"),
    "mean": (_is_color, "three numbers of 0 to 255, blue, green and red"),
}
_NEEDED = ("source", "window", "label")


def read_clip_text(text: str) -> ClipText:
    """The options in `text`: JSON with source, window and label.

    Optional are clips (12), frames (16), paths (1), overhang (16), resize, mirror (false) and mean, [B, G, R].
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"param_str '{shortened(text)}' is not JSON ({shortened(str(error))})") from None
    if not isinstance(given, dict):
        raise FormatError(f"param_str '{shortened(text)}' has no options by name, such as {{\"source\": …}}")
    for name, value in given.items():
        if name not in _KNOWN:
            raise FormatError(
                f"param_str has no option '{shortened(name)}'; there are {closest(name, _KNOWN, limit=20)}"
            )
        fits, wanted = _KNOWN[name]
        if not fits(value):
            raise FormatError(f"param_str: {name} is {shortened(str(value))}; give {wanted}")
    lacking = [name for name in _NEEDED if name not in given]
    if lacking:
        raise FormatError(f"param_str lacks {', '.join(lacking)}")
    if given.get("mirror", False) and given["label"] == "motion":
        raise FormatError("param_str has mirror with the label motion, which a mirrored clip has the other way round")
    blue, green, red = given.get("mean", MEAN_BGR)
    numbers = {name: given[name] for name in ("window", "frames", "paths", "overhang") if name in given}
    try:
        options = ClipOptions(label=given["label"], fill=(round(red), round(green), round(blue)), **numbers)
    except DgnamError as error:
        raise FormatError(f"param_str: {error}") from None
    size = tuple(given["resize"]) if "resize" in given else None
    mean = (float(blue), float(green), float(red))
    return ClipText(given["source"], given.get("clips", 12), size, given.get("mirror", False), mean, options)

"""The options of a clip layer, from the JSON of its param_str."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import DgnamError, FormatError
from .clips import ClipOptions
from .param_str import COLOR, FLAG, TEXT, WHOLE, Kind, is_whole, read_param_str, whole_between
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


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(is_whole(n) and 0 < n <= 65536 for n in value)


_KNOWN: dict[str, Kind] = {
    "source": TEXT,
    "window": WHOLE,
    "label": TEXT,
    "clips": whole_between(1, _MOST_CLIPS),
    "frames": WHOLE,
    "paths": WHOLE,
    "overhang": WHOLE,
    "resize": (_is_size, "[height, width]"),
    "mirror": FLAG,
    "mean": COLOR,
}
_NEEDED = ("source", "window", "label")


def read_clip_text(text: str) -> ClipText:
    """The options in `text`: JSON with source, window and label.

    Optional are clips (12), frames (16), paths (1), overhang (16), resize, mirror (false) and mean, [B, G, R].
    """
    given = read_param_str(text, _KNOWN, _NEEDED)
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

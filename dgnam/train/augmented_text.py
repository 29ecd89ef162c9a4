"""The options of an AugmentedData layer, from the JSON of its param_str."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..data.param_str import COLOR, FLAG, NUMBER, TEXT, Kind, read_param_str, whole_between
from ..data.preprocessing import MEAN_BGR
from ..errors import DgnamError, FormatError, shortened
from .augmentation import Augmentation

_RANGES = tuple(field.name for field in fields(Augmentation))
_SIZE = whole_between(1, 65536)
_KNOWN: dict[str, Kind] = {
    "source": TEXT,
    "batch_size": _SIZE,
    "crop_size": _SIZE,
    "mirror": FLAG,
    "mean": COLOR,
    **dict.fromkeys(_RANGES, NUMBER),
}
_NEEDED = ("source", "batch_size", "crop_size")


@dataclass(frozen=True)
class AugmentedText:
    """The options in a param_str.

    source: the pictures, as `open_dataset` takes them.
    mirror: whether pictures are flipped left to right at random.
    mean: B, G, R, subtracted.
    """

    source: str
    batch_size: int
    crop_size: int
    mirror: bool
    mean: tuple[float, float, float]
    augmentation: Augmentation


def read_augmented_text(text: str) -> AugmentedText:
    """The options in `text`: JSON with source, batch_size and crop_size.

    Optional are mirror (true), mean ([104, 117, 123]) and the ranges of `Augmentation`.
    """
    given = read_param_str(text, _KNOWN, _NEEDED)
    try:
        augmentation = Augmentation(**{name: given[name] for name in _RANGES if name in given})
    except DgnamError as error:
        raise FormatError(f"param_str: {shortened(str(error))}") from None
    blue, green, red = given.get("mean", MEAN_BGR)
    mean = (float(blue), float(green), float(red))
    sizes = given["batch_size"], given["crop_size"]
    return AugmentedText(given["source"], *sizes, given.get("mirror", True), mean, augmentation)

"""The published examples: units and settings of the five scripts of the published code.

Each uses the fc6 generator and its act_range of 3 standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..objectives import Unit
from ..settings import Settings, released, released_from_image, released_googlenet


@dataclass(frozen=True)
class Example:
    """One script.

    target: name of the network.
    units: one image each, from seed 0.
    """

    target: str
    units: tuple[Unit, ...]
    settings: Settings = field(default_factory=released)


def _units(layer: str, *indices: int, xy: int | None = None) -> tuple[Unit, ...]:
    return tuple(Unit(layer, index, xy) for index in indices)


OUTPUT = Example("caffenet", _units("fc8", 643, 624, 304, 629, 437))
OUTPUT_PLACES = Example("places205-alexnet", _units("fc8", 2, 7, 8, 12, 71))
FROM_IMAGE = Example("caffenet", _units("fc8", 945), released_from_image())
HIDDEN_PLACES = Example("places205-alexnet", _units("conv5", 8, 55, 154, 181, 45, xy=6))
OUTPUT_GOOGLENET = Example("googlenet", _units("loss3/classifier", 643, 624, 304, 629, 437), released_googlenet())

"""The same start for each frame of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .start import Start


@dataclass(frozen=True)
class EachFrameStart:
    """Codes of images for clips (frames, *code_shape): all frames of a clip begin alike."""

    start: Start

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        return np.repeat(self.start.codes(seeds, shape[1:])[:, None], shape[0], 1)

    def as_dict(self) -> dict[str, Any]:
        return {"start": "each frame", "of": dict(self.start.as_dict())}

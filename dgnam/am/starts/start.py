"""The start: the code at which the ascent begins, for each seed.

`synthesize` takes one as `start_codes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Start(Protocol):
    """A start code for each seed."""

    def codes(self, seeds: Sequence[int], shape: tuple[int, ...]) -> np.ndarray:
        """(n, *shape) float32, the start codes of n seeds; raises DgnamError for an unsuitable shape."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """For a run's record: what determines the codes, as JSON."""
        ...

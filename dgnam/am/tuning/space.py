"""The settings that a tuning may try: those that the paper's random search varied."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DgnamError
from ..regularizers import L2Decay, NormPenalty
from ..settings import MOST_ITERS, Settings
from ..steps import Linear

Range = Sequence[Any]
"""The least and the greatest value, and "log" or True behind them where values are drawn evenly by their logarithm."""

PAPER_RANGE: Range = (0.0005, 0.5, "log")
"""A range for `norm_penalty`: around the paper's 0.005."""

_FORM = "give the smallest and the largest value, finite and the least first, as 1,32, or 1,32,log for even logarithms"

NAMES = ("n_iters", "start_lr", "l2", "norm_penalty")


@dataclass(frozen=True)
class TuningSpace:
    """A range for each of the settings; the two of a range may be equal.

    The paper searched at random in L2 weight, number of iterations and learning rate, and does not say in which ranges
    (Sec. 2); these lie around what it found, and the released settings of CaffeNet and GoogLeNet are in them.

    n_iters: the number of steps.
    start_lr: the first step's size; the last one's is `end_lr`.
    l2: the released code's L2, above 0 and up to 1, where 1 is none.
    norm_penalty: Eq. 1's L2, in place of `l2`: exactly one of the two has a range and the other is None.
    """

    n_iters: Range = (50, 400)
    start_lr: Range = (1.0, 32.0, "log")
    l2: Range | None = (0.9, 1.0)
    norm_penalty: Range | None = None
    end_lr: float = 1e-10

    def __post_init__(self) -> None:
        for name in NAMES:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _checked(name, value))
        if (self.l2 is None) == (self.norm_penalty is None):
            raise DgnamError("a search space has a range of l2 or one of norm_penalty, and None for the other")
        if self.l2 is not None and self.l2[1] > 1:
            raise DgnamError(f"l2 up to {self.l2[1]:g}: a code is multiplied by 1 at most")
        if not (math.isfinite(self.end_lr) and self.end_lr >= 0):
            raise DgnamError(f"end_lr {self.end_lr:g}: give the size of a step, 0 or more")

    @property
    def ranges(self) -> dict[str, tuple[float, float, bool]]:
        """What is drawn, by name, always in the same order."""
        found = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in found.items() if value is not None}

    def settings(self, drawn: Mapping[str, Any]) -> Settings:
        """The settings of a drawn value for each name of `ranges`."""
        penalty = drawn.get("norm_penalty")
        regularizer = L2Decay(float(drawn["l2"])) if penalty is None else NormPenalty(float(penalty))
        return Settings(int(drawn["n_iters"]), Linear(float(drawn["start_lr"]), self.end_lr), regularizer)

    def as_dict(self) -> dict[str, Any]:
        """For a record; `TuningSpace(**read)` is the same space."""
        found = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def _checked(name: str, value: Any) -> tuple[float, float, bool]:
    """A range with all three of its parts, (low, high, log)."""
    if not isinstance(value, tuple | list | np.ndarray) or len(value) not in (2, 3):
        raise DgnamError(f"{name} {value!r}: {_FORM}")
    value = tuple(part.item() if isinstance(part, np.generic) else part for part in value)
    low, high, log = (*value, False)[:3]
    log = True if log == "log" else log
    if not _is_finite(low) or not _is_finite(high) or not isinstance(log, bool) or low > high:
        raise DgnamError(f"{name} {value}: {_FORM}")
    if name == "n_iters":
        if low < 1 or low != int(low) or high != int(high):
            raise DgnamError(f"n_iters {value}: give whole numbers of steps, 1 or more")
        if high > MOST_ITERS:
            raise DgnamError(f"n_iters {value}: give at most {MOST_ITERS} steps")
        return int(low), int(high), log
    if low < 0 or (low == 0 and (log or name in ("start_lr", "l2"))):
        raise DgnamError(f"{name} {value}: the least value must be {'over 0' if low == 0 else '0 or more'}")
    return float(low), float(high), log


def _is_finite(value: Any) -> bool:
    """Whether this is a number that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max

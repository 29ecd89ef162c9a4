"""Checks of numbers, shared by targets, priors and settings."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import DgnamError


def finite_numbers(name: str, values: Sequence[float]) -> list[float]:
    """The values as floats; raises DgnamError for one that is not a finite number."""
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError):
        raise DgnamError(f"{name} {list(values)}: not numbers") from None
    if not all(map(math.isfinite, found)):
        raise DgnamError(f"{name} {list(values)}: not finite")
    return found


def channel_values(name: str, values: float | Sequence[float]) -> list[float]:
    """Three floats, from one for each channel or one for all; raises DgnamError unless they are finite."""
    found = list(values) if isinstance(values, Iterable) else [values] * 3
    if len(found) != 3:
        raise DgnamError(f"{name} {values}: give one number, or one for each of the 3 channels")
    return finite_numbers(name, found)


def whole_number(name: str, value: Any, least: int, most: int | None = None) -> int:
    """The value as an int; raises DgnamError unless it is an integer in [least, most] (20.0 and True are not)."""
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or isinstance(value, bool):
        raise DgnamError(f"{name} {value!r}: give a whole number, at least {least}")
    if found < least:
        raise DgnamError(f"{name} {value} must be at least {least}")
    if most is not None and found > most:
        raise DgnamError(f"{name} {value} must be at most {most}")
    return found


def check_number(name: str, value: Any, *, above: float | None = None, least: float | None = None) -> None:
    """Raise DgnamError unless `value` is a finite number, greater than `above` or no less than `least`."""
    try:
        finite = not isinstance(value, str) and math.isfinite(value)
    except (TypeError, OverflowError):
        finite = False
    if not finite:
        raise DgnamError(f"{name} {value!r} must be finite: give a number")
    if above is not None and not value > above:
        raise DgnamError(f"{name} {value} must be above {above:g}")
    if least is not None and not value >= least:
        raise DgnamError(f"{name} {value} must be at least {least:g}")

"""Whole numbers as a record lists them: consecutive ones by their ends, as "0-4999999"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def to_ranges(numbers: Iterable[int | range]) -> list[int | str]:
    """Numbers in their order, three or more consecutive ones as a text: 7, 0, 1, 2, 3 are [7, "0-3"]."""
    found: list[int | str] = []
    held = range(0)
    for part in [numbers] if isinstance(numbers, range) and numbers.step == 1 else numbers:
        more = part if isinstance(part, range) else range(int(part), int(part) + 1)
        if held and more.start == held.stop and held.start >= 0:
            held = range(held.start, more.stop)
        else:
            found += _listed(held)
            held = more
    return found + _listed(held)


def from_ranges(listed: Iterable[Any]) -> Iterator[range]:
    """The ranges that `to_ranges` listed; a ValueError or TypeError for a part that is none."""
    if isinstance(listed, range) and listed.step == 1:
        yield listed
        return
    for part in listed:
        ends = _RANGE.fullmatch(part) if isinstance(part, str) else None
        if ends is not None and int(ends[1]) <= int(ends[2]):
            yield range(int(ends[1]), int(ends[2]) + 1)
        elif isinstance(part, str | bool):
            raise ValueError(part)
        else:
            yield range(number := _index(part), number + 1)


def in_ranges(value: Any) -> Any:
    """A record's JSON with each list of whole numbers as `to_ranges` has it, also that of an earlier version."""
    if isinstance(value, dict):
        return {key: in_ranges(part) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    try:
        return to_ranges(from_ranges(value))
    except (ValueError, TypeError):
        return [in_ranges(part) for part in value]


def _listed(numbers: range) -> list[int | str]:
    return [f"{numbers[0]}-{numbers[-1]}"] if len(numbers) > 2 else list(numbers)


def _index(part: Any) -> int:
    try:
        return int(part.__index__())
    except AttributeError:
        raise TypeError(part) from None

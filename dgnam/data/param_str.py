"""The options of a Python data layer: JSON by name, in its param_str."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import FormatError, closest, shortened

Kind = tuple[Callable[[Any], bool], str]
"""Whether a value can be used, and what would be valid."""


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, which true and false are not."""
    return type(value) is int


def is_number(value: Any) -> bool:
    """Whether a value is a number."""
    return type(value) in (int, float)


def whole_between(least: int, most: int) -> Kind:
    """Whole numbers of a range."""
    return lambda value: is_whole(value) and least <= value <= most, f"a whole number of {least} to {most}"


def _is_color(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(is_number(n) and 0 <= n <= 255 for n in value)


TEXT: Kind = (lambda value: isinstance(value, str) and value != "", "a text")
WHOLE: Kind = (is_whole, "a whole number")
NUMBER: Kind = (is_number, "a number")
FLAG: Kind = (lambda value: isinstance(value, bool), "true or false")
COLOR: Kind = (_is_color, "three numbers of 0 to 255, blue, green and red")


def read_param_str(text: str, known: Mapping[str, Kind], needed: Sequence[str]) -> dict[str, Any]:
    """The options in a param_str; FormatError for unknown ones, those of the wrong kind, and where one is lacking."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"param_str '{shortened(text)}' is not JSON ({shortened(str(error))})") from None
    if not isinstance(given, dict):
        raise FormatError(f"param_str '{shortened(text)}' has no options by name, such as {{\"source\": …}}")
    for name, value in given.items():
        if name not in known:
            raise FormatError(
                f"param_str has no option '{shortened(name)}'; there are {closest(name, known, limit=20)}"
            )
        fits, wanted = known[name]
        if not fits(value):
            raise FormatError(f"param_str: {name} is {shortened(str(value))}; give {wanted}")
    lacking = [name for name in needed if name not in given]
    if lacking:
        raise FormatError(f"param_str lacks {', '.join(lacking)}")
    return given

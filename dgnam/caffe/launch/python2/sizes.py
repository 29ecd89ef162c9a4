"""NumPy's functions whose sizes could be floats, which it cut off to whole numbers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .items import cut

_SIZES = {
    "array_split": "indices_or_sections",
    "empty": "shape",
    "eye": "N M k",
    "full": "shape",
    "hsplit": "indices_or_sections",
    "identity": "n",
    "indices": "dimensions",
    "linspace": "num",
    "logspace": "num",
    "ones": "shape",
    "pad": "pad_width",
    "repeat": "repeats",
    "reshape": "shape newshape",
    "resize": "new_shape",
    "roll": "shift",
    "rollaxis": "axis start",
    "split": "indices_or_sections",
    "tile": "reps",
    "tri": "N M k",
    "vsplit": "indices_or_sections",
    "zeros": "shape",
}
"""The parameters that are sizes, by the function's name."""
_POSITIONS = {"empty": (0,), "zeros": (0,)}
"""Those of functions without a signature."""
_OF_RANDOM = {"rand": (0, 1, 2, 3, 4, 5), "randn": (0, 1, 2, 3, 4, 5), "permutation": (0,), "randint": (0, 1, 2)}


def functions() -> dict[str, Any]:
    """Those of `numpy`."""
    return {
        name: _cutting(getattr(np, name), _POSITIONS.get(name), tuple(names.split())) for name, names in _SIZES.items()
    }


def of_random(owner: Any = np.random) -> dict[str, Any]:
    """Those of `numpy.random`, or of a RandomState."""
    made = {}
    for name in (name for name in dir(np.random) if name[0].islower()):
        function = getattr(owner, name, None)
        if name in _OF_RANDOM:
            made[name] = _cutting(function, _OF_RANDOM[name], ("low", "high", "size"))
        elif callable(function) and "size" in (getattr(function, "__doc__", None) or "").split("\n\n")[0]:
            made[name] = _cutting(function, None, ("size",))
    return made


def draw(name: str, state: Any, /, *given: Any, **named: Any) -> Any:
    """What a method of a RandomState gives."""
    return of_random(state)[name](*given, **named)


def method(name: str) -> Callable[..., Any]:
    """A method of arrays whose arguments are sizes."""
    return lambda array, *given, **named: getattr(array, name)(*map(_whole, given), **named)


def _cutting(function: Any, positions: tuple[int, ...] | None, names: tuple[str, ...]) -> Callable[..., Any]:
    places = _places(function, names) if positions is None else positions

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        given = tuple(_whole(value) if place in places else value for place, value in enumerate(given))
        return function(*given, **{name: _whole(value) if name in names else value for name, value in named.items()})

    return call


def _places(function: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    try:
        parameters = list(inspect.signature(function).parameters)
    except ValueError:
        return ()
    return tuple(place for place, name in enumerate(parameters) if name in names)


def _whole(size: Any) -> Any:
    return type(size)(map(cut, size)) if type(size) in (tuple, list) else cut(size)

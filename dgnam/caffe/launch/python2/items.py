"""Items, iteration and membership, where bytes are byte strings and NumPy takes floats as indices.

NumPy cut floats off to whole numbers, and took a list that holds sequences or slices as a tuple.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import casts
from .byte_strings import Bytes, decoded, encoded, result
from .files import FILES

_PLAIN = (list, dict, str, tuple, range)
_MOST_INDICES = 32


def item(container: Any, index: Any) -> Any:
    """`container[index]`."""
    if type(container) in _PLAIN:
        return container[result(index)]
    if isinstance(container, np.ndarray):
        found = container[whole(index)]
        return Bytes(found) if type(found) is np.bytes_ else found
    return (container.args if isinstance(container, BaseException) else result(container))[index]


def assign_item(value: Any, container: Any, index: Any) -> None:
    """`container[index] = value`."""
    if isinstance(container, np.ndarray | np.flatiter):
        casts.assign(container, whole(index), value)
    else:
        container[index] = value


class Stored:
    """A container whose items are assigned by `assign_item`, as one of several targets."""

    __slots__ = ("container",)

    def __init__(self, container: Any) -> None:
        self.container = container

    def __setitem__(self, index: Any, value: Any) -> None:
        assign_item(value, self.container, index)


def whole(index: Any) -> Any:
    """An index of an array, with whole numbers for floats."""
    if isinstance(index, tuple):
        return tuple(whole(one) for one in index) if type(index) is tuple else index
    if isinstance(index, slice):
        return slice(*(cut(part) for part in (index.start, index.stop, index.step)))
    if type(index) is list and len(index) <= _MOST_INDICES and any(_is_index(one) for one in index):
        return tuple(whole(one) for one in index)
    return cut(index)


def _is_index(value: Any) -> bool:
    """Whether a value in a list makes the list a tuple of indices."""
    return value is None or value is Ellipsis or isinstance(value, slice | list | tuple | np.ndarray)


def cut(size: Any) -> Any:
    """A size or place, which could be a float."""
    return int(size) if isinstance(size, float | np.floating) else size


def items(iterable: Any) -> Any:
    """What a loop goes through."""
    if type(iterable) in _PLAIN:
        return iterable
    if type(iterable) is bytes:
        return Bytes(iterable)
    if isinstance(iterable, BaseException):
        return iterable.args
    return map(result, iterable) if isinstance(iterable, FILES) else iterable


def contains(part: Any, container: Any) -> bool:
    """`part in container`."""
    if isinstance(part, bytes):
        return (decoded(bytes(part)) if isinstance(container, str) else result(part)) in result(container)
    return part in result(container) if type(container) is bytes else part in container


def stored(message: Any, name: str, value: Any) -> Any:
    """What `message.name = value` assigns: a field of bytes in a protobuf message takes texts; casts of arrays wrap.

    message: one, or their class, whose call takes the field by its name; or an array, whose `flat` is assigned.
    """
    if isinstance(message, np.ndarray):
        return casts.fitting(message, value) if name == "flat" else value
    described = getattr(message if isinstance(message, type) else type(message), "DESCRIPTOR", None)
    if isinstance(value, str) and described is not None:
        field = described.fields_by_name.get(name)
        return encoded(value) if field is not None and field.type == field.TYPE_BYTES else value
    return value
